"""The readers find the same meaning in every dialect's form of one answer."""

from typing import Any

import pytest

from tests import oracles
from tests.instruments import samples as s
from tests.oracles.views import Call
from tests.oracles.views import Usage
from tests.oracles.views import View

ARGUMENTS = '{"path":"/"}'
CALL = Call("call_0", "ls", {"path": "/"})
EXPECTED = View("Hi", "hm", (CALL,), "tool_calls", Usage(10, 4, 3, 1))
COUNTS = {
    **s.USAGE,
    "prompt_tokens_details": {"cached_tokens": 3},
    "completion_tokens_details": {"reasoning_tokens": 1},
}
THOUGHT_ITEM = {
    "id": "rs_1",
    "type": "reasoning",
    "summary": [{"type": "summary_text", "text": "hm"}],
}
CACHED = {"input_tokens": 7, "cache_read_input_tokens": 3, "output_tokens": 4}
ANTHROPIC_CONTENT = [
    {"type": "thinking", "thinking": "hm", "signature": "x"},
    {"type": "text", "text": "Hi"},
    {**s.TOOL_BLOCK, "input": {"path": "/"}},
]
OLLAMA_CALLS = [{"function": {"name": "ls", "arguments": {"path": "/"}}}]
VIEWS: dict[str, tuple[str, bytes | dict[str, Any]]] = {
    "openai stream": (
        "openai",
        s.sse(
            s.ROLE,
            s.chunk({"reasoning_content": "hm", "reasoning_text": "hm"}),
            s.TEXT,
            s.call(0),
            s.fragment(0, ARGUMENTS),
            s.CALLED,
            {**s.COUNT, "usage": COUNTS},
        ),
    ),
    "openai whole": (
        "openai",
        {
            **s.message(
                reasoning_content="hm",
                tool_calls=[s.whole_call()],
                finish="tool_calls",
            ),
            "usage": COUNTS,
        },
    ),
    "responses stream": (
        "responses",
        s.numbered(
            *s.BEGINNING,
            {
                "type": "response.reasoning_summary_text.delta",
                "item_id": "rs_1",
                "output_index": 0,
                "summary_index": 0,
                "delta": "hm",
            },
            *s.message_item(),
            *s.call_item(),
            s.COMPLETED,
        ),
    ),
    "responses whole": (
        "responses",
        s.response(output=[THOUGHT_ITEM, s.ITEM, s.CALL_ITEM]),
    ),
    "anthropic stream": (
        "anthropic",
        s.named(
            s.STARTED,
            *s.thinking_block(0),
            *s.text_block(1),
            *s.tool_block(2, ARGUMENTS),
            {**s.ending("tool_use"), "usage": CACHED},
            s.STOPPED,
        ),
    ),
    "anthropic whole": (
        "anthropic",
        {
            **s.MESSAGE,
            "content": ANTHROPIC_CONTENT,
            "stop_reason": "tool_use",
            "usage": CACHED,
        },
    ),
    "ollama stream": (
        "ollama",
        s.ndjson(
            s.line("", thinking="hm"),
            s.line("Hi"),
            s.line("", tool_calls=OLLAMA_CALLS),
            s.last(),
        ),
    ),
    "ollama whole": (
        "ollama",
        {**s.last(), **s.line("Hi", thinking="hm", tool_calls=OLLAMA_CALLS)}
        | {"done": True},
    ),
}


@pytest.mark.parametrize("name", VIEWS)
def test_every_form_reads_the_same(name: str) -> None:
    dialect, answer = VIEWS[name]
    assert oracles.differences(oracles.read(dialect, answer), EXPECTED) == []


def test_the_parts_of_a_view_can_be_asked_for_one_by_one() -> None:
    dialect, answer = VIEWS["openai stream"]
    assert oracles.text_of(dialect, answer) == "Hi"
    assert oracles.thinking_of(dialect, answer) == "hm"
    assert oracles.calls_of(dialect, answer) == (CALL,)
    assert oracles.finish_of(dialect, answer) == "tool_calls"
    assert oracles.usage_of(dialect, answer) == Usage(10, 4, 3, 1)


@pytest.mark.parametrize(
    ("dialect", "answer"),
    [
        ("openai", s.sse(s.ROLE, s.TEXT, s.ERROR)),
        ("openai", s.ERROR),
        ("anthropic", s.named(s.STARTED, *s.text_block(0)[:2], s.OVERLOADED)),
        ("anthropic", s.OVERLOADED),
        ("ollama", s.ndjson(s.line(), {"error": "broke off"})),
        ("ollama", {"error": "broke off"}),
        ("responses", s.ERROR),
    ],
)
def test_a_failure_is_read_with_its_sentence(dialect: str, answer: Any) -> None:
    view = oracles.read(dialect, answer)
    assert view.failure in ("upstream broke off", "busy", "broke off")
    assert view.finish is None


def test_a_text_completion_and_a_generate_answer_are_read() -> None:
    choice = {"index": 0, "text": "Hi", "finish_reason": "length"}
    completion = s.sse({**s.HEAD, "choices": [choice]})
    generated = {**s.STAMP, **s.METRICS, "response": "Hi", "done": True}
    generated["done_reason"] = "length"
    one = oracles.read("completion", completion)
    other = oracles.read("generate", generated)
    assert (one.text, one.finish) == (other.text, other.finish) == ("Hi", "length")
    assert other.usage == Usage(10, 4)


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        (View("Ho", "hm", (CALL,), "tool_calls", Usage(10, 4)), "text"),
        (View("Hi", "", (CALL,), "tool_calls", Usage(10, 4)), "thinking"),
        (View("Hi", "hm", (), "tool_calls", Usage(10, 4)), "calls"),
        (View("Hi", "hm", (CALL,), "stop", Usage(10, 4)), "finish"),
        (View("Hi", "hm", (CALL,), "tool_calls", Usage(11, 4)), "usage.prompt"),
        (View("Hi", "hm", (CALL,), "tool_calls", None), "usage"),
        (
            View("Hi", "hm", (Call("x", "ls", {}),), "tool_calls", Usage(10, 4)),
            "call.id",
        ),
    ],
)
def test_a_difference_is_named(changed: View, what: str) -> None:
    found = oracles.differences(changed, EXPECTED)
    assert found
    assert found[0].startswith(f"{what}:")


def test_arguments_that_do_not_parse_stay_text() -> None:
    raw = s.sse(s.ROLE, s.call(0, arguments='{"pa'), s.chunk({}, "length"))
    assert oracles.calls_of("openai", raw) == (Call("call_0", "ls", '{"pa'),)
