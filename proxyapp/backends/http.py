"""HTTP to an upstream, through ``requests`` with an adapter and a reader of our own.

What is ours, and why (figures in docs/bench.md):

* a request is one write, and a reply's head is read by the same wait as its body
  (``pool``, ``exchange``): ``Session.post`` costs three times as much;
* that wait ticks, so that whoever reads can send heartbeats, also while a busy server
  sends no head at all;
* the body is handed on as it arrives, chunk framing removed: ``iter_lines`` scans a
  long line again and again and guesses at encodings;
* neither environment proxies, nor ``.netrc``, nor redirects: each of them would carry
  prompts and keys to somewhere nobody configured.
"""

import time
from collections.abc import Generator
from collections.abc import Iterator
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict
from urllib3.exceptions import ConnectTimeoutError
from urllib3.exceptions import HTTPError
from urllib3.exceptions import NameResolutionError
from urllib3.exceptions import NewConnectionError
from urllib3.exceptions import SSLError

from proxyapp.backends.breaker import Breaker
from proxyapp.backends.exchange import Exchange
from proxyapp.backends.exchange import StaleConnection
from proxyapp.backends.pool import PlainPool
from proxyapp.backends.pool import SentRequest
from proxyapp.backends.pool import TlsPool
from proxyapp.errors import UpstreamError
from proxyapp.errors import UpstreamInvalid
from proxyapp.errors import UpstreamUnavailable
from proxyapp.errors import UpstreamUnreachable
from proxyapp.wire import jsons
from proxyapp.wire.http1 import ReplyHead

MAX_DOCUMENT = 64 << 20
"""The largest whole (not streamed) reply that is read, in bytes."""


class StreamResponse(requests.Response):
    """A reply whose body can be read as it arrives."""

    exchange: Exchange | None = None

    def __init__(self) -> None:
        # Not requests' own: its jar of cookies, which nobody here looks into, costs
        # more than all the rest of a response.
        self._content_consumed = False

    def take(self, head: ReplyHead) -> None:
        """Fill in what the head of the reply says."""
        self.status_code = head.status
        self.reason = head.reason
        self.headers = CaseInsensitiveDict(head.fields)

    def portions(self) -> Iterator[bytes]:
        """Yield body bytes as they arrive, and ``b""`` for every tick of silence.

        Raises UpstreamIncomplete when the body ends before its framing says so, and
        UpstreamTimeout after the client's ``idle_timeout`` without a byte.
        """
        if self.exchange is not None:
            return self.exchange.portions()
        return iter(self.raw.stream(65536, decode_content=False))

    def close(self) -> None:
        """Drop the connection, unless the reply was read to its end."""
        if self.exchange is not None:
            self.exchange.close()
        else:
            super().close()


class _UpstreamAdapter(HTTPAdapter):
    """An adapter for one origin, whose responses start out without a head."""

    _pool: Any = None

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, **options)
        pools: Any = {"http": PlainPool, "https": TlsPool}
        self.poolmanager.pool_classes_by_scheme = pools

    def get_connection_with_tls_context(
        self, request: Any, verify: Any, proxies: Any = None, cert: Any = None
    ) -> Any:
        if self._pool is None:
            self._pool = super().get_connection_with_tls_context(
                request, verify, proxies, cert
            )
        return self._pool

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        if url.startswith("https:"):
            super().cert_verify(conn, url, verify, cert)  # type: ignore[no-untyped-call]

    def drop_idle(self) -> None:
        """Close the connections that wait to serve again."""
        if self._pool is not None:
            self._pool.drop_idle()

    def request_url(self, request: Any, proxies: Any) -> str:
        return str(request.path)

    def build_response(self, req: Any, resp: Any) -> StreamResponse:
        response = StreamResponse()
        response.raw = resp
        response.url = req.url
        response.request = req
        if isinstance(resp, SentRequest):
            response.exchange = Exchange(resp, req.url, req.idle_timeout)
        else:
            # A double of a reply that came whole, head and all.
            response.take(ReplyHead(resp.status, resp.reason, dict(resp.headers)))
        return response


