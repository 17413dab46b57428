import pytest

from proxyapp.backends.copilot.events import EventReader
from proxyapp.backends.copilot.events import usage_of
from proxyapp.errors import UpstreamInvalid
from proxyapp.neutral.events import MessageEnd
from proxyapp.neutral.record import Record
from proxyapp.neutral.usage import Usage
from proxyapp.relay.fold import fold
from tests.grammar import check_order

RESULT = {"stopReason": "stop", "usage": {"input": 3, "output": 2}}


def event(kind, **fields):
    params = {"t": kind, **fields}
    return {"jsonrpc": "2.0", "method": "chat.event", "params": params}


def answer(**result):
    return {"jsonrpc": "2.0", "id": 1, "result": {**RESULT, **result}}


def failure(kind):
    error = {"code": -32000, "message": "no", "data": {"kind": kind}}
    return {"jsonrpc": "2.0", "id": 1, "error": error}


def read(*messages, record=None, premium=0.0):
    """Read messages one by one; give the reader and its events."""
    reader = EventReader("m", record or Record(), premium)
    events = [event for message in messages for event in reader.feed([message])]
    return reader, events


def whole(*messages):
    reader, events = read(*messages)
    assert reader.done
    assert check_order(events) == []
    return fold(events).choices[0]


def test_a_reply_is_read():
    told = whole(
        event("start", initiator="user"),
        event("text", i=0, d="Hel"),
        event("text", i=0, d='lo "you"\u2028'),
        answer(),
    )
    assert (told.text, told.stop_reason) == ('Hello "you"\u2028', "stop")


@pytest.mark.conformance("C-207")
def test_the_arguments_at_the_end_of_a_call_are_those_that_count():
    told = whole(
        event("tool_start", i=0, callId="c1", name="ls"),
        event("tool_delta", i=0, d='{"path": "/tm'),
        event("tool_end", i=0, arguments='{"path":"/tmp"}'),
        answer(stopReason="toolUse"),
    )
    assert [(c.id, c.name, c.arguments) for c in told.calls] == [
        ("c1", "ls", '{"path":"/tmp"}')
    ]
    assert told.stop_reason == "tool_calls"


def test_calls_that_are_written_side_by_side_are_told_one_by_one():
    told = whole(
        event("text", i=0, d="a"),
        event("tool_start", i=1, callId="c1", name="ls"),
        event("tool_start", i=2, callId="c2", name="cat"),
        event("tool_delta", i=1, d="{}"),
        event("text", i=0, d="b"),
        event("tool_delta", i=2, d='{"a":1}'),
        event("tool_end", i=1, arguments="{}"),
        event("tool_end", i=2, arguments='{"a":1}'),
        answer(stopReason="toolUse"),
    )
    assert told.text == "ab"
    assert [call.name for call in told.calls] == ["ls", "cat"]


def test_a_call_that_the_limit_cut_keeps_what_there_is_of_it():
    told = whole(
        event("tool_start", i=0, callId="c1", name="ls"),
        event("tool_delta", i=0, d='{"path": "/tm'),
        answer(stopReason="length"),
    )
    assert told.calls[0].arguments == '{"path": "/tm'
    assert told.stop_reason == "length"


def test_a_thought_is_signed_at_its_end():
    told = whole(
        event("thinking", i=0, d="hm"),
        event("thinking_end", i=0, signature="Eq"),
        event("thinking_end", i=1, signature="AAAA", redacted=True),
        event("text", i=2, d="a"),
        answer(),
    )
    first, second, _ = told.blocks
    assert (first.text, first.signature, first.redacted) == ("hm", "Eq", False)
    assert (second.text, second.signature, second.redacted) == ("", "AAAA", True)


def test_a_thought_without_words_keeps_its_signature():
    item = event("thinking_end", i=0, signature="{}")
    told = whole(item, event("text", i=1, d="a"), answer())
    assert told.blocks[0].signature == "{}"


def test_a_signature_behind_the_text_comes_too_late():
    told = whole(
        event("thinking", i=0, d="hm"),
        event("text", i=1, d="a"),
        event("thinking_end", i=0, signature="reasoning_text"),
        event("text", i=1, d="b"),
        answer(),
    )
    assert [type(block).__name__ for block in told.blocks] == [
        "ThinkingPart",
        "TextPart",
    ]


