"""What the writers of the three APIs have in common."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from collections.abc import Iterable
from typing import Any

from tests.fakes import steps as acts
from tests.fakes.copilot import steps as s
from tests.fakes.llama import compact

Item = bytes | acts.Pause | acts.Wait | acts.Hang | acts.Cut | acts.Unframed | s.Head


class Writer:
    """Turn the steps of one script into events and acts on the connection.

    Events are bytes, so that one item is one event. A writer serves one answer.
    """

    def __init__(self, model: str, number: int) -> None:
        self.model = model
        self.number = number
        self.items: list[Item] = []
        self.begun = False
        self.ended = False
        self.called = False
        self.refused = False
        self.usage = s.Usage()
        self.ids = itertools.count(1)
        self.table: dict[type, Callable[[Any], None]] = {
            s.Text: lambda t: self.text(t.text),
            s.Thinking: self.thinking,
            s.Redacted: lambda r: self.redacted(r.data),
            s.Refusal: self.decline,
            s.ToolCall: self.call,
            s.Begin: lambda _: self.open(),
            s.Finish: self.close,
            s.NoFinish: lambda _: self.stop(),
            s.Fail: self.break_down,
            s.Event: lambda e: self.emit(e.data, e.name),
            s.Raw: lambda r: self.items.append(r.data),
            s.Usage: lambda _: None,
        }

    def write(self, script: Iterable[Any]) -> list[Item]:
        """Give the items; the answer is finished unless the script settled it."""
        steps = tuple(script)
        for step in steps:
            self.usage = step if isinstance(step, s.Usage) else self.usage
        for step in steps:
            act = self.table.get(type(step), self.items.append)
            act(step)
            self.ended = self.ended or isinstance(step, s.Cut | s.Hang)
        if not self.ended:
            self.close(s.Finish())
        return self.items

    def emit(self, data: Any, name: str | None = None) -> None:
        """Add one event."""
        lines = f"event: {name}\n" if name else ""
        text = data if isinstance(data, str) else compact(data)
        self.items.append(f"{lines}data: {text}\n\n".encode())

    def open(self) -> None:
        """Begin the answer, once."""
        if not self.begun:
            self.begun = True
            self.opening()

    def call(self, call: s.ToolCall) -> None:
        """Call a tool."""
        self.called = True
        self.tool(call)

    def decline(self, refusal: s.Refusal) -> None:
        """Decline to answer."""
        self.refused = True
        self.refusal(refusal.text)

    def close(self, finish: s.Finish) -> None:
        """Finish the answer."""
        self.open()
        said = "refusal" if self.refused else "stop"
        default = "tool_calls" if self.called else said
        self.finish(finish.reason or default, finish.sequence)
        self.stop()

    def break_down(self, fail: s.Fail) -> None:
        """End with an error."""
        self.failure(fail)
        self.stop()

    def stop(self) -> None:
        """Add no end of its own."""
        self.ended = True

    # ------------------------------------------------ what each API says its way

    def opening(self) -> None:
        raise NotImplementedError

    def text(self, text: str) -> None:
        raise NotImplementedError

    def thinking(self, step: s.Thinking) -> None:
        raise NotImplementedError

    def redacted(self, data: str) -> None:
        raise NotImplementedError

    def refusal(self, text: str) -> None:
        raise NotImplementedError

    def tool(self, call: s.ToolCall) -> None:
        raise NotImplementedError

    def finish(self, reason: str, sequence: str | None) -> None:
        raise NotImplementedError

    def failure(self, fail: s.Fail) -> None:
        raise NotImplementedError
