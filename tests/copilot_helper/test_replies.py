"""Replies through all three APIs and both versions of the library."""

import json

import pytest

from tests.copilot_helper.process import of
from tests.copilot_helper.process import text_of
from tests.fakes.copilot.scenarios import DECLINED
from tests.fakes.copilot.scenarios import WORDS
from tests.fakes.copilot.steps import Event
from tests.fakes.copilot.steps import Finish
from tests.fakes.copilot.steps import NoFinish
from tests.fakes.copilot.steps import Text
from tests.fakes.copilot.steps import ToolCall

COMPLETIONS = "gemini-3.5-flash"
RESPONSES = "gpt-5.3-codex"
MESSAGES = "claude-haiku-4.5"
each_model = pytest.mark.parametrize("model", [COMPLETIONS, RESPONSES, MESSAGES])
THINK = {"reasoning": "medium"}


def kinds(events):
    """Give the kinds of events, repeats counted once."""
    told = [event["t"] for event in events]
    return [kind for n, kind in enumerate(told) if n == 0 or told[n - 1] != kind]


@each_model
def test_a_text_arrives_piece_by_piece(either, auth, model):
    result, events = either.chat(said="play text", model=model, auth=auth)
    assert text_of(events) == WORDS
    assert kinds(events) == ["start", "text"]
    assert len(list(of("text", events))) > 3
    assert result["stopReason"] == "stop"
    usage = result["usage"]
    counts = [usage[name] for name in ("input", "cacheRead", "output", "totalTokens")]
    assert counts == [16, 5, 9, 30]


@each_model
def test_the_start_tells_what_the_head_said(either, auth, model):
    _, events = either.chat(model=model, auth=auth)
    start = events[0]
    assert start["t"] == "start"
    assert (start["model"], start["initiator"], start["status"]) == (model, "user", 200)
    assert "x-quota-snapshot-premium_interactions" in start["quota"]
    assert start["requestId"]


@each_model
def test_a_thought_is_told_with_its_signature_before_the_text(either, auth, model):
    _, events = either.chat(said="play thinking", model=model, auth=auth, options=THINK)
    assert kinds(events) == ["start", "thinking", "thinking_end", "text"]
    thought = "".join(event["d"] for event in of("thinking", events))
    assert thought == "First the weather, then the answer."
    (end,) = of("thinking_end", events)
    assert end["signature"]
    assert [event["i"] for event in events if "i" in event] == sorted(
        event["i"] for event in events if "i" in event
    )


def test_a_redacted_thought_is_its_proof_alone(either, auth):
    _, events = either.chat(
        said="play redacted", model=MESSAGES, auth=auth, options=THINK
    )
    (end,) = of("thinking_end", events)
    assert (end["signature"], end["redacted"]) == ("cmVkYWN0ZWQtdGhpbmtpbmc=", True)
    assert list(of("thinking", events)) == []


@each_model
def test_calls_are_told_one_after_the_other(either, auth, model):
    result, events = either.chat(said="play tools", model=model, auth=auth)
    told = [event["t"] for event in events if event["t"].startswith("tool")]
    one = ["tool_start", "tool_delta", "tool_end"]
    assert [kind for kind in kinds(events) if kind.startswith("tool")] == one * 2
    assert told[0] == "tool_start"
    starts = list(of("tool_start", events))
    assert [s["callId"] for s in starts] == ["call_sun01", "call_rain1"]
    assert [s["name"] for s in starts] == ["get_weather"] * 2
    ends = [json.loads(end["arguments"]) for end in of("tool_end", events)]
    assert ends == [{"city": "Paris"}, {"city": "Oslo", "days": 2}]
    assert result["stopReason"] == "toolUse"


@each_model
def test_the_pieces_of_a_call_make_up_its_arguments(either, auth, model):
    _, events = either.chat(said="play tool", model=model, auth=auth)
    pieces = "".join(event["d"] for event in of("tool_delta", events))
    (end,) = of("tool_end", events)
    assert pieces == end["arguments"]


@each_model
def test_a_reply_at_its_limit_says_so(either, auth, model):
    result, events = either.chat(said="play length", model=model, auth=auth)
    assert (result["stopReason"], text_of(events)) == ("length", "Once upon a")
    assert result["usage"]["output"] == 4


@each_model
def test_a_call_that_was_cut_has_no_end(either, auth, model):
    result, events = either.chat(said="play cut_tool", model=model, auth=auth)
    assert result["stopReason"] == "length"
    assert list(of("tool_end", events)) == []
    assert [event["d"] for event in of("tool_delta", events)] == ['{"city": "Par']


