"""The Responses checkers accept good answers and name what is wrong with bad ones."""

from typing import Any

import pytest

from tests import oracles
from tests.instruments import samples as s

ONE = s.message_item()
TWO = s.call_item()
REASONING = {
    "id": "rs_1",
    "type": "reasoning",
    "summary": [{"type": "summary_text", "text": "hm"}],
}
FAILURE = {"code": "server_error", "message": "upstream broke off"}
FAILED = {
    "type": "response.failed",
    "response": s.response("failed", error=FAILURE, usage=None),
}
CUT = {
    "type": "response.incomplete",
    "response": s.response(
        "incomplete",
        output=[s.ITEM],
        incomplete_details={"reason": "max_output_tokens"},
    ),
}


def ended(*items: dict[str, Any]) -> dict[str, Any]:
    """Give response.completed with this output."""
    return {"type": "response.completed", "response": s.response(output=list(items))}


def thought() -> list[dict[str, Any]]:
    """Give the events of a reasoning item."""
    part = {"output_index": 0, "item_id": "rs_1", "summary_index": 0}
    kind = "response.reasoning_summary"
    fresh = {**REASONING, "summary": []}
    empty = {"type": "summary_text", "text": ""}
    return [
        {"type": "response.output_item.added", "output_index": 0, "item": fresh},
        {"type": f"{kind}_part.added", **part, "part": empty},
        {"type": f"{kind}_text.delta", **part, "delta": "hm"},
        {"type": f"{kind}_text.done", **part, "text": "hm"},
        {"type": f"{kind}_part.done", **part, "part": REASONING["summary"][0]},
        {"type": "response.output_item.done", "output_index": 0, "item": REASONING},
    ]


GOOD = {
    "text and call": s.numbered(*s.BEGINNING, *ONE, *TWO, s.COMPLETED),
    "reasoning": s.numbered(*s.BEGINNING, *thought(), ended(REASONING)),
    "nothing": s.numbered(*s.BEGINNING, ended()),
    "cut": s.numbered(*s.BEGINNING, *ONE, CUT),
    "heartbeat": b": ping\n\n" + s.numbered(*s.BEGINNING, ended()),
}
BROKEN_CALL = {**s.CALL_ITEM, "arguments": '{"path"'}
BAD = {
    "where 2 is next": s.named(
        *({**one, "sequence_number": 0} for one in [*s.BEGINNING, ended()])
    ),
    "response.created expected": s.numbered(s.BEGINNING[1], ended()),
    "response.in_progress expected": s.numbered(s.BEGINNING[0], *ONE, ended(s.ITEM)),
    "its event name is None": s.sse(
        *({**e, "sequence_number": n} for n, e in enumerate([*s.BEGINNING, ended()])),
        done=False,
    ),
    "not an empty response": s.numbered(
        {**s.BEGINNING[0], "response": s.response("completed")},
        s.BEGINNING[1],
        ended(),
    ),
    "[DONE] does not belong": s.numbered(*s.BEGINNING, ended()) + s.sse(),
    "no response.completed": s.numbered(*s.BEGINNING, *ONE),
    "after the end": s.numbered(*s.BEGINNING, ended(), *ONE),
    "is still open": s.numbered(*s.BEGINNING, *ONE[:5], ended()),
    "output_index 1": s.numbered(*s.BEGINNING, *TWO, ended(s.CALL_ITEM)),
    "is not open": s.numbered(*s.BEGINNING, *ONE[1:], ended()),
    "is not the open one": s.numbered(
        *s.BEGINNING, ONE[0], {**ONE[1], "item_id": "x"}, *ONE[1:], ended(s.ITEM)
    ),
    "delta for a part that": s.numbered(
        *s.BEGINNING, ONE[0], *ONE[2:4], ONE[5], ended(s.ITEM)
    ),
    "the part was not opened": s.numbered(
        *s.BEGINNING, ONE[0], *ONE[2:], ended(s.ITEM)
    ),
    "a part of it is still open": s.numbered(
        *s.BEGINNING, *ONE[:4], ONE[5], ended(s.ITEM)
    ),
    "deltas without their done": s.numbered(
        *s.BEGINNING, *ONE[:3], *ONE[4:], ended(s.ITEM)
    ),
    "differs from the sum": s.numbered(
        *s.BEGINNING, *ONE[:3], {**ONE[3], "text": "Ho"}, *ONE[4:], ended(s.ITEM)
    ),
    "output differs": s.numbered(*s.BEGINNING, *ONE, ended()),
    "no JSON object": s.numbered(
        *s.BEGINNING,
        *ONE,
        *TWO[:4],
        {**TWO[4], "item": BROKEN_CALL},
        ended(s.ITEM, BROKEN_CALL),
    ),
    "logprobs: Field required": s.numbered(
        *s.BEGINNING,
        *ONE[:2],
        {key: value for key, value in ONE[2].items() if key != "logprobs"},
        *ONE[3:],
        ended(s.ITEM),
    ),
    "clients ignore it": s.numbered(
        *s.BEGINNING, {"type": "error", "code": None, "message": "no", "param": None}
    ),
    "usage missing": s.numbered(
        *s.BEGINNING,
        {"type": "response.completed", "response": s.response(usage=None)},
    ),
    "status 'completed'": s.numbered(
        *s.BEGINNING, {"type": "response.incomplete", "response": s.response()}
    ),
    "against expectation": s.numbered(*s.BEGINNING, FAILED),
}


@pytest.mark.parametrize("name", GOOD)
def test_good_stream_is_accepted(name: str) -> None:
    assert oracles.openai_responses_stream(GOOD[name]) == []
    assert oracles.stream_matches("response_event", GOOD[name]) == []


@pytest.mark.parametrize("rule", BAD)
def test_bad_stream_is_named(rule: str) -> None:
    found = oracles.openai_responses_stream(BAD[rule])
    assert any(rule in one for one in found), found


def test_a_failure_is_a_terminal_event_even_with_an_item_open() -> None:
    check = oracles.openai_responses_stream
    raw = s.numbered(*s.BEGINNING, *ONE[:3], FAILED)
    assert check(raw, expect_error=True) == []
    assert check(GOOD["nothing"], expect_error=True) != []


def test_whole_responses_are_checked() -> None:
    check = oracles.openai_response
    assert check(s.response(output=[s.ITEM, s.CALL_ITEM])) == []
    assert check(s.response(output=[s.ITEM, s.ITEM])) == ["duplicate item ids"]
    assert check(s.response(output=[BROKEN_CALL])) != []
    assert check(s.response("in_progress")) != []
    assert check(s.response("failed", usage=None)) != []
    assert check(s.response("incomplete")) != []
    assert check(s.response(usage={**s.RESPONSE_USAGE, "total_tokens": 1})) != []
    assert check({"id": "resp_1", "object": "response"}) != []


def test_usage_needs_the_count_of_cache_writes() -> None:
    details = {"cached_tokens": 3}
    usage = {**s.RESPONSE_USAGE, "input_tokens_details": details}
    [found] = oracles.openai_response(s.response(usage=usage))
    assert "cache_write_tokens" in found
