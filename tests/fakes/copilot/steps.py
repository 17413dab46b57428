"""What a scripted model can say and do, in no API's words.

The three writers turn a script into their own events. ``Text``, ``ToolCall`` and the
acts on the connection are those of the other scripted upstream.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.fakes.llama import pieces
from tests.fakes.steps import Cut as Cut
from tests.fakes.steps import Hang as Hang
from tests.fakes.steps import Pause as Pause
from tests.fakes.steps import Raw as Raw
from tests.fakes.steps import Text as Text
from tests.fakes.steps import ToolCall as ToolCall
from tests.fakes.steps import Unframed as Unframed
from tests.fakes.steps import Wait as Wait


@dataclass(frozen=True)
class Thinking:
    """Reasoning in ``fragments`` pieces, and the opaque proof of it.

    A thinking block with its signature, a reasoning item with a summary and encrypted
    content, or ``reasoning_text`` with ``reasoning_opaque``. An empty text leaves only
    the proof.
    """

    text: str
    signature: str = "c2lnbmF0dXJlLW9mLXRoaW5raW5n"
    fragments: int = 1


@dataclass(frozen=True)
class Redacted:
    """Reasoning that only the provider can read."""

    data: str = "cmVkYWN0ZWQtdGhpbmtpbmc="


@dataclass(frozen=True)
class Refusal:
    """The words of a model that declines; ``Finish`` becomes a refusal by it."""

    text: str


@dataclass(frozen=True)
class Usage:
    """Tokens of the request; the place in the script does not matter.

    ``prompt`` counts all input, with what was read from and written to the cache.
    """

    prompt: int = 10
    completion: int = 4
    cached: int = 0
    written: int = 0
    reasoning: int = 0


@dataclass(frozen=True)
class Finish:
    """Why the model stopped; without a reason tool_calls, refusal or stop.

    ``stop``, ``tool_calls``, ``length``, ``refusal``, ``content_filter``,
    ``stop_sequence``, or any word an API has of its own.
    """

    reason: str | None = None
    sequence: str | None = None


@dataclass(frozen=True)
class NoFinish:
    """End the body properly, but without the event that ends an answer."""


@dataclass(frozen=True)
class Fail:
    """An error in the midst of the stream; nothing follows it.

    ``failed`` makes a response.failed of it where the API knows that; without a code
    it is the API's word for a fault of its own.
    """

    message: str = "The server had an error while processing your request."
    code: str | None = None
    failed: bool = False


@dataclass(frozen=True)
class Head:
    """The head of the response, here: silences before it delay the head.

    Without it the head follows the silences that a script begins with.
    """


@dataclass(frozen=True)
class Begin:
    """The events that open an answer, here; else they come with the first content."""


@dataclass(frozen=True)
class Event:
    """An event of any name with any data; no envelope is added."""

    data: Any
    name: str | None = None


def words(text: str, count: int) -> tuple[Text, ...]:
    """Give a text in about so many deltas."""
    return tuple(Text(piece) for piece in pieces(text, count))
