"""HTTP to an upstream, through ``requests`` with an adapter and a reader of our own.

What is ours, and why (figures in docs/bench.md):

* one prepared request a backend, sent through a mounted adapter that keeps one pool
  and no cookies: ``Session.post`` costs twice as much;
* a reader that hands on whatever has arrived, chunk framing removed:
  ``iter_lines`` scans a long line again and again and guesses at encodings;
* a wait that ticks, so that whoever reads can send heartbeats meanwhile;
* neither environment proxies, nor ``.netrc``, nor redirects: each of them would carry
  prompts and keys to somewhere nobody configured.
"""

from collections.abc import Generator
from collections.abc import Iterator
from http.client import BadStatusLine
from http.client import HTTPException
from http.client import RemoteDisconnected
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict
from urllib3.connection import HTTPConnection
from urllib3.connection import HTTPSConnection
from urllib3.exceptions import NameResolutionError
from urllib3.exceptions import NewConnectionError
from urllib3.response import HTTPResponse

from proxyapp.backends.body import portions
from proxyapp.backends.body import silence
from proxyapp.backends.body import TICK
from proxyapp.errors import UpstreamError
from proxyapp.errors import UpstreamInvalid
from proxyapp.errors import UpstreamTimeout
from proxyapp.errors import UpstreamUnreachable
from proxyapp.runtime import Task
from proxyapp.wire import jsons

MAX_DOCUMENT = 64 << 20
"""The largest whole (not streamed) reply that is read, in bytes."""


class _StaleConnection(ConnectionResetError):
    """A pooled connection had died before the request on it was answered at all."""


class _Remembering:
    """A connection that knows whether it has served before."""

    replies = 0

    def connect(self) -> None:
        self.replies = 0
        super().connect()  # type: ignore[misc]

    def getresponse(self) -> Any:
        try:
            response = super().getresponse()  # type: ignore[misc]
        except (RemoteDisconnected, ConnectionResetError, BrokenPipeError) as error:
            if self.replies:
                raise _StaleConnection(str(error)) from error
            raise
        self.replies += 1
        return response


class _PlainConnection(_Remembering, HTTPConnection):
    pass


class _TlsConnection(_Remembering, HTTPSConnection):
    pass


class StreamResponse(requests.Response):
    """A reply whose body can be read as it arrives."""

    raw: HTTPResponse

    @property
    def is_redirect(self) -> bool:
        """Say no: redirects are answers here, and the session must not plan them."""
        return False

    def portions(self, idle_timeout: float) -> Iterator[bytes]:
        """Yield body bytes as they arrive, and ``b""`` for every tick of silence.

        Raises UpstreamIncomplete when the body ends before its framing says so, and
        UpstreamTimeout after ``idle_timeout`` seconds without a byte.
        """
        return portions(self.raw, self.url, idle_timeout)


