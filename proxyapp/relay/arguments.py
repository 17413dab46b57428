"""Stages that see to it that a tool call's arguments can be read.

Every client loses a call whose arguments are not a JSON object, most of them silently.
Syntax is repaired (see ``tools.arguments``); what cannot be read ends the reply with
an error instead.
"""

from collections.abc import Callable
from collections.abc import Mapping
from typing import Any

from proxyapp.backends.base import Batch
from proxyapp.errors import BrokenToolCall
from proxyapp.neutral.events import Event
from proxyapp.neutral.events import MessageEnd
from proxyapp.neutral.events import StopReason
from proxyapp.neutral.events import TextDelta
from proxyapp.neutral.events import ThinkingDelta
from proxyapp.neutral.events import ToolCallDelta
from proxyapp.neutral.events import ToolCallStart
from proxyapp.tools.arguments import complete_arguments

Schemas = Mapping[str, Mapping[str, Any]]


class _Open:
    """A call whose arguments are still coming."""

    def __init__(self, start: ToolCallStart) -> None:
        self.start = start
        self.pieces: list[str] = []


class _ArgumentStage:
    """Follow each choice's open call and finish it when the next event closes it."""

    def __init__(self, schemas: Schemas) -> None:
        self._schemas = schemas
        self._open: dict[int, _Open] = {}

    def __call__(self, batch: Batch) -> Batch:
        if not self._open and _plain(batch):
            return batch
        told: list[Event] = []
        for event in batch:
            _STEPS.get(type(event), _ArgumentStage._other)(self, event, told)
        return told

    def _start(self, event: ToolCallStart, told: list[Event]) -> None:
        self._close(event.choice, None, told)
        self._open[event.choice] = _Open(event)
        self._tell_start(event, told)

    def _delta(self, event: ToolCallDelta, told: list[Event]) -> None:
        self._open[event.choice].pieces.append(event.json)
        self._tell_delta(event, told)

    def _other(self, event: Event, told: list[Event]) -> None:
        reason = event.stop_reason if isinstance(event, MessageEnd) else None
        self._close(event.choice, reason, told)
        told.append(event)

    def _close(self, choice: int, reason: StopReason | None, told: list[Event]) -> None:
        call = self._open.pop(choice, None)
        if call is None:
            return
        text = "".join(call.pieces)
        try:
            whole = complete_arguments(text, self._schemas.get(call.start.name))
        except BrokenToolCall:
            if reason != "length":
                raise
            whole = ""
        if reason == "length" and whole != text:
            # The reply says by itself that it was cut off, and nothing is made up.
            return
        self._tell_end(call, text, whole, told)

    def _tell_start(self, event: ToolCallStart, told: list[Event]) -> None:
        raise NotImplementedError

    def _tell_delta(self, event: ToolCallDelta, told: list[Event]) -> None:
        raise NotImplementedError

    def _tell_end(self, call: _Open, text: str, whole: str, told: list[Event]) -> None:
        raise NotImplementedError


def _plain(batch: Batch) -> bool:
    """Tell whether a batch holds text only, as nearly every one does."""
    for event in batch:
        if type(event) is not TextDelta and type(event) is not ThinkingDelta:
            return False
    return True


_STEPS: dict[type, Callable[..., None]] = {
    ToolCallStart: _ArgumentStage._start,
    ToolCallDelta: _ArgumentStage._delta,
}


class HeldArguments(_ArgumentStage):
    """Hold each call back until it is whole, then tell it in one piece.

    For the dialects whose clients need an object, and for replies that are not
    streamed. A call that the token limit cut off is left out. Tools named in
    ``eager`` are told as they come.
    """

    def __init__(self, schemas: Schemas, eager: frozenset[str] = frozenset()) -> None:
        super().__init__(schemas)
        self._eager = eager

    def _tell_start(self, event: ToolCallStart, told: list[Event]) -> None:
        if event.name in self._eager:
            told.append(event)

    def _tell_delta(self, event: ToolCallDelta, told: list[Event]) -> None:
        if self._open[event.choice].start.name in self._eager:
            told.append(event)

    def _tell_end(self, call: _Open, text: str, whole: str, told: list[Event]) -> None:
        start = call.start
        if start.name in self._eager:
            _tell_rest(call, text, whole, told)
            return
        told.append(start)
        told.append(ToolCallDelta(start.index, whole, start.choice))


class StreamedArguments(_ArgumentStage):
    """Tell arguments as they come, and complete them at the end.

    What was told cannot be taken back: a repair that is not a mere ending is an error.
    Text comes between calls only when the one before is complete, so it is no news.
    """

    touches_text = False

    def _tell_start(self, event: ToolCallStart, told: list[Event]) -> None:
        told.append(event)

    def _tell_delta(self, event: ToolCallDelta, told: list[Event]) -> None:
        told.append(event)

    def _tell_end(self, call: _Open, text: str, whole: str, told: list[Event]) -> None:
        _tell_rest(call, text, whole, told)


def _tell_rest(call: _Open, text: str, whole: str, told: list[Event]) -> None:
    start = call.start
    if not whole.startswith(text):
        raise BrokenToolCall(
            f"The model's call of '{start.name}' has arguments that are not JSON."
        )
    if whole != text:
        told.append(ToolCallDelta(start.index, whole[len(text) :], start.choice))
