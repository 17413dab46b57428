"""The body of an upstream reply, read as it arrives and checked to be whole."""

import zlib
from collections.abc import Generator
from collections.abc import Iterator
from typing import Any

from urllib3.response import HTTPResponse

from proxyapp.errors import UpstreamIncomplete
from proxyapp.errors import UpstreamInvalid
from proxyapp.errors import UpstreamTimeout
from proxyapp.runtime import readiness
from proxyapp.wire.chunked import Dechunker

TICK = 0.25
"""Seconds between two looks at the clock while an upstream is silent."""

_PORTION = 65536
_INFLATED = 16 << 20
_WOULD_BLOCK = b"would block"


def portions(raw: HTTPResponse, url: str, idle_timeout: float) -> Iterator[bytes]:
    """Yield body bytes as they arrive, and ``b""`` for every tick of silence.

    Raises UpstreamIncomplete when the body ends before its framing says so,
    UpstreamInvalid when that framing is broken, and UpstreamTimeout after
    ``idle_timeout`` seconds without a byte.
    """
    encoding = raw.headers.get("Content-Encoding", "").lower()
    framed = _framed(raw, url, idle_timeout)
    if encoding not in ("gzip", "deflate"):
        return framed
    return _inflated(framed)


def _framed(raw: HTTPResponse, url: str, idle_timeout: float) -> Iterator[bytes]:
    fp = getattr(getattr(raw, "_fp", None), "fp", None)
    # Not the connection's own socket: http.client lets go of that one when the
    # reply ends with the connection.
    sock = getattr(getattr(fp, "raw", None), "_sock", None)
    if sock is None or raw.status in (204, 304):
        # No body to come, or a double of urllib3's response without a socket.
        yield from raw.stream(_PORTION, decode_content=False)
        return
    body = Dechunker() if raw.chunked else _Counted(raw.headers.get("Content-Length"))
    arrivals = _arrivals(sock, fp, idle_timeout)
    try:
        for data in arrivals:
            payload = body.feed(data) if data else data
            if payload or not data:
                yield payload
            if body.failure:
                raise UpstreamInvalid(f"Broken HTTP framing upstream: {body.failure}.")
            if body.done:
                _give_back(raw, sock)
                return
    finally:
        arrivals.close()
    if not isinstance(body, _Counted) or body.counted:
        raise UpstreamIncomplete(
            f"{url} closed the connection in the middle of its reply."
        )


class _Counted:
    """A body framed by Content-Length, or (without one) by the connection's end."""

    def __init__(self, length: str | None) -> None:
        self.failure = ""
        self.counted = bool(length and length.isdecimal())
        self._left = int(length) if length and self.counted else 0
        self.done = self.counted and not self._left

    def feed(self, data: bytes) -> bytes:
        if self.counted:
            data = data[: self._left]
            self._left -= len(data)
            self.done = not self._left
        return data


def _arrivals(sock: Any, fp: Any, idle_timeout: float) -> Generator[bytes, None, None]:
    """Yield what the socket brings and ``b""`` for each tick; return at its end."""
    sock.settimeout(0.0)
    ready = readiness(sock, TICK)
    tls = hasattr(sock, "pending")
    ticks, patience = 0, max(1, round(idle_timeout / TICK))
    try:
        data = _read_ahead(fp)
        while data:
            if data is not _WOULD_BLOCK:
                yield data
                ticks = 0
                # TLS may hold decrypted bytes that no poll of the socket shows.
                if tls or len(data) == _PORTION:
                    data = _receive(sock)
                    continue
            if ready.wait():
                data = _receive(sock)
                continue
            ticks += 1
            if ticks > patience:
                raise UpstreamTimeout(silence(idle_timeout))
            yield b""
            data = _WOULD_BLOCK
    finally:
        ready.close()


def _read_ahead(fp: Any) -> bytes:
    """Take what http.client read from the socket together with the head."""
    try:
        return bytes(fp.read1(_PORTION)) if fp.peek(1) else _WOULD_BLOCK
    except OSError:
        return _WOULD_BLOCK


def _receive(sock: Any) -> bytes:
    try:
        return bytes(sock.recv(_PORTION))
    except BlockingIOError:
        return _WOULD_BLOCK
    except OSError as error:
        # ssl.SSLWantReadError, without importing ssl for a plain socket.
        return _WOULD_BLOCK if "WantRead" in type(error).__name__ else b""


def _give_back(raw: HTTPResponse, sock: Any) -> None:
    """Return the connection to its pool, blocking again."""
    sock.settimeout(None)
    original = getattr(raw, "_original_response", None)
    if original is not None:
        original.close()
    raw.release_conn()


def _inflated(framed: Iterator[bytes]) -> Iterator[bytes]:
    """Decompress; we never ask for compression, yet some servers answer with it."""
    inflate = zlib.decompressobj(47)
    try:
        for data in framed:
            yield inflate.decompress(data, _INFLATED) if data else data
    except zlib.error:
        raise UpstreamInvalid("The model server's compression is broken.") from None
    if not inflate.eof:
        raise UpstreamIncomplete("The model server's compressed reply was cut short.")


def silence(seconds: float) -> str:
    """Say in words that an upstream stayed silent for ``seconds``."""
    return (
        f"The model server sent nothing for {seconds:g} s; raise upstream.idle_timeout"
        " if it needs longer."
    )
