"""What the real services refuse in a request, as far as a conversation goes.

A gateway that pairs calls with results wrongly, or makes ids of its own that an API
does not take, must not pass here either. The words are those of the APIs' own errors.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from tests.fakes.copilot import models
from tests.fakes.copilot.call import Call

ID = re.compile(r"[a-zA-Z0-9_-]+")
LEAST_BUDGET = 1024


def objection(call: Call) -> str | None:
    """Give the first thing that is wrong with a request, if anything is."""
    checks = {
        models.CHAT: chat_objections,
        models.RESPONSES: responses_objections,
        models.MESSAGES: messages_objections,
    }
    if call.fields.get("stream") is not True:
        return "only streams are played here"
    return next(checks[call.path](call), None)


# ------------------------------------------------------------------ completions


def chat_objections(call: Call) -> Iterator[str]:
    """Check the messages of a chat completion."""
    if not call.items:
        yield "[] is too short - 'messages'"
    open_calls: list[str] = []
    for message in call.items:
        if message.get("role") == "tool":
            if message.get("tool_call_id") not in open_calls:
                yield (
                    "messages with role 'tool' must be a response to a preceeding "
                    "message with 'tool_calls'."
                )
            else:
                open_calls.remove(message["tool_call_id"])
            continue
        if open_calls:
            break
        open_calls = [one["id"] for one in message.get("tool_calls") or []]
    if open_calls:
        yield (
            "An assistant message with 'tool_calls' must be followed by tool messages "
            f"responding to each 'tool_call_id'. Missing: {', '.join(open_calls)}"
        )


# -------------------------------------------------------------------- responses


def responses_objections(call: Call) -> Iterator[str]:
    """Check the input items of a response."""
    calls = [one["call_id"] for one in of_type(call.items, "function_call")]
    results = [one["call_id"] for one in of_type(call.items, "function_call_output")]
    for name in results:
        if name not in calls:
            yield f"No tool call found for function call output with call_id {name}."
    for name in calls:
        if name not in results:
            yield f"No tool output found for function call {name}."
    for item in of_type(call.items, "reasoning"):
        if not item.get("encrypted_content"):
            yield f"Item '{item.get('id')}' not found. Items are not persisted."
    if (call.fields.get("max_output_tokens") or 16) < 16:
        yield "Invalid 'max_output_tokens': integer below minimum value."


def of_type(items: list[Any], kind: str) -> list[dict[str, Any]]:
    """Give the items or blocks of one type."""
    return [one for one in items if isinstance(one, dict) and one.get("type") == kind]


# --------------------------------------------------------------------- messages


def messages_objections(call: Call) -> Iterator[str]:
    """Check the messages and the thinking of a message."""
    fields = call.fields
    if not isinstance(fields.get("max_tokens"), int):
        yield "max_tokens: Field required"
    yield from thinking_objections(fields)
    if not call.items:
        yield "messages: at least one message is required"
    waiting: set[str] = set()
    for number, message in enumerate(call.items):
        blocks = message.get("content")
        blocks = blocks if isinstance(blocks, list) else []
        yield from empty_texts(blocks, number)
        results = {one["tool_use_id"] for one in of_type(blocks, "tool_result")}
        for name in sorted(waiting - results):
            yield (
                f"messages.{number}: `tool_use` ids were found without `tool_result` "
                f"blocks immediately after: {name}"
            )
        for name in sorted(results - waiting):
            yield (
                f"messages.{number}: unexpected `tool_use_id` found in `tool_result` "
                f"blocks: {name}"
            )
        waiting = {one["id"] for one in of_type(blocks, "tool_use")}
        for name in waiting:
            if not ID.fullmatch(name):
                yield f"messages.{number}.content: tool_use.id: '{name}'"
    for name in sorted(waiting):
        yield f"`tool_use` ids were found without `tool_result` blocks: {name}"


def empty_texts(blocks: list[Any], number: int) -> Iterator[str]:
    """Refuse text blocks without text, and thoughts without a signature."""
    if any(not one.get("text") for one in of_type(blocks, "text")):
        yield f"messages.{number}: text content blocks must be non-empty"
    if any(not one.get("signature") for one in of_type(blocks, "thinking")):
        yield f"messages.{number}: thinking.signature: Field required"


def thinking_objections(fields: dict[str, Any]) -> Iterator[str]:
    """Check the budget and what may not go with it."""
    thinking = fields.get("thinking") or {}
    if thinking.get("type") != "enabled":
        return
    budget = thinking.get("budget_tokens", 0)
    if budget < LEAST_BUDGET:
        yield "thinking.enabled.budget_tokens: Input should be at least 1024"
    if budget >= (fields.get("max_tokens") or 0):
        yield "`max_tokens` must be greater than `thinking.budget_tokens`."
    if fields.get("temperature", 1) != 1:
        yield "`temperature` may only be set to 1 when thinking is enabled."
    if (fields.get("tool_choice") or {}).get("type") in ("any", "tool"):
        yield "Thinking may not be enabled when tool_choice forces tool use."
