"""The outermost layer: what must happen around Flask, not inside it."""

import re
import time
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from typing import Any

from proxyapp.observe.log import log_request
from proxyapp.runtime import ClientGone
from proxyapp.runtime import Departure

_SLASHES = re.compile(r"/{2,}")
_DEPARTURE = "proxyapp.departure"
STATUS = "proxyapp.status"
RECORD = "proxyapp.record"
STREAM_BY_DEFAULT = "proxyapp.stream_by_default"

_AS_OPENAI = {
    "/api/chat": "/v1/chat/completions",
    "/api/generate": "/v1/completions",
}

_GONE = 499
"""What nginx writes for a client that left before its reply was complete."""

Environ = dict[str, Any]
Wsgi = Callable[[Environ, Any], Iterable[bytes]]


class Edge:
    """Normalise the path, and end quietly when the client is gone.

    ``//api/chat`` is served as ``/api/chat``: VS Code appends paths to a base URL
    that may end with a slash, and follows no redirect. ``/api/chat`` for a client
    that wants server-sent events (or for all, by setting) is the OpenAI route.
    """

    def __init__(self, app: Wsgi, *, ollama_as_sse: bool) -> None:
        self._app = app
        self._ollama_as_sse = ollama_as_sse

    def __call__(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        """Serve one request."""
        path = environ.get("PATH_INFO") or "/"
        if "//" in path:
            path = environ["PATH_INFO"] = _SLASHES.sub("/", path)
        if path in _AS_OPENAI and self._wants_sse(environ):
            environ["PATH_INFO"] = _AS_OPENAI[path]
            environ[STREAM_BY_DEFAULT] = True
        started = time.monotonic()
        try:
            body = self._app(environ, start_response)
        except ClientGone:
            stop_watching(environ)
            _log(environ, _GONE, started)
            raise
        return _Reply(body, environ, started)

    def _wants_sse(self, environ: Environ) -> bool:
        accepts = "text/event-stream" in environ.get("HTTP_ACCEPT", "")
        return environ["REQUEST_METHOD"] == "POST" and (accepts or self._ollama_as_sse)


class _Reply:
    """A reply's body, given to the server as it is: a frame less for every token."""

    def __init__(self, body: Iterable[bytes], environ: Environ, started: float) -> None:
        self._body = body
        self._environ = environ
        self._started = started

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._body)

    def close(self) -> None:
        """End the work upstream, whatever became of the reply, and log it."""
        close = getattr(self._body, "close", None)
        if close is not None:
            close()
        gone = stop_watching(self._environ)
        status = _GONE if gone else self._environ.get(STATUS, 0)
        _log(self._environ, status, self._started)


def watch(environ: Environ) -> None:
    """Watch the client from now on; the request body must be read by then."""
    environ[_DEPARTURE] = Departure(environ.get("gunicorn.socket"))


def stop_watching(environ: Environ) -> bool:
    """Let go of the client's socket; tell whether the client had left."""
    departure = environ.pop(_DEPARTURE, None)
    if departure is None:
        return False
    departure.stop()
    return bool(departure.gone)


def _log(environ: Environ, status: int, started: float) -> None:
    milliseconds = round((time.monotonic() - started) * 1000)
    log_request(environ["REQUEST_METHOD"], environ["PATH_INFO"], status, milliseconds)
