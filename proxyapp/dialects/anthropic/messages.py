"""Requests for a message, decoded."""

from collections.abc import Callable
from collections.abc import Iterator
from typing import Any

from proxyapp.dialects import fields
from proxyapp.dialects.anthropic.blocks import assistant_parts
from proxyapp.dialects.anthropic.blocks import system_parts
from proxyapp.dialects.anthropic.blocks import user_parts
from proxyapp.dialects.anthropic.tools import allows_parallel
from proxyapp.dialects.anthropic.tools import tool_choice
from proxyapp.errors import BadRequest
from proxyapp.neutral.messages import Message
from proxyapp.neutral.messages import Tool
from proxyapp.neutral.messages import ToolResult
from proxyapp.neutral.request import ChatRequest
from proxyapp.neutral.request import Effort
from proxyapp.neutral.request import Reasoning
from proxyapp.neutral.request import ResponseFormat

_BUDGETS: tuple[tuple[int, Effort], ...] = (
    (2048, "low"),
    (8192, "medium"),
    (24576, "high"),
)
"""Below so many tokens of thinking, this is the effort; from the last on, xhigh."""


def decode_request(body: fields.Body, tools: tuple[Tool, ...]) -> ChatRequest:
    """Read a request for a message; fields nobody knows are ignored.

    Raises BadRequest. ``max_tokens`` must be there, as in Anthropic's own API.
    """
    if body.get("max_tokens") is None:
        raise BadRequest("max_tokens: Field required", param="max_tokens")
    return decode_prompt(body, tools, fields.integer(body, "max_tokens", low=1))


def decode_prompt(
    body: fields.Body, tools: tuple[Tool, ...], max_tokens: int | None = None
) -> ChatRequest:
    """Read what the model shall see, and how it shall answer."""
    if body.get("mcp_servers"):
        raise BadRequest(
            "mcp_servers: the gateway connects to none; let the client do it.",
            param="mcp_servers",
        )
    if body.get("model") is None:
        raise BadRequest("model: Field required", param="model")
    return ChatRequest(
        model=fields.text(body, "model"),
        messages=_conversation(body),
        tools=tools,
        tool_choice=tool_choice(body),
        parallel_tool_calls=allows_parallel(body),
        sampling=fields.sampling(
            body, max_tokens, fields.stops(body, "stop_sequences")
        ),
        response_format=_response_format(body),
        reasoning=_reasoning(body),
        stream=fields.flag(body, "stream"),
    )


def shows_thinking(body: fields.Body) -> bool:
    """Tell whether the client asked to see the model think."""
    thinking = fields.optional(body, "thinking", dict) or {"type": "disabled"}
    return thinking.get("type") != "disabled" and thinking.get("display") != "omitted"


def _conversation(body: fields.Body) -> tuple[Message, ...]:
    messages = fields.items(body, "messages")
    if not messages:
        words = "Field required" if body.get("messages") is None else "is empty."
        raise BadRequest(f"messages: {words}", param="messages")
    system = [
        Message("system", (part,))
        for part in system_parts(body.get("system"), "system")
    ]
    turns = [
        turn
        for position, message in enumerate(messages)
        for turn in _turns(message, f"messages.{position}")
    ]
    return (*system, *turns)


def _turns(message: Any, where: str) -> Iterator[Message]:
    if not isinstance(message, dict):
        raise BadRequest(f"{where}: must be an object.", param=where)
    read = _ROLES.get(fields.word(message.get("role")))
    if read is None:
        known = ", ".join(_ROLES)
        raise BadRequest(f"{where}.role: must be one of {known}.", param=where)
    return read(message.get("content"), f"{where}.content")


def _user(content: Any, where: str) -> Iterator[Message]:
    """Split a turn: results belong right behind their calls, before any words."""
    parts = user_parts(content, where)
    results = tuple(part for part in parts if isinstance(part, ToolResult))
    words = tuple(part for part in parts if not isinstance(part, ToolResult))
    if results:
        yield Message("tool", results)
    if words or not results:
        yield Message("user", words, same_turn=bool(results))


def _assistant(content: Any, where: str) -> Iterator[Message]:
    yield Message("assistant", tuple(assistant_parts(content, where)))


def _system(content: Any, where: str) -> Iterator[Message]:
    parts = tuple(system_parts(content, where))
    if parts:
        yield Message("system", parts)


_ROLES: dict[str, Callable[[Any, str], Iterator[Message]]] = {
    "user": _user,
    "assistant": _assistant,
    "system": _system,
}


def _output_config(body: fields.Body) -> fields.Body:
    return fields.optional(body, "output_config", dict) or {}


def _response_format(body: fields.Body) -> ResponseFormat | None:
    wanted = _output_config(body).get("format") or body.get("output_format")
    if not isinstance(wanted, dict) or wanted.get("type") != "json_schema":
        return None
    schema = fields.optional(wanted, "schema", dict, "output_config.format")
    return ResponseFormat(schema)


def _reasoning(body: fields.Body) -> Reasoning | None:
    """Read how much to think; without a word about it, the model's default stands."""
    thinking = fields.optional(body, "thinking", dict)
    effort = fields.effort(_output_config(body), "effort")
    if thinking is None:
        return None if effort is None else Reasoning(effort)
    if thinking.get("type") == "disabled":
        return Reasoning("none")
    budget = fields.integer(thinking, "budget_tokens", low=0)
    return Reasoning(effort or _effort(budget), budget)


def _effort(budget: int | None) -> Effort:
    if budget is None:
        return "medium"
    return next((effort for below, effort in _BUDGETS if budget < below), "xhigh")
