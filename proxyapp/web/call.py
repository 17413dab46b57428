"""One request as data, and its reply as a response."""

from collections.abc import Iterator
from dataclasses import dataclass
from dataclasses import field
from typing import Any
from typing import cast

import flask

from proxyapp.backends.base import Forwarded
from proxyapp.errors import ProxyError
from proxyapp.gateway import Gateway
from proxyapp.neutral.record import Record
from proxyapp.routing.registry import Target
from proxyapp.runtime import new_id
from proxyapp.tools.repair import RepairedTools
from proxyapp.web.body import read_body
from proxyapp.web.body import read_object
from proxyapp.web.edge import RECORD
from proxyapp.web.edge import STREAM_BY_DEFAULT
from proxyapp.web.edge import TRANSCRIPT
from proxyapp.web.edge import watch
from proxyapp.wire import jsons

SSE = "text/event-stream; charset=utf-8"
NDJSON = "application/x-ndjson"
JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Call:
    """A request body and the few other facts a dialect may look at."""

    body: dict[str, Any]
    record: Record = field(default_factory=Record)
    user_agent: str = ""
    stream_by_default: bool = False


def read_call(gateway: Gateway) -> Call:
    """Read the request at hand; from here on, nobody touches ``flask.request``."""
    body = read_object(read_raw(gateway))
    environ = flask.request.environ
    return Call(
        body,
        record(),
        environ.get("HTTP_USER_AGENT", ""),
        bool(environ.get(STREAM_BY_DEFAULT)),
    )


def read_raw(gateway: Gateway) -> bytes:
    """Read the body as bytes, then keep an eye on the client."""
    environ = flask.request.environ
    body = read_body(environ, gateway.settings.server)
    watch(environ)
    transcript = environ.get(TRANSCRIPT)
    if transcript is not None:
        transcript.asked(body)
    return body


def record() -> Record:
    """Give the record of the request at hand."""
    kept = flask.request.environ.get(RECORD)
    if kept is None:
        kept = flask.request.environ[RECORD] = Record(f"req_{new_id()}")
    return cast(Record, kept)


def request_id() -> str:
    """Give this request's id, the same each time it is asked for."""
    return record().id


def json_reply(value: Any, status: int = 200) -> flask.Response:
    """Answer with one JSON document."""
    return flask.Response(jsons.dumps(value), status, mimetype=JSON)


def stream_reply(chunks: Iterator[bytes], content_type: str = SSE) -> flask.Response:
    """Answer with a stream, unbuffered all the way."""
    response = flask.Response(
        chunks, content_type=content_type, direct_passthrough=True
    )
    response.headers.add("Cache-Control", "no-cache")
    response.headers.add("X-Accel-Buffering", "no")
    return response


def error_reply(
    body: Any, error: ProxyError, status: int | None = None
) -> flask.Response:
    """Answer with a dialect's error body and the headers every error carries."""
    response = json_reply(body, status or error.status)
    response.headers.update(error.headers)
    if error.retry_after:
        response.headers["Retry-After"] = error.retry_after
    if not error.retryable:
        # The official SDKs obey this: no retry where none can help.
        response.headers["x-should-retry"] = "false"
    return response


def forwarded_reply(forwarded: Forwarded) -> flask.Response:
    """Answer with what a backend answered; none of its headers but the media type."""
    return flask.Response(
        forwarded.body, forwarded.status, content_type=forwarded.content_type
    )


def told_by(
    response: flask.Response, target: Target, repaired: RepairedTools | None = None
) -> flask.Response:
    """Say in headers which model served, and what was repaired on the way."""
    response.headers.add("x-proxyapp-backend", _printable(target.backend.name))
    response.headers.add("x-proxyapp-model", _printable(target.model.id))
    if repaired is not None and repaired.repairs:
        rules = dict.fromkeys(repair.rule for repair in repaired.repairs)
        response.headers["x-proxyapp-repairs"] = ", ".join(rules)
    return response


def _printable(name: str) -> str:
    """Make a name fit for a header; a model's name may hold anything."""
    if name.isascii() and name.isprintable():
        return name[:200]
    return "".join(c if " " <= c <= "~" else "?" for c in name)[:200]
