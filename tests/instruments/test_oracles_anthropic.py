"""The Anthropic checkers accept good answers and name what is wrong with bad ones."""

from typing import Any

import pytest

from tests import oracles
from tests.instruments import samples as s

END = [s.ending("end_turn"), s.STOPPED]
USED = [s.ending("tool_use"), s.STOPPED]
GOOD = {
    "text": s.named(s.STARTED, *s.text_block(0), *END),
    "thinking, text": s.named(s.STARTED, *s.thinking_block(0), *s.text_block(1), *END),
    "text, tool": s.named(s.STARTED, *s.text_block(0), *s.tool_block(1), *USED),
    "a tool without input": s.named(s.STARTED, *s.tool_block(0, ""), *USED),
    "two tools": s.named(
        s.STARTED, *s.tool_block(0), *s.tool_block(1, "{}", id="call_1"), *USED
    ),
    "nothing": s.named(s.STARTED, *END),
    "pings": s.named(s.PING, s.STARTED, s.PING, *s.text_block(0), *END),
    "a tool and a cut": s.named(
        s.STARTED, *s.tool_block(0), s.ending("max_tokens"), s.STOPPED
    ),
    "a stop sequence": s.named(
        s.STARTED, s.ending("stop_sequence", stop_sequence="###"), s.STOPPED
    ),
}
FILLED = {**s.STARTED, "message": {**s.MESSAGE, "content": [s.TEXT_BLOCK]}}
NO_INPUT = {**s.MESSAGE, "usage": {"input_tokens": 0, "output_tokens": 0}}
BAD = {
    "in state 'new'": s.named(*s.text_block(0), s.STARTED, *END),
    "message_start in state": s.named(s.STARTED, s.STARTED, *END),
    "message_start is not empty": s.named(FILLED, *END),
    "no input tokens at all": s.named({**s.STARTED, "message": NO_INPUT}, *END),
    "is still open": s.named(s.STARTED, *s.text_block(0)[:2], *END),
    "is not the next": s.named(s.STARTED, *s.text_block(1), *END),
    "is not the open one": s.named(
        s.STARTED, *s.text_block(0), s.delta(0, "text_delta", text="x"), *END
    ),
    "thinking_delta in a text block": s.named(
        s.STARTED,
        s.opened(0, s.TEXT_BLOCK),
        s.delta(0, "text_delta", text="x"),
        s.delta(0, "thinking_delta", thinking="x"),
        s.closed(0),
        *END,
    ),
    "must start empty": s.named(
        s.STARTED, *s.tool_block(0, input={"path": "/"}), *USED
    ),
    "empty text block": s.named(
        s.STARTED, s.opened(0, s.TEXT_BLOCK), s.closed(0), *END
    ),
    "0 signatures": s.named(
        s.STARTED, s.opened(0, s.THINKING_BLOCK), s.closed(0), *END
    ),
    "signature: Field required": s.named(
        s.STARTED,
        s.opened(0, {"type": "thinking", "thinking": ""}),
        s.closed(0),
        *END,
    ),
    "would be refused on replay": s.named(
        s.STARTED, *s.tool_block(0, id="functions.f:0"), *USED
    ),
    "no JSON object": s.named(s.STARTED, *s.tool_block(0, '{"a"'), *USED),
    "duplicate tool_use ids": s.named(
        s.STARTED, *s.tool_block(0), *s.tool_block(1), *USED
    ),
    "tool_use block but": s.named(s.STARTED, *s.tool_block(0), *END),
    "without a tool_use block": s.named(s.STARTED, *s.text_block(0), *USED),
    "stop_sequence None": s.named(s.STARTED, s.ending("stop_sequence"), s.STOPPED),
    "usage: Field required": s.named(
        s.STARTED, {"type": "message_delta", "delta": END[0]["delta"]}, s.STOPPED
    ),
    "the stream ends in state": s.named(s.STARTED, *s.text_block(0)),
    "message_stop in state": s.named(s.STARTED, s.STOPPED),
    "after the end": s.named(s.STARTED, *END, *s.text_block(0)),
    "[DONE] does not belong": s.named(s.STARTED, *END) + s.sse(),
    "with data.type 'message_stop'": s.named(s.STARTED, END[0])
    + s.sse(s.STOPPED, done=False),
    "unknown type": s.named(s.STARTED, {"type": "tick"}, *END),
    "an error, against": s.named(s.STARTED, s.OVERLOADED),
}


@pytest.mark.parametrize("name", GOOD)
def test_good_stream_is_accepted(name: str) -> None:
    assert oracles.anthropic_stream(GOOD[name]) == []