class HttpClient:
    """One upstream origin: ``http://host:port``, optionally with a base path."""

    def __init__(
        self,
        url: str,
        *,
        headers: dict[str, str] | None = None,
        connect_timeout: float = 3.0,
        idle_timeout: float = 900.0,
    ) -> None:
        self.url = url.rstrip("/")
        self.idle_timeout = idle_timeout
        self._connect_timeout = connect_timeout
        self.breaker = Breaker()
        # Without a session: there are no cookies, redirects or proxies to look for.
        self._adapter = _UpstreamAdapter()
        origin, _, path = self.url.partition("://")[2].partition("/")
        self._path = f"/{path}".rstrip("/")
        self._headers = {
            "Host": origin,
            "User-Agent": "proxyapp",
            "Accept": "*/*",
            "Accept-Encoding": "identity",
            **(headers or {}),
        }

    def opening(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        *,
        content_type: str = "application/json",
        timeout: float | None = None,
    ) -> Generator[bytes, None, StreamResponse]:
        """Send one request, yield ``b""`` every tick until its head is there.

        A request on a pooled connection that died unused is sent once more; nothing
        else is ever repeated. Raises UpstreamUnreachable, UpstreamTimeout or
        UpstreamInvalid. The caller closes the response that is returned.
        """
        prepared = self._prepared(method, path, body, content_type)
        prepared.idle_timeout = timeout or self.idle_timeout
        try:
            return (yield from self._opened(prepared))
        except StaleConnection:
            # The others are as old as this one; the second try needs a new one.
            self._adapter.drop_idle()
        try:
            return (yield from self._opened(prepared))
        except StaleConnection:
            raise UpstreamUnreachable(
                f"{self.url} closed two connections without an answer."
            ) from None

    def _opened(self, prepared: "_Prepared") -> Generator[bytes, None, StreamResponse]:
        response = self._send(prepared)
        if response.exchange is None:
            return response
        try:
            response.take((yield from response.exchange.head()))
        except BaseException:
            response.close()
            raise
        return response

    def document(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        *,
        content_type: str = "application/json",
        timeout: float | None = None,
    ) -> tuple[StreamResponse, bytes]:
        """Send one request and read the whole reply, of at most MAX_DOCUMENT bytes."""
        response = _waited(
            self.opening(method, path, body, content_type=content_type, timeout=timeout)
        )
        return response, read_all(response)

    def json(self, path: str, timeout: float) -> Any:
        """GET a JSON document; raise UpstreamInvalid for anything but 200 and JSON."""
        response, body = self.document("GET", path, timeout=timeout)
        if response.status_code != 200:
            raise UpstreamInvalid(
                f"{self.url}{path} answered {response.status_code}.",
                code=f"status_{response.status_code}",
            )
        try:
            return jsons.loads(body)
        except ValueError:
            raise UpstreamInvalid(f"{self.url}{path} did not answer JSON.") from None

    def _send(self, prepared: "_Prepared") -> StreamResponse:
        seconds = self.breaker.wait()
        if seconds:
            raise UpstreamUnavailable(
                f"No connection to the model server at {self.url} came about in time,"
                f" again and again; the next try is in {seconds} s. See whether its"
                " machine is up, or run: python -m proxyapp doctor",
                retry_after=str(seconds),
            )
        began = time.monotonic()
        try:
            response = self._adapter.send(
                prepared,
                stream=True,
                timeout=(self._connect_timeout, prepared.idle_timeout),
            )
        except (requests.RequestException, HTTPError, ValueError) as error:
            if _caused_by(error, (ConnectTimeoutError, NewConnectionError)):
                self.breaker.failed(time.monotonic() - began)
            raise self._explained(error) from None
        self.breaker.connected()
        if not isinstance(response, StreamResponse):
            raise TypeError("the mounted adapter builds every response")
        return response

    def _prepared(
        self, method: str, path: str, body: bytes | None, content_type: str
    ) -> "_Prepared":
        prepared = _Prepared()
        prepared.method = method
        prepared.url = self.url + path
        prepared.path = self._path + path
        headers = self._headers.copy()
        prepared.body = body
        if body is not None:
            headers["Content-Type"] = content_type
            headers["Content-Length"] = str(len(body))
        # A plain dict serves: nobody looks for a header by another case.
        prepared.headers = headers  # type: ignore[assignment]
        return prepared

    def _explained(self, error: Exception) -> UpstreamError:
        return UpstreamUnreachable(
            f"No model server at {self.url}: {_reason(error)}. Start it, set UPSTREAM"
            " to where it is, or run: python -m proxyapp doctor"
        )


class _Prepared(requests.PreparedRequest):
    """A prepared request that knows its path, and how patient to be, in seconds."""

    path: str
    idle_timeout: float


def _waited(opening: Generator[bytes, None, StreamResponse]) -> StreamResponse:
    """Run an opening to its end, for those who have no client to keep alive."""
    while True:
        try:
            next(opening)
        except StopIteration as opened:
            return opened.value  # type: ignore[no-any-return]


def read_all(response: StreamResponse) -> bytes:
    """Read a whole body, of at most MAX_DOCUMENT bytes, and close the response."""
    data = bytearray()
    try:
        for portion in response.portions():
            data += portion
            if len(data) > MAX_DOCUMENT:
                raise UpstreamInvalid("The model server's reply is too large.")
    finally:
        response.close()
    return bytes(data)


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an exception and all it wraps, by cause, by argument or by ``reason``."""
    todo: list[Any] = [error]
    seen: set[int] = set()
    while todo:
        item = todo.pop()
        if isinstance(item, BaseException) and id(item) not in seen:
            seen.add(id(item))
            yield item
            todo += [item.__cause__, item.__context__, getattr(item, "reason", None)]
            todo += item.args


def _caused_by(
    error: BaseException,
    kind: type[BaseException] | tuple[type[BaseException], ...],
) -> bool:
    return any(isinstance(cause, kind) for cause in _chain(error))


_REASONS: tuple[tuple[type[BaseException], str], ...] = (
    (NameResolutionError, "the host name is unknown"),
    (ConnectionRefusedError, "it refused the connection"),
    (ConnectionResetError, "it reset the connection"),
    (SSLError, "TLS failed"),
    (NewConnectionError, "no connection could be made"),
    (ConnectTimeoutError, "it did not accept the connection in time"),
)


def _reason(error: BaseException) -> str:
    for kind, words in _REASONS:
        if _caused_by(error, kind):
            return words
    return "the request failed"
