"""How the scripted upstream answers one request: the kinds of answers."""

from __future__ import annotations

import http
import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from dataclasses import field
from typing import Any

from tests.fakes import steps as s
from tests.fakes.bodies import whole
from tests.fakes.connection import Body
from tests.fakes.connection import Connection
from tests.fakes.connection import PeerGone
from tests.fakes.connection import response_head
from tests.fakes.llama import compact
from tests.fakes.llama import Compiler
from tests.fakes.llama import Envelope
from tests.fakes.llama import Item
from tests.fakes.llama import Pending

SSE = "text/event-stream"
JSON = "application/json; charset=utf-8"


@dataclass
class Request:
    """A request the upstream received, and what became of it.

    Times are ``time.monotonic()``. ``closed_at`` is when the peer dropped the
    connection that carried the request, during the answer or after it; ``completed``
    is set when the whole answer has been sent.
    """

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes
    number: int = 1
    connection: int = 0
    arrived_at: float = field(default_factory=time.monotonic)
    closed_at: float | None = None
    closed: threading.Event = field(default_factory=threading.Event, repr=False)
    completed: threading.Event = field(default_factory=threading.Event, repr=False)

    @property
    def json(self) -> Any:
        """The body as JSON; an empty object when it is none."""
        try:
            return json.loads(self.body)
        except ValueError:
            return {}

    @property
    def streams(self) -> bool:
        """Whether the request asked for a stream."""
        return isinstance(self.json, dict) and self.json.get("stream") is True

    def mark_closed(self) -> None:
        """Note that the peer has left."""
        if self.closed_at is None:
            self.closed_at = time.monotonic()
        self.closed.set()

    def wait_closed(self, timeout: float = 2.0) -> float | None:
        """Wait for the peer to leave; give the moment, or None if it stayed."""
        self.closed.wait(timeout)
        return self.closed_at

    def envelope(self, reply_id: str) -> Envelope:
        """Give what each chunk of the answer repeats."""
        body = self.json if isinstance(self.json, dict) else {}
        kind = "completion" if self.path.endswith("/v1/completions") else "chat"
        options = body.get("stream_options") or {}
        asked = bool(options.get("include_usage"))
        return Envelope(reply_id, str(body.get("model", "tiny")), kind, asked)


@dataclass(frozen=True)
class Script:
    """Steps, played as SSE or, when the request asked for it, as one JSON body."""

    steps: tuple[s.Step, ...]
    split: int | None = None
    gap: float = 0.0
    chunked: bool | str = True
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str | None = SSE
    transform: Callable[[bytes], bytes] | None = None
    preamble: bytes = b""
    head_gap: float = 0.0
    reply_id: str | None = None
    model: str | None = None

    def send(self, connection: Connection, request: Request) -> None:
        """Answer one request."""
        default = f"chatcmpl-{request.connection:04d}{request.number:028d}"
        envelope = request.envelope(self.reply_id or default)
        envelope.model = self.model or envelope.model
        if not request.streams and request.method == "POST":
            self.send_whole(connection, envelope)
            return
        items = Compiler(envelope).compile(self.steps)
        head = {"Server": "llama.cpp"}
        if self.content_type is not None:
            head["Content-Type"] = self.content_type
        head |= self.framing_headers(items, envelope) | self.headers
        delay = before_head(items)
        for item in delay:
            perform(item, connection)
        reason = reason_of(self.status)
        opening = self.preamble + response_head(self.status, reason, head)
        if self.head_gap:
            Body(connection, False, 1, self.head_gap).write(opening)
        else:
            connection.send(opening)
        body = Body(connection, self.chunked is True, self.split, self.gap)
        self.send_items(items[len(delay) :], body, envelope)

    def framing_headers(self, items: list[Item], envelope: Envelope) -> dict[str, str]:
        """Give the headers that tell where the body ends."""
        if self.chunked is True:
            return {"Transfer-Encoding": "chunked"}
        if self.chunked == "length":
            pieces = [self.rendered(item, envelope) for item in items]
            return {"Content-Length": str(sum(map(len, pieces)))}
        return {"Connection": "close"}

    def rendered(self, item: Item, envelope: Envelope) -> bytes:
        """Give the bytes of an item; an act on the connection has none."""
        data = item.render(envelope) if isinstance(item, Pending) else item
        if not isinstance(data, bytes):
            return b""
        return self.transform(data) if self.transform else data

    def send_items(self, items: list[Item], body: Body, envelope: Envelope) -> None:
        """Send the body and end it, unless an item ends the connection."""
        for item in items:
            if isinstance(item, s.Cut) and item.mid_chunk:
                broken = Pending({"content": "never complete"}, None, 0, {})
                body.break_off(self.rendered(broken, envelope))
            data = self.rendered(item, envelope)
            if data:
                body.write(data)
            else:
                perform(item, body.connection)
            if not body.connection.open:
                return
        body.end()
        if not self.chunked:
            body.connection.close()

    def send_whole(self, connection: Connection, envelope: Envelope) -> None:
        """Answer with the folded script, after its silences."""
        acts = [i for i in Compiler(envelope).compile(self.steps) if is_act(i)]
        for act in acts:
            perform(act, connection)
            if not connection.open:
                return
        text = compact(whole(self.steps, envelope))
        Plain(self.status, text, self.headers).send(connection, None)