@each_model
def test_a_call_cut_before_its_arguments_is_given_none(either, github, auth, model):
    github.script(ToolCall("call_1", "look", ""), Finish("length"))
    _, events = either.chat(model=model, auth=auth)
    assert list(of("tool_end", events)) == []


@each_model
def test_a_call_without_arguments_has_an_empty_object(either, github, auth, model):
    github.script(ToolCall("call_1", "look", ""))
    _, events = either.chat(model=model, auth=auth)
    assert [end["arguments"] for end in of("tool_end", events)] == ["{}"]


@each_model
@pytest.mark.parametrize("wish", ["no_finish", "cut", "cut_mid"])
def test_a_stream_that_breaks_off_is_no_answer(either, auth, model, wish):
    error = either.failure(said=f"play {wish}", model=model, auth=auth)
    assert (error.kind, error.data["partial"]) == ("incomplete", True)
    assert text_of(error.events)


@each_model
def test_a_reply_that_never_began_is_not_partial(either, github, auth, model):
    github.script(NoFinish())
    error = either.failure(model=model, auth=auth)
    assert (error.kind, error.data["partial"]) == ("incomplete", False)


def test_a_stop_sequence_is_named(either, auth):
    result, _ = either.chat(said="play stop_sequence", model=MESSAGES, auth=auth)
    assert result["rawStopReason"] == "stop_sequence"
    assert result["stopSequence"] == "three"


@pytest.mark.parametrize("model", [COMPLETIONS, MESSAGES])
def test_a_refusal_is_told_as_one(either, auth, model):
    error = either.failure(said="play refusal", model=model, auth=auth)
    assert error.kind == "refusal"
    assert DECLINED in (str(error), text_of(error.events))


@pytest.mark.parametrize("model", [COMPLETIONS, RESPONSES])
def test_an_answer_that_was_filtered_is_told_as_one(either, auth, model):
    error = either.failure(said="play content_filter", model=model, auth=auth)
    assert (error.kind, error.data["partial"]) == ("content_filter", True)


def test_a_full_context_ends_a_reply_like_a_limit(either, github, auth):
    github.script(Text("So"), Finish("model_context_window_exceeded"))
    result, events = either.chat(model=MESSAGES, auth=auth)
    assert (result["stopReason"], text_of(events)) == ("length", "So")


@each_model
@pytest.mark.parametrize("wish", ["fail", "failed", "overloaded"])
def test_a_failure_within_a_stream_is_the_servers(either, auth, model, wish):
    error = either.failure(said=f"play {wish}", model=model, auth=auth)
    assert (error.kind, error.data["partial"]) == ("upstream", True)


def chunk(**delta):
    choice = {"index": 0, "delta": delta, "finish_reason": None}
    return Event({"id": "c1", "choices": [choice]})


def piece(index, text, **head):
    name = {"name": head.pop("name")} if head else {}
    return {"index": index, **head, "function": {**name, "arguments": text}}


def test_calls_that_come_in_turns_are_told_in_order(either, github, auth):
    github.script(
        Text("Both."),
        chunk(tool_calls=[piece(0, "", id="a", name="one")]),
        chunk(tool_calls=[piece(1, "", id="b", name="two")]),
        chunk(tool_calls=[piece(0, '{"x"')]),
        chunk(tool_calls=[piece(1, '{"y":2')]),
        chunk(tool_calls=[piece(0, ":1}")]),
        chunk(content="And more."),
        chunk(tool_calls=[piece(1, "}")]),
        Finish("tool_calls"),
    )
    _, events = either.chat(model=COMPLETIONS, auth=auth)
    told = [(e["i"], e["t"]) for e in events if "i" in e]
    assert [i for i, _ in told] == sorted(i for i, _ in told)
    ends = [json.loads(e["arguments"]) for e in of("tool_end", events)]
    assert ends == [{"x": 1}, {"y": 2}]
    assert text_of(events) == "Both.And more."


def test_a_stop_after_calls_is_a_wish_for_their_results(either, github, auth):
    github.script(ToolCall("call_1", "look", "{}"), Finish("stop"))
    result, _ = either.chat(model=COMPLETIONS, auth=auth)
    assert result["stopReason"] == "toolUse"


@each_model
def test_broken_escapes_in_arguments_are_repaired(either, github, auth, model):
    github.script(ToolCall("call_1", "write", '{"path": "C:\\dir\\new\tfile"}'))
    _, events = either.chat(model=model, auth=auth)
    (end,) = of("tool_end", events)
    path = json.loads(end["arguments"])["path"]
    assert path == "C:\\dir\new\tfile"
