"""A reply as a sequence of events.

    MessageStart
    ThinkingDelta | TextDelta | ToolCallStart | ToolCallDelta   ...
    MessageEnd

Per choice there is exactly one start, first, and exactly one end, last. ``index``
numbers the blocks of a reply: it never goes down, and a new index closes the block
before. A ToolCallDelta follows its ToolCallStart. Failure is an exception, never an
event. Events are made once per token: treat them as immutable.
"""

from dataclasses import dataclass
from typing import Any
from typing import Literal

from proxyapp.neutral.usage import Timings
from proxyapp.neutral.usage import Usage

StopReason = Literal["stop", "length", "tool_calls", "content_filter"]


@dataclass(slots=True)
class MessageStart:
    """The reply begins."""

    id: str
    model: str
    choice: int = 0


@dataclass(slots=True)
class TextDelta:
    """Some text, as a JSON string literal, quotes included.

    It arrives as a literal and leaves as one in every dialect, so nobody on the
    path of a token decodes it; ``fold`` does, once, at the end.
    """

    index: int
    quoted: bytes
    choice: int = 0
    logprobs: Any = None


@dataclass(slots=True)
class ThinkingDelta:
    """Some reasoning, as a JSON string literal; ``signature`` closes the block.

    A ``redacted`` block is one event with a signature and no text.
    """

    index: int
    quoted: bytes
    choice: int = 0
    signature: str = ""
    redacted: bool = False


@dataclass(slots=True)
class ToolCallStart:
    """A tool call opens; its id is unique in the reply, its name complete."""

    index: int
    id: str
    name: str
    choice: int = 0


@dataclass(slots=True)
class ToolCallDelta:
    """A piece of the JSON text of a tool call's arguments."""

    index: int
    json: str
    choice: int = 0


@dataclass(slots=True)
class MessageEnd:
    """The reply is complete; the last choice's end carries usage and timings.

    It also carries how many events of the upstream could not be read, ``dropped``.
    """

    stop_reason: StopReason
    usage: Usage | None = None
    timings: Timings | None = None
    choice: int = 0
    stop_sequence: str | None = None
    dropped: int = 0


Event = (
    MessageStart
    | TextDelta
    | ThinkingDelta
    | ToolCallStart
    | ToolCallDelta
    | MessageEnd
)
