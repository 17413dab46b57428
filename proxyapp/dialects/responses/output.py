"""Output items while they are written: what each tells, and when."""

from collections.abc import Callable
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from proxyapp.dialects.responses import document
from proxyapp.dialects.responses.tools import Origin
from proxyapp.neutral.events import TextDelta
from proxyapp.neutral.events import ThinkingDelta
from proxyapp.neutral.events import ToolCallStart
from proxyapp.neutral.messages import ToolCall
from proxyapp.wire import jsons

Fields = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Prose:
    """How an item of text is told: its events, and where its one part stands."""

    prefix: str
    part_name: str
    delta: str
    done: str
    place: Mapping[str, int]
    more: Mapping[str, Any]
    part: Callable[[str], Fields]
    item: Callable[[str, str | None, str], Fields]


MESSAGE = Prose(
    prefix="msg_",
    part_name="response.content_part",
    delta="response.output_text.delta",
    done="response.output_text.done",
    place={"content_index": 0},
    more={"logprobs": []},
    part=document.text_part,
    item=document.message_item,
)
THOUGHT = Prose(
    prefix="rs_",
    part_name="response.reasoning_summary_part",
    delta="response.reasoning_summary_text.delta",
    done="response.reasoning_summary_text.done",
    place={"summary_index": 0},
    more={},
    part=document.summary_part,
    item=document.reasoning_item,
)
PROSE: dict[type, Prose] = {TextDelta: MESSAGE, ThinkingDelta: THOUGHT}


class OpenProse:
    """A text or a thought being written, its pieces still JSON literals."""

    def __init__(self, prose: Prose, index: int, item_id: str, position: int) -> None:
        self.prose = prose
        self.index = index
        self.id = item_id
        self.at = {"item_id": item_id, "output_index": position, **prose.place}
        self.pieces: list[bytes] = []
        self.signature = ""
        head = jsons.dumps({"type": prose.delta, **self.at, **prose.more})
        self.delta_head = b"event: " + prose.delta.encode() + b"\ndata: " + head[:-1]
        self.delta_head += b',"delta":'

    def holds(self, event: TextDelta | ThinkingDelta) -> bool:
        """Tell whether an event continues this item."""
        return event.index == self.index and PROSE[type(event)] is self.prose

    def opening(self) -> list[tuple[str, Fields]]:
        """Tell that the part begins."""
        part = {**self.at, "part": self.prose.part("")}
        return [(f"{self.prose.part_name}.added", part)]

    def item(self, status: str, written: bool = True) -> Fields:
        """Give the item as it is by now."""
        text = self.text() if written else None
        item = self.prose.item(self.id, text, status)
        return signed(item, self.signature)

    def text(self) -> str:
        """Decode the pieces joined: a surrogate pair may be cut in two."""
        literal = b'"' + b"".join(piece[1:-1] for piece in self.pieces) + b'"'
        return str(jsons.loads(literal))

    def closing(self) -> list[tuple[str, Fields]]:
        """Tell that the part is complete."""
        text = self.text()
        done = {**self.at, **self.prose.more, "text": text}
        part = {**self.at, "part": self.prose.part(text)}
        return [(self.prose.done, done), (f"{self.prose.part_name}.done", part)]


class SealedThought:
    """A thought without words: only its author can read it."""

    def __init__(self, signature: str, item_id: str, position: int) -> None:
        self.id = item_id
        self._signature = signature

    def opening(self) -> list[tuple[str, Fields]]:
        """Tell nothing: there is no part."""
        return []

    closing = opening

    def item(self, status: str, written: bool = True) -> Fields:
        """Give the item as it is by now."""
        item = document.reasoning_item(self.id, None, status)
        return signed(item, self._signature if written else "")


def signed(item: Fields, signature: str) -> Fields:
    """Put an author's signature where OpenAI has its encrypted content.

    It is opaque to the client, and comes back with the next request.
    """
    return item | ({"encrypted_content": signature} if signature else {})


class OpenCall:
    """A call being written."""

    def __init__(
        self, start: ToolCallStart, origin: Origin, item_id: str, position: int
    ) -> None:
        self.id = item_id
        self.at = {"item_id": item_id, "output_index": position}
        self._start = start
        self._origin = origin
        self.pieces: list[str] = []

    def opening(self) -> list[tuple[str, Fields]]:
        """Tell nothing: a call has no parts."""
        return []

    def item(self, status: str, written: bool = True) -> Fields:
        """Give the item as it is by now."""
        arguments = "".join(self.pieces) if written else ""
        call = ToolCall(self._start.id, self._start.name, arguments)
        return document.call_item(self.id, call, self._origin, status)

    def delta(self, piece: str) -> list[tuple[str, Fields]]:
        """Tell a piece of the arguments; a custom tool's input waits to be whole."""
        self.pieces.append(piece)
        if self._origin.custom:
            return []
        told = {**self.at, "delta": piece}
        return [("response.function_call_arguments.delta", told)]

    def closing(self) -> list[tuple[str, Fields]]:
        """Tell the arguments, or the input, in one piece."""
        arguments = "".join(self.pieces)
        if not self._origin.custom:
            done = {**self.at, "name": self._origin.name, "arguments": arguments}
            return [("response.function_call_arguments.done", done)]
        text = document.custom_input(arguments)
        name = "response.custom_tool_call_input"
        return [
            (f"{name}.delta", {**self.at, "delta": text}),
            (f"{name}.done", {**self.at, "input": text}),
        ]


OpenItem = OpenProse | OpenCall | SealedThought
