"""What a client understands of an answer, in one form for all dialects."""

import json
from dataclasses import dataclass
from dataclasses import field
from dataclasses import fields
from typing import Any


@dataclass(frozen=True)
class Call:
    """A tool call. ``arguments`` is the object, or the text when it is none."""

    id: str | None
    name: str
    arguments: Any


@dataclass(frozen=True)
class Usage:
    """Token counts in OpenAI's algebra: ``prompt`` includes ``cached``.

    None is what the dialect cannot say.
    """

    prompt: int | None
    completion: int | None
    cached: int | None = None
    reasoning: int | None = None


@dataclass(frozen=True)
class View:
    """One answer. ``finish`` is stop, length, tool_calls or content_filter."""

    text: str = ""
    thinking: str = ""
    calls: tuple[Call, ...] = ()
    finish: str | None = None
    usage: Usage | None = None
    failure: str | None = None


@dataclass
class Draft:
    """A view while its pieces arrive; ``calls`` maps a key to id, name, text."""

    text: str = ""
    thinking: str = ""
    calls: dict[Any, list[Any]] = field(default_factory=dict)
    finish: str | None = None
    usage: Usage | None = None
    failure: str | None = None

    def call(self, key: Any, call_id: Any, name: Any, arguments: Any) -> None:
        """Open a call or add to it."""
        call = self.calls.setdefault(key, [None, "", ""])
        call[0] = call[0] or call_id
        call[1] += name or ""
        call[2] = arguments if isinstance(arguments, dict) else call[2] + arguments

    def view(self) -> View:
        """Give the finished view."""
        calls = tuple(
            Call(call_id, name, object_of(text))
            for call_id, name, text in self.calls.values()
        )
        return View(
            self.text, self.thinking, calls, self.finish, self.usage, self.failure
        )


def object_of(text: Any) -> Any:
    """Give arguments as an object; what does not parse stays text."""
    if not isinstance(text, str):
        return text
    try:
        return json.loads(text or "{}")
    except ValueError:
        return text


def differences(one: View, other: View) -> list[str]:
    """Name what two views of the same answer disagree on.

    Ids and counts that one of the dialects cannot say are not compared.
    """
    found = [
        f"{name}: {getattr(one, name)!r} is not {getattr(other, name)!r}"
        for name in ("text", "thinking", "finish", "failure")
        if getattr(one, name) != getattr(other, name)
    ]
    if len(one.calls) != len(other.calls):
        found.append(f"calls: {len(one.calls)} and {len(other.calls)}")
    for first, second in zip(one.calls, other.calls, strict=False):
        found += unequal(first, second, "call")
    return found + unequal(one.usage, other.usage, "usage")


def unequal(one: Any, other: Any, what: str) -> list[str]:
    """Compare two values field by field where both know the field."""
    if one is None or other is None:
        return [] if one is other else [f"{what}: {one!r} is not {other!r}"]
    pairs = [
        (item.name, getattr(one, item.name), getattr(other, item.name))
        for item in fields(one)
    ]
    return [
        f"{what}.{name}: {first!r} is not {second!r}"
        for name, first, second in pairs
        if None not in (first, second) and first != second
    ]