def test_what_is_unknown_is_passed_over():
    told = whole(event("heartbeat"), event("new"), {"method": "x"}, answer())
    assert told.blocks == []


def test_a_piece_of_no_call_is_an_error():
    with pytest.raises(UpstreamInvalid):
        read(event("tool_delta", i=0, d="{}"))


@pytest.mark.parametrize("kind", ["text", "thinking", "tool_delta"])
def test_a_piece_that_is_no_text_is_an_error(kind):
    with pytest.raises(UpstreamInvalid):
        read(
            event("tool_start", i=0, callId="c1", name="ls"),
            event(kind, i=0, d=2),
        )


def test_a_call_that_begins_inside_another_is_an_error():
    start = event("tool_start", i=0, callId="c1", name="ls")
    with pytest.raises(UpstreamInvalid):
        read(start, start)


def test_calls_of_one_number_are_told_one_by_one():
    told = whole(
        event("tool_start", i=0, callId="c1", name="ls"),
        event("tool_end", i=0, arguments="{}"),
        event("tool_start", i=0, callId="c2", name="cat"),
        event("tool_end", i=0, arguments="{}"),
        answer(stopReason="toolUse"),
    )
    assert [call.name for call in told.calls] == ["ls", "cat"]


@pytest.mark.parametrize("kind", ["refusal", "content_filter"])
def test_an_answer_that_was_withheld_is_an_ending(kind):
    reader, events = read(event("text", i=0, d="I"), failure(kind))
    assert reader.failure is None
    assert events[-1] == MessageEnd("content_filter")


def test_a_failure_does_not_take_back_what_was_said():
    reader = EventReader("m", Record())
    events = reader.feed([event("text", i=0, d="a"), failure("network")])
    assert len(events) == 2
    assert reader.failure.data["kind"] == "network"
    assert not reader.done


def test_a_stop_string_is_named():
    _, events = read(answer(rawStopReason="stop_sequence", stopSequence="END"))
    assert events[-1].stop_sequence == "END"


@pytest.mark.conformance("C-209")
def test_the_whole_prompt_counts_as_input():
    counts = {"input": 5, "output": 7, "cacheRead": 100, "cacheWrite": 20}
    usage = usage_of({**counts, "reasoning": 3})
    assert usage == Usage(125, 7, 100, 20, 3)
    assert usage.fresh_input == 5


def test_counts_of_nothing_are_no_counts():
    assert usage_of({"input": 0, "output": 0}) is None


@pytest.mark.parametrize(("initiator", "cost"), [("user", 0.33), ("agent", 0.0)])
def test_what_it_costs_is_put_on_record_when_it_is_taken(initiator, cost):
    record = Record()
    quota = {"x-quota-snapshot-premium_interactions": "ent=300&rem=99.0"}
    read(event("start", initiator=initiator, quota=quota), record=record, premium=0.33)
    assert (record.initiator, record.premium) == (initiator, cost)
    assert record.quota == quota


def test_a_request_that_was_not_taken_costs_nothing():
    record = Record()
    read(failure("rate_limit"), record=record, premium=1.0)
    assert record.premium == 0.0


def test_nothing_is_told_after_the_end():
    _, events = read(answer(), event("text", i=0, d="a"), answer())
    assert [type(event).__name__ for event in events] == ["MessageStart", "MessageEnd"]


@pytest.mark.reliability("R-025")
@pytest.mark.parametrize(
    "message",
    [
        {"method": "chat.event", "params": [1]},
        {"method": "chat.event", "params": {"t": {}}},
        event("tool_start", i={}, callId="c", name="ls"),
        event("tool_start", i=0, callId="c", name=""),
        event("tool_start", i=0),
        {"id": 1, "result": [1]},
        {"id": 1, "result": {"usage": {"input": "many"}}},
    ],
)
def test_what_makes_no_sense_is_an_error_in_words(message):
    with pytest.raises(UpstreamInvalid):
        read(message)


@pytest.mark.parametrize("given", [("c", "c"), ("", ""), (None, None)])
def test_every_call_has_an_id_of_its_own(given):
    told = whole(
        event("tool_start", i=0, callId=given[0], name="ls"),
        event("tool_end", i=0, arguments="{}"),
        event("tool_start", i=1, callId=given[1], name="ls"),
        event("tool_end", i=1, arguments="{}"),
        answer(stopReason="toolUse"),
    )
    assert len({call.id for call in told.calls} - {""}) == 2
