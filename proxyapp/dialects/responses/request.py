"""A Responses request, decoded."""

from typing import Any

from proxyapp.dialects import fields
from proxyapp.dialects.responses.items import read_input
from proxyapp.dialects.responses.tools import ClientTools
from proxyapp.dialects.responses.tools import read_choice
from proxyapp.errors import BadRequest
from proxyapp.neutral.request import ChatRequest
from proxyapp.neutral.request import Reasoning
from proxyapp.neutral.request import ResponseFormat
from proxyapp.tools.repair import RepairedTools

_STATEFUL = {
    "previous_response_id": "send the whole conversation as input",
    "conversation": "send the whole conversation as input",
    "background": "leave it out and stream the reply",
    "prompt": "send its text as instructions",
}
_NOT_SAMPLING = frozenset({"logprobs", "top_logprobs"})
"""Chat's fields for log probabilities; Responses asks for them by ``include``."""


def decode_response(
    body: fields.Body, tools: ClientTools, repaired: RepairedTools
) -> ChatRequest:
    """Read a request; fields nobody knows are ignored. Raises BadRequest.

    Everything is optional here: without a model, the default one is meant.
    """
    for name, remedy in _STATEFUL.items():
        if body.get(name):
            raise BadRequest(
                f"'{name}' needs a server that stores responses, and this one does"
                f" not; {remedy}.",
                param=name,
            )
    limit = fields.integer(body, "max_output_tokens", low=1)
    drawn = {name: body[name] for name in body.keys() - _NOT_SAMPLING}
    return ChatRequest(
        model=fields.optional(body, "model", str) or "",
        messages=read_input(body),
        tools=repaired.tools,
        tool_choice=read_choice(body, tools, repaired),
        parallel_tool_calls=fields.flag(body, "parallel_tool_calls", True),
        sampling=fields.sampling(drawn, limit, ()),
        response_format=_response_format(body),
        reasoning=_reasoning(body),
        stream=fields.flag(body, "stream"),
        include_usage=True,
    )


def _response_format(body: fields.Body) -> ResponseFormat | None:
    """Read ``text.format``; plain text is the same as none."""
    text = fields.optional(body, "text", dict) or {}
    wanted = fields.optional(text, "format", dict, "text") or {}
    if wanted.get("type") == "json_object":
        return ResponseFormat()
    if wanted.get("type") != "json_schema":
        return None
    strict: Any = wanted.get("strict")
    return ResponseFormat(
        fields.optional(wanted, "schema", dict, "text.format"),
        fields.word(wanted.get("name")) or "response",
        strict if isinstance(strict, bool) else None,
    )


def _reasoning(body: fields.Body) -> Reasoning | None:
    """Read ``reasoning.effort``; Codex knows one more than everyone else, "ultra"."""
    asked = fields.optional(body, "reasoning", dict) or {}
    if asked.get("effort") == "ultra":
        return Reasoning("max")
    effort = fields.effort(asked, "effort")
    return None if effort is None else Reasoning(effort)
