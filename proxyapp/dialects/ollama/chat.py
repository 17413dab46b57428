"""Chat: the request decoded, the shape of its reply."""

from typing import Any

from proxyapp.backends.base import ModelInfo
from proxyapp.dialects import fields
from proxyapp.dialects.ollama import options
from proxyapp.dialects.ollama.lines import Shape
from proxyapp.dialects.ollama.messages import decode_messages
from proxyapp.errors import BadRequest
from proxyapp.neutral.messages import Tool
from proxyapp.neutral.request import ChatRequest
from proxyapp.neutral.request import Reasoning


def decode_chat(body: fields.Body, tools: tuple[Tool, ...]) -> ChatRequest:
    """Read a request; fields nobody knows are ignored. Raises BadRequest."""
    return ChatRequest(
        model=fields.text(body, "model"),
        messages=decode_messages(body),
        tools=tools,
        sampling=options.sampling(body, options.logprobs(body)),
        response_format=options.response_format(body),
        reasoning=options.reasoning(body),
        stream=fields.flag(body, "stream", True),
    )


def possible_reasoning(
    reasoning: Reasoning | None, name: str, model: ModelInfo
) -> Reasoning | None:
    """Check a wish to think against what the model can do.

    Raises BadRequest, as Ollama does, where it cannot; a wish not to is then granted
    without a word.
    """
    if reasoning is None or "thinking" in model.capabilities:
        return reasoning
    if reasoning.off:
        return None
    raise BadRequest(
        f'"{name}" does not support thinking; ask without it.', param="think"
    )


def _said(text: str, thinking: str, calls: list[dict[str, Any]]) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": text}
    if thinking:
        message["thinking"] = thinking
    if calls:
        message["tool_calls"] = calls
    return {"message": message}


CHAT = Shape(
    text=b'"message":{"role":"assistant","content":',
    thinking=b'"message":{"role":"assistant","content":"","thinking":',
    tail=b"}",
    said=_said,
)
