"""A model that needs no model: it says what it was told.

It is the first answer of a fresh installation, and the deterministic member of the
tests. What it does is asked for in words: a request with tools whose last message
says "call NAME", or that must call one, gets a call; thinking comes when asked for.
"""

import hashlib
import re
from collections.abc import Iterator
from collections.abc import Mapping
from typing import Any

from proxyapp.backends.base import Batch
from proxyapp.backends.base import Finding
from proxyapp.backends.base import Forwarded
from proxyapp.backends.base import ModelInfo
from proxyapp.errors import NotSupported
from proxyapp.neutral.events import Event
from proxyapp.neutral.events import MessageEnd
from proxyapp.neutral.events import MessageStart
from proxyapp.neutral.events import StopReason
from proxyapp.neutral.events import TextDelta
from proxyapp.neutral.events import ThinkingDelta
from proxyapp.neutral.events import ToolCallDelta
from proxyapp.neutral.events import ToolCallStart
from proxyapp.neutral.messages import Tool
from proxyapp.neutral.record import Record
from proxyapp.neutral.request import ChatRequest
from proxyapp.neutral.request import CompletionRequest
from proxyapp.neutral.request import EmbeddingRequest
from proxyapp.neutral.request import Embeddings
from proxyapp.neutral.usage import Timings
from proxyapp.neutral.usage import Usage
from proxyapp.wire import jsons

_WORD = re.compile(r"\s*\S+\s*|\s+")
_CALL = re.compile(r"\bcall (\S+)")
_DIMENSIONS = 64


class EchoBackend:
    """The built-in model ``echo``."""

    def __init__(self, name: str = "echo") -> None:
        self.name = name

    def models(self) -> list[ModelInfo]:
        """List the one model."""
        return [
            ModelInfo(
                id="echo",
                backend=self.name,
                upstream_id="echo",
                context_length=32768,
                capabilities=frozenset(
                    {"completion", "tools", "thinking", "embedding"}
                ),
                family="echo",
                created=1767225600,
            )
        ]

    def chat(
        self, model: ModelInfo, request: ChatRequest, record: Record
    ) -> Iterator[Batch]:
        """Answer the last user message with its own words, or with a tool call."""
        said = request.messages[-1].text if request.messages else ""
        prompt = sum(_tokens(message.text) for message in request.messages)
        yield [MessageStart("", model.id)]
        thinks = request.reasoning is not None and not request.reasoning.off
        if thinks:
            yield [ThinkingDelta(0, jsons.dumps("I repeat what I was told."))]
        tool = _wanted(request, said)
        if tool is not None:
            yield [ToolCallStart(1, "call_echo_0", tool.name)]
            yield [ToolCallDelta(1, jsons.text(_arguments(tool.parameters, said)))]
            yield [_end("tool_calls", prompt, 1)]
            return
        yield from _speak(said or "Hello from proxyapp.", 1, request, prompt)

    def complete(self, model: ModelInfo, request: CompletionRequest) -> Iterator[Batch]:
        """Repeat the prompt."""
        prompt = request.prompt if isinstance(request.prompt, str) else "tokens"
        yield [MessageStart("", model.id)]
        yield from _speak(prompt, 0, request, _tokens(prompt))

    def embed(self, model: ModelInfo, request: EmbeddingRequest) -> Embeddings:
        """Make a vector of a text's hash: the same text, the same vector."""
        vectors = tuple(_vector(str(text)) for text in request.inputs)
        return Embeddings(vectors, sum(_tokens(str(text)) for text in request.inputs))

    def count(self, model: ModelInfo, request: ChatRequest) -> int | None:
        """Count words."""
        return sum(_tokens(message.text) for message in request.messages)

    def forward(
        self, endpoint: str, method: str, path: str, body: bytes, content_type: str
    ) -> Forwarded:
        """Refuse: there is nothing behind this model."""
        raise NotSupported(f"The backend '{self.name}' has no {endpoint} endpoint.")

    def check(self) -> list[Finding]:
        """Report the one thing there is to know."""
        return [Finding(True, self.name, "the built-in echo model answers")]


def _speak(
    text: str, index: int, request: ChatRequest | CompletionRequest, prompt: int
) -> Iterator[Batch]:
    words = _WORD.findall(text) or [text]
    limit = request.sampling.max_tokens
    told = words if limit is None else words[:limit]
    for word in told:
        yield [TextDelta(index, jsons.dumps(word))]
    reason: StopReason = "stop" if len(told) == len(words) else "length"
    yield [_end(reason, prompt, len(told))]


def _end(reason: StopReason, prompt: int, output: int) -> Event:
    return MessageEnd(reason, Usage(prompt, output), Timings())


def _tokens(text: str) -> int:
    return len(_WORD.findall(text))


def _wanted(request: ChatRequest, said: str) -> Tool | None:
    """Find the tool to call: the one named in the message, or the first if forced."""
    choice = request.tool_choice
    tools = [t for t in request.tools if not choice.names or t.name in choice.names]
    if choice.mode == "none" or not tools:
        return None
    named = _CALL.search(said)
    for tool in tools:
        if named is not None and tool.name == named.group(1):
            return tool
    return tools[0] if choice.mode == "required" else None


def _arguments(schema: Mapping[str, Any], said: str) -> dict[str, Any]:
    """Fill the required properties with something of their type."""
    properties = schema.get("properties")
    required = schema.get("required")
    known = properties if isinstance(properties, dict) else {}
    names = required if isinstance(required, list) else []
    return {name: _value(known.get(name), said) for name in names}


def _value(schema: Any, said: str) -> Any:
    if not isinstance(schema, dict):
        return said
    if schema.get("enum"):
        return schema["enum"][0]
    examples: dict[Any, Any] = {
        "integer": schema.get("minimum", 1),
        "number": schema.get("minimum", 1.0),
        "boolean": True,
        "array": [],
        "object": {},
        "null": None,
    }
    kind = schema.get("type")
    return examples.get(kind if isinstance(kind, str) else "string", said)


def _vector(text: str) -> list[float]:
    digest = hashlib.shake_256(text.encode()).digest(_DIMENSIONS)
    raw = [byte - 127.5 for byte in digest]
    norm = sum(value * value for value in raw) ** 0.5
    return [value / norm for value in raw]
