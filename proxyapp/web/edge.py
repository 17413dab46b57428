"""The outermost layer: what must happen around Flask, not inside it."""

import re
import sys
import time
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from types import MappingProxyType
from typing import Any

from proxyapp.neutral.record import Record
from proxyapp.observe.entry import GONE
from proxyapp.observe.journal import Journal
from proxyapp.runtime import ClientGone
from proxyapp.runtime import Departure
from proxyapp.runtime import new_id
from proxyapp.web.country import TRUSTED_PEER
from proxyapp.web.proxies import TrustedProxies

_SLASHES = re.compile(r"/{2,}")
_DEPARTURE = "proxyapp.departure"
STATUS = "proxyapp.status"
RECORD = "proxyapp.record"
BODY_READ = "proxyapp.body_read"
TRANSCRIPT = "proxyapp.transcript"
STREAM_BY_DEFAULT = "proxyapp.stream_by_default"

_AS_OPENAI = {
    "/api/chat": "/v1/chat/completions",
    "/api/generate": "/v1/completions",
}

Environ = dict[str, Any]
Wsgi = Callable[[Environ, Any], Iterable[bytes]]


class Edge:
    """Normalise the path, and end quietly when the client is gone.

    ``//api/chat`` is served as ``/api/chat``: VS Code appends paths to a base URL
    that may end with a slash, and follows no redirect. ``/api/chat`` for a client
    that wants server-sent events (or for all, by setting) is the OpenAI route. Behind
    a trusted proxy REMOTE_ADDR becomes the client's own.
    """

    def __init__(
        self,
        app: Wsgi,
        journal: Journal,
        *,
        ollama_as_sse: bool,
        dialects: Mapping[str, str] = MappingProxyType({}),
        proxies: Sequence[str] = (),
    ) -> None:
        """``dialects`` names the dialect of each path that generates."""
        self._app = app
        self._journal = journal
        self._proxies = TrustedProxies(proxies)
        self._ollama_as_sse = ollama_as_sse
        self._dialects = dialects

    def __call__(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        """Serve one request."""
        path = environ.get("PATH_INFO") or "/"
        if "//" in path:
            path = environ["PATH_INFO"] = _SLASHES.sub("/", path)
        if path in _AS_OPENAI and self._wants_sse(environ):
            environ["PATH_INFO"] = _AS_OPENAI[path]
            environ[STREAM_BY_DEFAULT] = True
        if self._proxies:
            peer = environ.get("REMOTE_ADDR", "")
            forwarded = environ.get("HTTP_X_FORWARDED_FOR", "")
            environ[TRUSTED_PEER] = self._proxies.trusts(peer)
            environ["REMOTE_ADDR"] = self._proxies.client(peer, forwarded)
        self._open_record(environ)
        transcript = self._journal.transcript()
        if transcript is not None:
            environ[TRANSCRIPT] = transcript
        try:
            body = self._app(environ, start_response)
        except ClientGone:
            stop_watching(environ)
            self.close_record(environ, GONE)
            raise
        return _Reply(body, environ, self)

    def _open_record(self, environ: Environ) -> None:
        generates = environ["REQUEST_METHOD"] == "POST"
        path = environ["PATH_INFO"].rstrip("/")
        environ[RECORD] = Record(
            f"req_{new_id()}",
            dialect=self._dialects.get(path, "") if generates else "",
            started=time.monotonic(),
        )

    def close_record(self, environ: Environ, status: int) -> None:
        """Tell of a request that is over."""
        transcript = environ.get(TRANSCRIPT)
        self._journal.close(environ[RECORD], environ, status, transcript)

    def _wants_sse(self, environ: Environ) -> bool:
        accepts = "text/event-stream" in environ.get("HTTP_ACCEPT", "")
        return environ["REQUEST_METHOD"] == "POST" and (accepts or self._ollama_as_sse)


class _Reply:
    """A reply's body, given to the server as it is: a frame less for every token."""

    def __init__(self, body: Iterable[bytes], environ: Environ, edge: Edge) -> None:
        self._body = body
        self._environ = environ
        self._edge = edge

    def __iter__(self) -> Iterator[bytes]:
        transcript = self._environ.get(TRANSCRIPT)
        return iter(self._body) if transcript is None else transcript.told(self._body)

    def close(self) -> None:
        """End the work upstream, whatever became of the reply, and tell of it."""
        close = getattr(self._body, "close", None)
        if close is not None:
            close()
        # The server closes a body that it could not write while that error is raised.
        unwritten = isinstance(sys.exc_info()[1], OSError)
        gone = stop_watching(self._environ) or unwritten
        # A client that left after the reply was complete has missed nothing.
        missed = gone and not self._environ[RECORD].ending
        status = GONE if missed else self._environ.get(STATUS, 0)
        self._edge.close_record(self._environ, status)


def leaves_body(environ: Environ) -> bool:
    """Tell whether a request has a body that nobody has read to its end."""
    has_body = environ.get("CONTENT_LENGTH", "0") not in ("", "0")
    return (has_body or "HTTP_TRANSFER_ENCODING" in environ) and not environ.get(
        BODY_READ
    )


def watch(environ: Environ) -> None:
    """Watch the client from now on; the request body must be read by then."""
    environ[BODY_READ] = True
    environ[_DEPARTURE] = Departure(environ.get("gunicorn.socket"))


def stop_watching(environ: Environ) -> bool:
    """Let go of the client's socket; tell whether the client had left."""
    departure = environ.pop(_DEPARTURE, None)
    if departure is None:
        return False
    departure.stop()
    return bool(departure.gone)
