"""A conversation: messages and their parts."""

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
from typing import Any
from typing import Literal

Role = Literal["system", "user", "assistant", "tool"]


@dataclass(frozen=True, slots=True)
class TextPart:
    """Text that the model reads or wrote."""

    text: str


@dataclass(frozen=True, slots=True)
class ImagePart:
    """An image as a ``data:`` URL; ``detail`` is OpenAI's hint, if it was given."""

    url: str
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class AudioPart:
    """Base64 audio and its format, ``wav`` or ``mp3``."""

    data: str
    format: str


@dataclass(frozen=True, slots=True)
class ThinkingPart:
    """Reasoning, with the signature that lets its author recognise it.

    What is ``redacted`` has no text: its signature is all there is.
    """

    text: str
    signature: str = ""
    redacted: bool = False


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call the model made; ``arguments`` is the JSON text of an object."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What a tool answered, for the call named by ``call_id``."""

    call_id: str
    content: tuple[TextPart | ImagePart, ...] = ()
    is_error: bool = False
    name: str = ""


Part = TextPart | ImagePart | AudioPart | ThinkingPart | ToolCall | ToolResult


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a conversation.

    ``same_turn`` marks a user's words that came in one message with the tool results
    before them: they begin no turn of their own.
    """

    role: Role
    content: tuple[Part, ...] = ()
    name: str | None = None
    same_turn: bool = False

    @property
    def text(self) -> str:
        """All text parts, joined."""
        return "".join(part.text for part in self.content if isinstance(part, TextPart))


@dataclass(frozen=True, slots=True)
class Tool:
    """A function the model may call; ``parameters`` is a repaired JSON Schema.

    ``eager`` asks for the arguments as they are written instead of whole.
    """

    name: str
    description: str = ""
    parameters: Mapping[str, Any] = field(
        default_factory=lambda: {"type": "object", "properties": {}}
    )
    eager: bool = False
