"""Generate: a prompt as a chat of one turn, or bare for the model to continue."""

from typing import Any

from proxyapp.dialects import fields
from proxyapp.dialects.ollama import options
from proxyapp.dialects.ollama.images import decode_images
from proxyapp.dialects.ollama.lines import Shape
from proxyapp.errors import BadRequest
from proxyapp.neutral.messages import Message
from proxyapp.neutral.messages import TextPart
from proxyapp.neutral.request import ChatRequest
from proxyapp.neutral.request import CompletionRequest


def decode_generate(body: fields.Body) -> ChatRequest | CompletionRequest:
    """Read a request; ``context`` is ignored. Raises BadRequest.

    ``raw`` and ``suffix`` go past the chat template. With nothing to continue, the
    result is a chat without messages: a wish to load the model.
    """
    if fields.optional(body, "template", str):
        raise BadRequest(
            "'template' cannot be set per request; the model server has its own."
            " Use raw for a prompt that is templated already.",
            param="template",
        )
    prompt = fields.optional(body, "prompt", str) or ""
    suffix = fields.optional(body, "suffix", str) or None
    if suffix or (fields.flag(body, "raw") and prompt):
        return _bare(body, prompt, suffix)
    return ChatRequest(
        model=fields.text(body, "model"),
        messages=tuple(_messages(body, prompt)),
        sampling=options.sampling(body, options.logprobs(body)),
        response_format=options.response_format(body),
        reasoning=options.reasoning(body),
        stream=fields.flag(body, "stream", True),
    )


def _messages(body: fields.Body, prompt: str) -> list[Message]:
    images = tuple(decode_images(body))
    if not prompt and not images:
        return []
    system = fields.optional(body, "system", str)
    text = (TextPart(prompt),) if prompt else ()
    asked = Message("user", (*text, *images))
    return [Message("system", (TextPart(system),)), asked] if system else [asked]


def _bare(body: fields.Body, prompt: str, suffix: str | None) -> CompletionRequest:
    if fields.flag(body, "raw") and fields.optional(body, "system", str):
        raise BadRequest(
            "'raw' takes the prompt as it is; put the system text into it.",
            param="system",
        )
    wanted = options.logprobs(body)
    if wanted:
        wanted = {"logprobs": wanted.get("top_logprobs", 1)}
    return CompletionRequest(
        model=fields.text(body, "model"),
        prompt=prompt,
        suffix=suffix,
        sampling=options.sampling(body, wanted),
        response_format=options.response_format(body),
        stream=fields.flag(body, "stream", True),
    )


def _said(text: str, thinking: str, calls: list[dict[str, Any]]) -> dict[str, Any]:
    said: dict[str, Any] = {"response": text}
    if thinking:
        said["thinking"] = thinking
    if calls:
        said["tool_calls"] = calls
    return said


GENERATE = Shape(
    text=b'"response":',
    thinking=b'"response":"","thinking":',
    tail=b"",
    said=_said,
)