class _UpstreamAdapter(HTTPAdapter):
    """An adapter for one origin: one pool, path-only URLs, no cookie jar."""

    _pool: Any = None

    def get_connection_with_tls_context(
        self, request: Any, verify: Any, proxies: Any = None, cert: Any = None
    ) -> Any:
        if self._pool is None:
            pool: Any = super().get_connection_with_tls_context(
                request, verify, proxies, cert
            )
            tls = pool.scheme == "https"
            pool.ConnectionCls = _TlsConnection if tls else _PlainConnection
            self._pool = pool
        return self._pool

    def request_url(self, request: Any, proxies: Any) -> str:
        return str(request.path)

    def build_response(self, req: Any, resp: Any) -> StreamResponse:
        response = StreamResponse()
        response.status_code = resp.status
        response.reason = resp.reason
        response.headers = CaseInsensitiveDict(resp.headers)
        response.raw = resp
        response.url = req.url
        response.request = req
        response.connection = self
        response.encoding = "utf-8"
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
        self._path = "/" + self.url.partition("://")[2].partition("/")[2]
        self._session = requests.Session()
        self._session.trust_env = False
        adapter = _UpstreamAdapter(pool_maxsize=4096)
        self._session.mount("http://", adapter)
        self._session.mount("https://", adapter)
        base = {"Accept": "*/*", "Accept-Encoding": "identity", **(headers or {})}
        self._headers = CaseInsensitiveDict({**base, "User-Agent": "proxyapp"})

    def request(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        *,
        content_type: str = "application/json",
        timeout: float | None = None,
    ) -> StreamResponse:
        """Send one request and return as soon as the reply's head is there.

        A request on a pooled connection that died unused is sent once more; nothing
        else is ever repeated. Raises UpstreamUnreachable, UpstreamTimeout or
        UpstreamInvalid. The caller closes the response.
        """
        prepared = self._prepared(method, path, body, content_type)
        seconds = timeout or self.idle_timeout
        try:
            try:
                response = self._send(prepared, seconds)
            except requests.ConnectionError as error:
                if not _caused_by(error, _StaleConnection):
                    raise
                response = self._send(prepared, seconds)
        except (requests.RequestException, HTTPException, ValueError) as error:
            raise self._explained(error, seconds) from None
        if response.status_code < 200:
            response.close()
            raise UpstreamInvalid(f"{self.url} sent an interim reply as its last.")
        return response

    def opening(
        self, path: str, body: bytes, content_type: str = "application/json"
    ) -> Generator[bytes, None, StreamResponse]:
        """POST and yield ``b""`` every tick until the head is there; return it.

        A busy llama-server sends no head while a request waits in its queue, so this
        wait too must tick, and must end at once when the client leaves.
        """
        task = Task(
            lambda: self.request("POST", path, body, content_type=content_type),
            StreamResponse.close,
        )
        try:
            while not task.wait(TICK):
                yield b""
            return task.result()
        except BaseException:
            task.cancel()
            raise

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
        response = self.request(
            method, path, body, content_type=content_type, timeout=timeout
        )
        return response, read_all(response, timeout or self.idle_timeout)

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

    def _send(self, prepared: requests.PreparedRequest, read: float) -> StreamResponse:
        response = self._session.send(
            prepared,
            stream=True,
            allow_redirects=False,
            timeout=(self._connect_timeout, read),
        )
        if not isinstance(response, StreamResponse):
            raise TypeError("the mounted adapter builds every response")
        return response

    def _prepared(
        self, method: str, path: str, body: bytes | None, content_type: str
    ) -> requests.PreparedRequest:
        prepared = _Prepared()
        prepared.method = method
        prepared.url = self.url + path
        prepared.path = self._path.rstrip("/") + path
        prepared.headers = self._headers.copy()
        prepared.hooks = {"response": []}
        prepared.body = body
        if body is not None:
            prepared.headers["Content-Type"] = content_type
            prepared.headers["Content-Length"] = str(len(body))
        return prepared

    def _explained(self, error: Exception, seconds: float) -> UpstreamError:
        if isinstance(error, requests.ReadTimeout):
            return UpstreamTimeout(silence(seconds))
        if _caused_by(error, BadStatusLine) and not _caused_by(
            error, RemoteDisconnected
        ):
            return UpstreamInvalid(f"{self.url} does not speak HTTP.")
        return UpstreamUnreachable(
            f"No model server at {self.url}: {_reason(error)}. Start it, set UPSTREAM"
            " to where it is, or run: python -m proxyapp doctor"
        )


class _Prepared(requests.PreparedRequest):
    """A prepared request that knows its path."""

    path: str


def read_all(response: StreamResponse, idle_timeout: float) -> bytes:
    """Read a whole body, of at most MAX_DOCUMENT bytes, and close the response."""
    data = bytearray()
    try:
        for portion in response.portions(idle_timeout):
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


def _caused_by(error: BaseException, kind: type[BaseException]) -> bool:
    return any(isinstance(cause, kind) for cause in _chain(error))


_REASONS: tuple[tuple[type[BaseException], str], ...] = (
    (requests.ConnectTimeout, "it did not accept the connection in time"),
    (NameResolutionError, "the host name is unknown"),
    (ConnectionRefusedError, "it refused the connection"),
    (RemoteDisconnected, "it closed the connection without an answer"),
    (ConnectionResetError, "it reset the connection"),
    (requests.exceptions.SSLError, "TLS failed"),
    (NewConnectionError, "no connection could be made"),
    (HTTPException, "its answer's head is malformed"),
)


def _reason(error: BaseException) -> str:
    for kind, words in _REASONS:
        if _caused_by(error, kind):
            return words
    return "the request failed"
