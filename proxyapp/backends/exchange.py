"""One reply on one socket: its head, and its body as it arrives, checked to be whole.

Both are read by the same ticking wait, so that whoever reads can keep its own client
alive: a busy llama-server sends not even a head while a request waits in its queue.
"""

import zlib
from collections.abc import Generator
from collections.abc import Iterator
from typing import Any
from typing import Protocol

from proxyapp.errors import UpstreamIncomplete
from proxyapp.errors import UpstreamInvalid
from proxyapp.errors import UpstreamTimeout
from proxyapp.errors import UpstreamUnreachable
from proxyapp.runtime import readiness
from proxyapp.wire.chunked import Dechunker
from proxyapp.wire.http1 import HeadReader
from proxyapp.wire.http1 import ReplyHead

TICK = 0.25
"""Seconds between two looks at the clock while an upstream is silent."""

_PORTION = 65536
_INFLATED = 1 << 20
_SWELLING = 200
"""How much larger than it came a body may become; a stream of tokens does tenfold."""
_NO_BODY = frozenset({101, 204, 304})


class StaleConnection(Exception):
    """A pooled connection had died before the request on it was answered at all."""


class Sent(Protocol):
    """A request that went out; the reply comes on ``sock``."""

    sock: Any
    reused: bool

    def keep(self) -> None:
        """Let the connection serve again."""

    def drop(self) -> None:
        """Close the connection."""


class Exchange:
    """The reply to one request, read once, from its head to its end."""

    def __init__(self, sent: Sent, url: str, idle_timeout: float) -> None:
        self._sent: Sent = sent
        self._url = url
        self._wait = readiness(sent.sock, TICK)
        self._idle_timeout = idle_timeout
        self._ticks = 0
        self._head: ReplyHead | None = None
        self._rest = b""

    def head(self) -> Generator[bytes, None, ReplyHead]:
        """Yield ``b""`` every tick until the head is there; return it.

        Raises StaleConnection when a connection that had served before ends without
        a byte, and UpstreamError for every other way to get no head.
        """
        reader = HeadReader()
        while (data := self._arrival()) is not None:
            if not data:
                yield b""
                continue
            try:
                head = reader.feed(data)
            except ValueError as error:
                raise UpstreamInvalid(
                    f"{self._url} does not speak HTTP: {error}."
                ) from None
            if head is not None:
                self._head, self._rest = head, reader.rest
                return head
        if self._sent.reused and not reader.begun:
            raise StaleConnection
        if reader.begun:
            raise UpstreamInvalid(f"{self._url} broke off in the head of its reply.")
        raise UpstreamUnreachable(
            f"{self._url} closed the connection without an answer. See its log, or"
            " run: python -m proxyapp doctor"
        )

    def portions(self) -> Iterator[bytes]:
        """Yield body bytes as they arrive, and ``b""`` for every tick of silence.

        Raises UpstreamIncomplete when the body ends before its framing says so,
        UpstreamInvalid when that framing is broken, and UpstreamTimeout.
        """
        head = self._head
        if head is None or head.status in _NO_BODY:
            return iter(())
        framed = self._framed(head.fields)
        compressed = head.fields.get("content-encoding", "") in ("gzip", "deflate")
        return _inflated(framed) if compressed else framed

    def _framed(self, fields: dict[str, str]) -> Iterator[bytes]:
        chunked = "chunked" in fields.get("transfer-encoding", "").lower()
        body = Dechunker() if chunked else _Counted(fields.get("content-length"))
        data: bytes | None = self._rest
        while data is not None and not body.done:
            payload = body.feed(data) if data else data
            if payload:
                yield payload
            elif not data:
                yield b""
            if body.failure:
                raise UpstreamInvalid(f"Broken HTTP framing upstream: {body.failure}.")
            if not body.done:
                data = self._arrival()
        if body.done:
            self._end(keep="close" not in fields.get("connection", "").lower())
        elif not isinstance(body, _Counted) or body.counted:
            raise UpstreamIncomplete(
                f"{self._url} closed the connection in the middle of its reply."
            )

    def _arrival(self) -> bytes | None:
        """Wait for bytes: ``b""`` after a tick, None at the connection's end."""
        data = self._wait.receive(_PORTION)
        if data:
            self._ticks = 0
            return data
        if data is not None:
            return None
        self._ticks += 1
        if self._ticks * TICK > self._idle_timeout:
            raise UpstreamTimeout(silence(self._idle_timeout))
        return b""

    def _end(self, *, keep: bool) -> None:
        self._wait.close()
        if keep:
            self._sent.keep()
            self._sent = _Nothing()

    def close(self) -> None:
        """Drop the connection, unless the reply was read to its end."""
        self._wait.close()
        self._sent.drop()


class _Nothing:
    """Stands in for a connection that was given back."""

    sock: Any = None
    reused = False

    def keep(self) -> None:
        pass

    def drop(self) -> None:
        pass


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


def _inflated(framed: Iterator[bytes]) -> Iterator[bytes]:
    """Decompress; we never ask for compression, yet some servers answer with it."""
    inflate = zlib.decompressobj(47)
    came = made = 0
    try:
        for data in framed:
            if not data:
                yield data
            came += len(data)
            while data:
                portion = inflate.decompress(data, _INFLATED)
                made += len(portion)
                if made > _INFLATED + came * _SWELLING:
                    raise UpstreamInvalid("The model server's reply swells endlessly.")
                if portion:
                    yield portion
                data = inflate.unconsumed_tail
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
