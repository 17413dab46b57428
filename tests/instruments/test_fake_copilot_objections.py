"""The played Copilot refuses the conversations that the real APIs refuse."""

import json
from typing import Any

import pytest

from tests.fakes.copilot import Call
from tests.fakes.copilot.objections import objection

CHAT, RESPONSES, MESSAGES = "/chat/completions", "/responses", "/v1/messages"
USER = {"role": "user", "content": "hi"}
THINKING = {"type": "enabled", "budget_tokens": 1024}


def asked(path: str, *turns: dict[str, Any], **fields: Any) -> Call:
    key = "input" if path == RESPONSES else "messages"
    body = {"stream": True, key: list(turns), **fields}
    if path == MESSAGES:
        body.setdefault("max_tokens", 2048)
    return Call("POST", path, "", {}, json.dumps(body).encode())


def called(*names: str) -> dict[str, Any]:
    return {"role": "assistant", "tool_calls": [{"id": name} for name in names]}


def result(name: str) -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": name, "content": "ok"}


def item(kind: str, name: str) -> dict[str, Any]:
    return {"type": kind, "call_id": name}


def used(*names: str) -> dict[str, Any]:
    blocks = [{"type": "tool_use", "id": name} for name in names]
    return {"role": "assistant", "content": blocks}


def told(*names: str) -> dict[str, Any]:
    blocks = [{"type": "tool_result", "tool_use_id": name} for name in names]
    return {"role": "user", "content": blocks}


@pytest.mark.parametrize(
    "call",
    [
        asked(CHAT, USER),
        asked(CHAT, USER, called("a", "b"), result("b"), result("a"), USER),
        asked(RESPONSES, USER),
        asked(RESPONSES, item("function_call", "a"), item("function_call_output", "a")),
        asked(MESSAGES, USER, used("a", "b"), told("a", "b")),
        asked(MESSAGES, USER, thinking=THINKING),
    ],
)
def test_a_good_conversation_passes(call: Call) -> None:
    assert objection(call) is None


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (asked(CHAT), "too short"),
        (asked(CHAT, USER, result("a")), "must be a response to"),
        (asked(CHAT, USER, called("a", "b"), result("a")), "Missing: b"),
        (asked(CHAT, USER, called("a"), USER, result("a")), "Missing: a"),
        (asked(RESPONSES, item("function_call", "a")), "No tool output found"),
        (asked(RESPONSES, item("function_call_output", "a")), "No tool call found"),
        (asked(RESPONSES, {"type": "reasoning", "id": "rs_1"}), "not persisted"),
        (asked(RESPONSES, USER, max_output_tokens=8), "below minimum"),
        (asked(MESSAGES, USER, max_tokens=None), "Field required"),
        (asked(MESSAGES), "at least one message"),
        (asked(MESSAGES, USER, used("a")), "without `tool_result`"),
        (asked(MESSAGES, USER, used("a"), USER), "without `tool_result`"),
        (asked(MESSAGES, USER, told("a")), "unexpected `tool_use_id`"),
        (asked(MESSAGES, USER, used("a|b"), told("a|b")), "tool_use.id"),
        (
            asked(
                MESSAGES, {"role": "user", "content": [{"type": "text", "text": ""}]}
            ),
            "non-empty",
        ),
        (
            asked(
                MESSAGES,
                {
                    "role": "assistant",
                    "content": [{"type": "thinking", "thinking": "x"}],
                },
            ),
            "signature",
        ),
        (asked(MESSAGES, USER, thinking={**THINKING, "budget_tokens": 9}), "1024"),
        (asked(MESSAGES, USER, thinking=THINKING, max_tokens=1024), "greater than"),
        (asked(MESSAGES, USER, thinking=THINKING, temperature=0), "temperature"),
        (
            asked(MESSAGES, USER, thinking=THINKING, tool_choice={"type": "any"}),
            "forces tool use",
        ),
        (asked(CHAT, USER, stream=False), "only streams"),
    ],
)
def test_a_broken_conversation_is_refused(call: Call, words: str) -> None:
    assert words in (objection(call) or "")
