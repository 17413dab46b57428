"""A script played to one call, in the words of the endpoint that was called."""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import field
from typing import Any

from tests.fakes.answers import perform
from tests.fakes.answers import reason_of
from tests.fakes.answers import Request
from tests.fakes.connection import Body
from tests.fakes.connection import Connection
from tests.fakes.connection import response_head
from tests.fakes.copilot import models
from tests.fakes.copilot import steps as s
from tests.fakes.copilot.completions import Completions
from tests.fakes.copilot.messages import Messages
from tests.fakes.copilot.responses import Responses
from tests.fakes.copilot.writer import Item
from tests.fakes.copilot.writer import Writer

WRITERS: dict[str, type[Writer]] = {
    models.CHAT: Completions,
    models.RESPONSES: Responses,
    models.MESSAGES: Messages,
}


@dataclass(frozen=True)
class Scripted:
    """Steps, played as server-sent events.

    ``every`` is a silence after each event, ``cut_after`` drops the connection after
    so many events. ``split`` and ``gap`` send every so many bytes as a write of their
    own. ``steady_ids`` gives an output item of the responses API one id throughout.
    """

    steps: tuple[Any, ...]
    every: float = 0.0
    cut_after: int | None = None
    split: int | None = None
    gap: float = 0.0
    steady_ids: bool = False
    headers: dict[str, str] = field(default_factory=dict)

    def items(self, request: Request) -> list[Item]:
        """Give the events and acts, in the words of the endpoint."""
        number = request.connection * 1000 + request.number
        model = str(request.json.get("model", ""))
        writer = WRITERS[request.path](model, number)
        if isinstance(writer, Responses):
            writer.steady = self.steady_ids
        return writer.write(self.steps)

    def send(self, connection: Connection, request: Request) -> None:
        """Answer one call."""
        items = self.items(request)
        while items and isinstance(items[0], s.Pause | s.Wait):
            perform(items.pop(0), connection)
        head = {
            "Server": "github.com",
            "Content-Type": "text/event-stream",
            "Transfer-Encoding": "chunked",
            **self.headers,
        }
        connection.send(response_head(200, reason_of(200), head))
        body = Body(connection, True, self.split, self.gap)
        self.play(items, body)
        if connection.open:
            body.end()

    def play(self, items: list[Item], body: Body) -> None:
        """Send the items, up to where one of them ends the connection."""
        events = 0
        for item in items:
            if isinstance(item, bytes):
                body.write(item)
                events += 1
                if self.every:
                    body.connection.pause(self.every)
            elif not isinstance(item, s.Head):
                self.act(item, body)
            if events == self.cut_after:
                body.connection.close()
            if not body.connection.open:
                return

    def act(self, item: Any, body: Body) -> None:
        """Act on the connection."""
        if isinstance(item, s.Cut) and item.mid_chunk:
            body.break_off(b'data: {"type":"never complete"}\n\n')
        perform(item, body.connection)
