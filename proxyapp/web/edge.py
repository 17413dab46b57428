"""The outermost layer: what must happen around Flask, not inside it."""

import errno
import re
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from typing import Any

from proxyapp.runtime import ClientGone
from proxyapp.runtime import Departure

_SLASHES = re.compile(r"/{2,}")
_DEPARTURE = "proxyapp.departure"
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
        try:
            body = self._app(environ, start_response)
        except ClientGone:
            stop_watching(environ)
            raise _reset() from None
        return _sent(body, environ)

    def _wants_sse(self, environ: Environ) -> bool:
        accepts = "text/event-stream" in environ.get("HTTP_ACCEPT", "")
        return environ["REQUEST_METHOD"] == "POST" and (accepts or self._ollama_as_sse)


def watch(environ: Environ) -> None:
    """Watch the client from now on; the request body must be read by then."""
    environ[_DEPARTURE] = Departure(environ.get("gunicorn.socket"))


def stop_watching(environ: Environ) -> None:
    """Let go of the client's socket."""
    departure = environ.pop(_DEPARTURE, None)
    if departure is not None:
        departure.stop()


def _sent(body: Iterable[bytes], environ: Environ) -> Iterator[bytes]:
    try:
        yield from body
    except ClientGone:
        raise _reset() from None
    finally:
        stop_watching(environ)
        close = getattr(body, "close", None)
        if close is not None:
            close()


def _reset() -> ConnectionResetError:
    # gunicorn passes over this one error without a log line.
    return ConnectionResetError(errno.ECONNRESET, "the client is gone")
