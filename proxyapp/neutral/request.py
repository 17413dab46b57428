"""What a client asks for, free of any dialect."""

from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field
from typing import Any
from typing import Literal

from proxyapp.neutral.messages import Message
from proxyapp.neutral.messages import Tool

Effort = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]
ToolMode = Literal["auto", "none", "required"]
Vector = Sequence[float]


@dataclass(frozen=True, slots=True)
class ToolChoice:
    """Whether tools may, must or must not be called; ``names`` limits which."""

    mode: ToolMode = "auto"
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ResponseFormat:
    """JSON is asked for: any object, or (with ``schema``) one of this shape."""

    schema: Mapping[str, Any] | None = None
    name: str = "response"
    strict: bool | None = None


@dataclass(frozen=True, slots=True)
class Reasoning:
    """How much the model shall think; ``budget`` is in tokens."""

    effort: Effort | None = None
    budget: int | None = None

    @property
    def off(self) -> bool:
        """Whether thinking is switched off."""
        return self.effort == "none"


@dataclass(frozen=True, slots=True)
class Sampling:
    """How tokens are drawn.

    ``fields`` holds what the client gave and no more, under llama-server's names
    (``temperature``, ``top_p``, ``top_k``, ``seed``, ``repeat_penalty``, ...).
    """

    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    fields: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """A conversation to continue."""

    model: str
    messages: tuple[Message, ...]
    tools: tuple[Tool, ...] = ()
    tool_choice: ToolChoice = ToolChoice()
    parallel_tool_calls: bool = True
    sampling: Sampling = Sampling()
    response_format: ResponseFormat | None = None
    reasoning: Reasoning | None = None
    n: int = 1
    stream: bool = False
    include_usage: bool = False


@dataclass(frozen=True, slots=True)
class CompletionRequest:
    """Bare text to continue, outside any chat template.

    ``prompt`` is a string, a list of token ids, or a list of either; one reply
    choice is made per prompt and per ``n``.
    """

    model: str
    prompt: Any
    suffix: str | None = None
    echo: bool = False
    sampling: Sampling = Sampling()
    response_format: ResponseFormat | None = None
    n: int = 1
    stream: bool = False
    include_usage: bool = False

    @property
    def choices(self) -> int:
        """How many replies this asks for."""
        one = not isinstance(self.prompt, list) or isinstance(self.prompt[0], int)
        return self.n if one else self.n * len(self.prompt)


@dataclass(frozen=True, slots=True)
class EmbeddingRequest:
    """Texts (or token lists) to turn into vectors, in order."""

    model: str
    inputs: tuple[str | list[int], ...]
    dimensions: int | None = None


@dataclass(frozen=True, slots=True)
class Embeddings:
    """One vector per input, in the inputs' order, and the tokens they took."""

    vectors: tuple[Vector, ...]
    tokens: int