@dataclass(frozen=True)
class Plain:
    """A status and a body, with a true Content-Length unless ``headers`` lie."""

    status: int = 200
    body: Any = ""
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str | None = JSON
    delay: float = 0.0

    def send(self, connection: Connection, request: Request | None) -> None:
        """Answer one request."""
        data = as_bytes(self.body)
        head = {"Server": "llama.cpp"}
        if self.content_type is not None:
            head["Content-Type"] = self.content_type
        head |= {"Content-Length": str(len(data))} | self.headers
        if self.delay:
            connection.pause(self.delay)
        head_bytes = response_head(self.status, reason_of(self.status), head)
        bare = request is not None and request.method == "HEAD"
        connection.send(head_bytes if bare else head_bytes + data)
        if head.get("Connection", "").lower() == "close":
            connection.close()


@dataclass(frozen=True)
class Played:
    """Bytes straight to the socket, heads and framing included, then a FIN.

    ``keep`` leaves the connection open for the next request instead.
    """

    acts: tuple[bytes | s.Pause | s.Wait | s.Hang | s.Cut | s.Endless, ...]
    split: int | None = None
    gap: float = 0.0
    keep: bool = False

    def send(self, connection: Connection, request: Request) -> None:
        """Answer one request."""
        body = Body(connection, False, self.split, self.gap)
        for act in self.acts:
            if isinstance(act, bytes):
                body.write(act)
            else:
                perform(act, connection)
            if not connection.open:
                return
        if not self.keep:
            connection.close()


Answer = Script | Plain | Played
Responder = Callable[[Request], Answer]


def is_act(item: Item) -> bool:
    """Tell whether an item acts on the connection instead of holding bytes."""
    return isinstance(item, s.Pause | s.Wait | s.Hang | s.Cut | s.Endless)


def before_head(items: list[Item]) -> list[Item]:
    """Give the silences a script begins with: they fall before the head."""
    count = 0
    while count < len(items) and isinstance(items[count], s.Pause | s.Wait):
        count += 1
    return items[:count]


def perform(item: Any, connection: Connection) -> None:
    """Do what an act says."""
    table: dict[type, Callable[[Any], None]] = {
        s.Pause: lambda a: connection.pause(a.seconds),
        s.Wait: lambda a: connection.wait(a.event, a.limit),
        s.Hang: lambda a: hang(connection, a.limit),
        s.Cut: lambda a: connection.reset() if a.how == "rst" else connection.close(),
        s.Unframed: lambda a: connection.send(a.data),
        s.Endless: lambda a: send_for_ever(connection, a.data),
    }
    table[type(item)](item)


def send_for_ever(connection: Connection, data: bytes) -> None:
    """Send the same bytes until the peer leaves, or takes no more for 20 s."""
    while True:
        connection.send(data)


def hang(connection: Connection, limit: float) -> None:
    """Be silent until the peer leaves; close if it does not."""
    if connection.peer_left(limit):
        raise PeerGone
    connection.close()


def as_bytes(body: Any) -> bytes:
    """Give a body as bytes; anything but text and bytes is written as JSON."""
    if isinstance(body, bytes):
        return body
    return body.encode() if isinstance(body, str) else compact(body).encode()


def reason_of(status: int) -> str:
    """Give the standard reason phrase, or a plain one for an odd status."""
    try:
        return http.HTTPStatus(status).phrase
    except ValueError:
        return "Unnamed"
