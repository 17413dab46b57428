"""The two forms of a log line: text for people, JSON for machines.

One event is one line, whatever a client wrote: what cannot be printed is escaped.
"""

import logging
import re
import time
from collections.abc import Mapping
from datetime import datetime
from datetime import UTC
from functools import lru_cache
from types import MappingProxyType
from typing import Any
from typing import Final

from proxyapp.observe.entry import Entry
from proxyapp.observe.redact import redact_name
from proxyapp.wire import jsons

_LONGEST: Final = 200
# No quotes around what a space or a false `name=` cannot hide in.
_PLAIN: Final = re.compile(r"[!#-<>-~]+")

# The words of the text form; what is empty is left out.
_TEXT_FIELDS: Final = (
    *("dialect", "model", "backend", "input", "output", "cache_read", "reasoning"),
    *("first_ms", "total_ms", "ending", "key", "client", "initiator", "premium"),
)
_TEXT_PLACES: Final = tuple(
    (f" {name}=", Entry._fields.index(name)) for name in _TEXT_FIELDS
)


class Told:
    """An event and its facts; as a string, the text form."""

    __slots__ = ("facts", "message")

    def __init__(self, message: str, facts: Mapping[str, Any]) -> None:
        self.message = message
        self.facts = facts

    def __str__(self) -> str:
        words = " ".join(f"{name}={value}" for name, value in self.facts.items())
        return printable(f"{self.message} {words}" if words else self.message)


class TextForm(logging.Formatter):
    """``12:00:00 INFO what happened fact=value``."""

    def format(self, record: logging.LogRecord) -> str:
        """Write a record of ``logging``; a trace follows it, line by line."""
        line = self.event(record.levelname, Told(printable(record.getMessage()), {}))
        if not record.exc_info:
            return line
        trace = self.formatException(record.exc_info).splitlines()
        return "\n".join([line, *(f"    {printable(part)}" for part in trace)])

    def event(self, level: str, told: Told) -> str:
        """Write an event."""
        return f"{time.strftime('%H:%M:%S')} {level} {told}"

    def request(
        self,
        level: str,
        entry: Entry,
        method: str,
        path: str,
        agent: str,
        more: Mapping[str, str] = MappingProxyType({}),
    ) -> str:
        """Write a request that is over; ``more`` is an error, and bodies."""
        parts = [
            f"{time.strftime('%H:%M:%S')} {level}"
            f" {word(method)} {word(path)} {entry.status}"
        ]
        for name, place in _TEXT_PLACES:
            value = entry[place]
            if value:
                parts.append(name)
                parts.append(word(value) if type(value) is str else str(value))
        if entry.asked != entry.model:
            parts.append(f" asked={word(entry.asked)}")
        parts.append(f" id={entry.request}")
        if agent:
            parts.append(f" agent={word(agent)}")
        parts += [f" {name}={printable(text)}" for name, text in more.items()]
        return "".join(parts)


class JsonForm(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """Write a record of ``logging``, a trace in a field of its own."""
        told = record.args[0] if isinstance(record.args, tuple) and record.args else 0
        if not isinstance(told, Told):
            told = Told(record.getMessage(), {})
        if record.exc_info:
            trace = self.formatException(record.exc_info)
            told = Told(told.message, {**told.facts, "trace": trace})
        return self.event(record.levelname, told)

    def event(self, level: str, told: Told) -> str:
        """Write an event, its facts as fields."""
        facts = {
            name: value if isinstance(value, bool | int | float) else str(value)
            for name, value in told.facts.items()
        }
        now = _stamp(datetime.now(UTC))
        head = {"time": now, "level": level.lower(), "event": told.message}
        return _json_line({**head, **facts})

    def request(
        self,
        level: str,
        entry: Entry,
        method: str,
        path: str,
        agent: str,
        more: Mapping[str, str] = MappingProxyType({}),
    ) -> str:
        """Write a request that is over, with the fields of the history."""
        fields = {
            **entry._asdict(),
            "time": _stamp(datetime.fromtimestamp(entry.time, UTC)),
            "level": level.lower(),
            "event": "request",
            "method": method,
            "path": redact_name(path[:_LONGEST]),
            "agent": redact_name(agent[:_LONGEST]),
        }
        return _json_line({**fields, **more})


Form = TextForm | JsonForm


def printable(text: str) -> str:
    """Escape what is not printable: it could start a line, or steer a terminal."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


@lru_cache(maxsize=2048)
def _word(text: str) -> str:
    safe = redact_name(text)
    return safe if _PLAIN.fullmatch(safe) else printable(jsons.text(safe))


def word(text: str) -> str:
    """Write a client's word so that nothing else can be read from it."""
    return _word(text[:_LONGEST])


def _stamp(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _json_line(fields: Mapping[str, Any]) -> str:
    line = jsons.text(fields)
    if line.isprintable():
        return line
    return "".join(c if c.isprintable() else _escaped(c) for c in line)


def _escaped(character: str) -> str:
    """Escape as JSON does, which writes what is beyond 16 bits as two halves."""
    units = character.encode("utf-16-be", "surrogatepass")
    halves = (units[at : at + 2].hex() for at in range(0, len(units), 2))
    return "".join(f"\\u{half}" for half in halves)
