"""An SSE reader of its own, which also names what strict clients dislike."""

import json
from dataclasses import dataclass
from dataclasses import field
from typing import Any

DONE = "[DONE]"


@dataclass(frozen=True)
class Event:
    """One event: its ``event`` name, its data, and the other fields it held."""

    name: str | None
    data: str
    others: tuple[str, ...] = ()


@dataclass
class Block:
    """The lines of one event while they are read."""

    name: str | None = None
    data: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)

    def take(self, line: str) -> None:
        """Take one line; comments are heartbeats and do not count."""
        if line.startswith(":"):
            return
        key, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if key == "data":
            self.data.append(value)
        elif key == "event":
            self.name = value
        else:
            self.others.append(key)

    @property
    def is_heartbeat(self) -> bool:
        """Whether the block held comments only."""
        return self.name is None and not self.data and not self.others


def read(raw: bytes) -> tuple[list[Event], list[str]]:
    """Split a stream into events; also give the violations of its framing."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        return [], [f"sse: not UTF-8: {error}"]
    found = []
    if "\r" in text:
        found.append("sse: carriage returns (lines end with LF only)")
    if text and not text.endswith("\n\n"):
        found.append("sse: the last event is not closed by a blank line")
    events = []
    for part in text.split("\n\n"):
        block = Block()
        for line in filter(None, part.split("\n")):
            block.take(line)
        if not block.is_heartbeat:
            found += block_violations(block)
            data = "\n".join(block.data)
            events.append(Event(block.name, data, tuple(block.others)))
    return events, found


def block_violations(block: Block) -> list[str]:
    """Name what breaks clients that read line by line."""
    found = [
        f"sse: field {name!r}" for name in block.others if name not in ("id", "retry")
    ]
    if len(block.data) > 1:
        found.append("sse: data over several lines (many clients read line by line)")
    if "".join(block.data) == "":
        found.append("sse: event without data (the OpenAI SDK fails on it)")
    return found


def parsed(event: Event, found: list[str], where: str) -> dict[str, Any] | None:
    """Read an event's data as a JSON object, or note why it is none."""
    try:
        value = json.loads(event.data)
    except ValueError as error:
        found.append(f"{where}: not JSON: {error}")
        return None
    if not isinstance(value, dict):
        found.append(f"{where}: not a JSON object")
        return None
    return value
