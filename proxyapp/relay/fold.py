"""A whole reply, folded from its events."""

from collections.abc import Iterable
from dataclasses import dataclass
from dataclasses import field
from typing import Any

from proxyapp.neutral.events import Event
from proxyapp.neutral.events import MessageEnd
from proxyapp.neutral.events import MessageStart
from proxyapp.neutral.events import StopReason
from proxyapp.neutral.events import TextDelta
from proxyapp.neutral.events import ThinkingDelta
from proxyapp.neutral.events import ToolCallDelta
from proxyapp.neutral.events import ToolCallStart
from proxyapp.neutral.messages import TextPart
from proxyapp.neutral.messages import ThinkingPart
from proxyapp.neutral.messages import ToolCall
from proxyapp.neutral.usage import Timings
from proxyapp.neutral.usage import Usage
from proxyapp.wire import jsons

Block = TextPart | ThinkingPart | ToolCall


@dataclass(slots=True)
class Choice:
    """One answer: its blocks in the order they were written."""

    index: int
    blocks: list[Block] = field(default_factory=list)
    stop_reason: StopReason = "stop"
    stop_sequence: str | None = None
    logprobs: list[Any] = field(default_factory=list)

    @property
    def text(self) -> str:
        """All text, joined."""
        return "".join(b.text for b in self.blocks if isinstance(b, TextPart))

    @property
    def thinking(self) -> str:
        """All reasoning, joined."""
        return "".join(b.text for b in self.blocks if isinstance(b, ThinkingPart))

    @property
    def calls(self) -> list[ToolCall]:
        """The tool calls, in order."""
        return [b for b in self.blocks if isinstance(b, ToolCall)]


@dataclass(slots=True)
class Reply:
    """A complete reply."""

    choices: list[Choice]
    usage: Usage
    timings: Timings | None = None


class _Draft:
    """The block being written, in pieces."""

    def __init__(self, index: int, event: Event) -> None:
        self.index = index
        self.event = event
        self.pieces: list[Any] = []
        self.signature = ""

    def finished(self) -> Block:
        if isinstance(self.event, ToolCallStart):
            arguments = "".join(self.pieces)
            return ToolCall(self.event.id, self.event.name, arguments)
        text = _unquoted(self.pieces)
        if isinstance(self.event, ThinkingDelta):
            return ThinkingPart(text, self.signature, self.event.redacted)
        return TextPart(text)


class Fold:
    """Collect a reply's events; ``reply`` gives the whole.

    The events must obey the grammar of ``neutral.events``.
    """

    def __init__(self) -> None:
        self._choices: dict[int, Choice] = {}
        self._drafts: dict[int, _Draft] = {}
        self._usage = Usage()
        self._timings: Timings | None = None

    def add(self, events: Iterable[Event]) -> None:
        """Take the next events."""
        for event in events:
            if isinstance(event, MessageStart):
                self._choices[event.choice] = Choice(event.choice)
            elif isinstance(event, MessageEnd):
                self._end(event)
            else:
                self._extend(event)

    def _extend(
        self, event: TextDelta | ThinkingDelta | ToolCallStart | ToolCallDelta
    ) -> None:
        draft = self._drafts.get(event.choice)
        if draft is None or draft.index != event.index:
            self._close(event.choice)
            draft = self._drafts[event.choice] = _Draft(event.index, event)
        if isinstance(event, ToolCallDelta):
            draft.pieces.append(event.json)
        elif isinstance(event, ThinkingDelta):
            draft.pieces.append(event.quoted)
            draft.signature += event.signature
        elif isinstance(event, TextDelta):
            draft.pieces.append(event.quoted)
            if event.logprobs:
                self._choices[event.choice].logprobs.append(event.logprobs)

    def _close(self, choice: int) -> None:
        draft = self._drafts.pop(choice, None)
        if draft is not None:
            self._choices[choice].blocks.append(draft.finished())

    def _end(self, event: MessageEnd) -> None:
        self._close(event.choice)
        choice = self._choices[event.choice]
        choice.stop_reason = event.stop_reason
        choice.stop_sequence = event.stop_sequence
        if event.usage is not None:
            self._usage = event.usage
        self._timings = event.timings or self._timings

    def reply(self) -> Reply:
        """Give the reply; it is whole when every choice has ended."""
        ordered = [self._choices[number] for number in sorted(self._choices)]
        return Reply(ordered, self._usage, self._timings)


def fold(events: Iterable[Event]) -> Reply:
    """Fold a complete sequence of events."""
    folding = Fold()
    folding.add(events)
    return folding.reply()


def _unquoted(pieces: list[bytes]) -> str:
    """Decode literals joined, so that a surrogate pair cut in two is whole again."""
    literal = b'"' + b"".join(piece[1:-1] for piece in pieces) + b'"'
    return str(jsons.loads(literal))