@pytest.mark.parametrize("rule", BAD)
def test_bad_stream_is_named(rule: str) -> None:
    found = oracles.anthropic_stream(BAD[rule])
    assert any(rule in one for one in found), found


def test_an_error_may_come_at_any_place_and_is_the_end() -> None:
    check = oracles.anthropic_stream
    first = s.named(s.OVERLOADED)
    inside = s.named(s.STARTED, *s.text_block(0)[:2], s.OVERLOADED)
    after = s.named(s.STARTED, s.OVERLOADED, *END)
    assert check(first, expect_error=True) == []
    assert check(inside, expect_error=True) == []
    assert check(after, expect_error=True) != []
    assert check(GOOD["text"], expect_error=True) != []


def message(*content: dict[str, Any], reason: str = "end_turn", **more: Any) -> Any:
    body = {**s.MESSAGE, "content": list(content), "stop_reason": reason}
    return {**body, "usage": {"input_tokens": 7, "output_tokens": 2}, **more}


SAID = {"type": "text", "text": "Hi"}
THOUGHT = {"type": "thinking", "thinking": "hm", "signature": "gw1.x"}


def test_good_messages_are_accepted() -> None:
    check = oracles.anthropic_message
    assert check(message(THOUGHT, SAID)) == []
    assert check(message(SAID, s.TOOL_BLOCK, reason="tool_use")) == []
    assert check(message()) == []


BAD_MESSAGES = {
    "empty text block": message({"type": "text", "text": ""}),
    "stop_reason None": message(SAID, reason=None),  # type: ignore[arg-type]
    "tool_use block but": message(s.TOOL_BLOCK),
    "without a tool_use block": message(SAID, reason="tool_use"),
    "duplicate": message(s.TOOL_BLOCK, s.TOOL_BLOCK, reason="tool_use"),
    "refused on replay": message({**s.TOOL_BLOCK, "id": "a|b"}, reason="tool_use"),
    "signature": message({"type": "thinking", "thinking": "hm"}),
    "no input tokens": message(usage={"input_tokens": 0, "output_tokens": 1}),
    "negative count": message(usage={"input_tokens": -3, "output_tokens": 1}),
}


@pytest.mark.parametrize("rule", BAD_MESSAGES)
def test_bad_message_is_named(rule: str) -> None:
    found = oracles.anthropic_message(BAD_MESSAGES[rule])
    assert any(rule in one for one in found), found


def test_a_message_needs_the_stop_sequence_key() -> None:
    body = message(SAID)
    del body["stop_sequence"]
    assert oracles.anthropic_message(body) == ["$: stop_sequence key missing"]


@pytest.mark.parametrize(
    ("status", "kind"), [(429, "rate_limit_error"), (404, "not_found_error")]
)
def test_error_types_must_fit_the_status(status: int, kind: str) -> None:
    body = {**s.OVERLOADED, "error": {"type": kind, "message": "no"}}
    assert oracles.anthropic_error(status, body) == []
    assert oracles.anthropic_error(529, body) != []
    assert oracles.anthropic_error(200, body) == ["error body with HTTP 200"]


def test_error_bodies_of_other_dialects_are_refused() -> None:
    nameless = {**s.OVERLOADED, "request_id": None}
    assert oracles.anthropic_error(529, nameless) == ["error without request_id"]
    assert oracles.anthropic_error(500, s.ERROR) != []
    assert oracles.anthropic_error(500, {"error": "text"}) != []


def test_model_lists_are_checked() -> None:
    model = {
        "type": "model",
        "id": "m",
        "display_name": "M",
        "created_at": "2026-01-01T00:00:00Z",
        "lifecycle": "active",
    }
    page = {"data": [model], "has_more": False, "first_id": "m", "last_id": "m"}
    empty = {"data": [], "has_more": False, "first_id": None, "last_id": None}
    assert oracles.anthropic_models(page) == []
    assert oracles.anthropic_models(empty) == []
    assert oracles.anthropic_models({**page, "last_id": "x"}) != []
    assert oracles.anthropic_models({"object": "list", "data": [model]}) != []
    without = {key: value for key, value in model.items() if key != "lifecycle"}
    found = oracles.anthropic_models({**page, "data": [without]})
    assert found == ["data[0]: lifecycle: Field required"]


def test_token_counts_are_checked() -> None:
    assert oracles.anthropic_count({"input_tokens": 3}) == []
    assert oracles.anthropic_count({"input_tokens": 0}) != []
    assert oracles.anthropic_count({"input_tokens": "3"}) != []
