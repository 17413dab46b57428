import pytest

from proxyapp.errors import BrokenToolCall
from proxyapp.neutral.events import MessageEnd
from proxyapp.neutral.events import MessageStart
from proxyapp.neutral.events import TextDelta
from proxyapp.neutral.events import ThinkingDelta
from proxyapp.neutral.events import ToolCallDelta
from proxyapp.neutral.events import ToolCallStart
from proxyapp.relay.arguments import HeldArguments
from proxyapp.relay.arguments import StreamedArguments

START = MessageStart("", "m")


def call(*pieces, name="look", index=0, choice=0):
    deltas = [ToolCallDelta(index, piece, choice) for piece in pieces]
    return [ToolCallStart(index, f"c{index}", name, choice), *deltas]


def end(reason="tool_calls", choice=0):
    return MessageEnd(reason, choice=choice)


def through(stage, *events):
    """Send events one batch each; give what comes out."""
    return [told for event in events for told in stage([event])]


stages = pytest.mark.parametrize("make", [HeldArguments, StreamedArguments])


@stages
def test_a_batch_without_calls_passes_untouched(make):
    batch = [TextDelta(0, b'"a"'), ThinkingDelta(1, b'"b"')]
    assert make({})(batch) is batch


@stages
def test_an_empty_batch_passes(make):
    assert list(make({})([])) == []


@stages
def test_events_around_a_call_keep_their_places(make):
    events = [START, TextDelta(0, b'"a"'), *call("{}", index=1), end()]
    assert through(make({}), *events) == events


def test_a_call_is_held_until_it_is_whole():
    stage = HeldArguments({})
    assert through(stage, *call('{"a"', ":1}")) == []
    assert stage([end()]) == [*call('{"a":1}'), end()]


@pytest.mark.parametrize(
    "closing", [TextDelta(1, b'"x"'), ThinkingDelta(1, b'"x"'), end("stop")]
)
def test_any_other_event_makes_a_call_whole(closing):
    assert through(HeldArguments({}), *call("{}"), closing) == [*call("{}"), closing]


def test_the_next_call_makes_a_call_whole():
    told = through(HeldArguments({}), *call("{", "}"), *call("{}", index=1), end())
    assert told == [*call("{}"), *call("{}", index=1), end()]


def test_calls_of_two_choices_are_held_apart():
    events = [
        *(call("{", choice=0)[0], call("[", choice=1)[0]),
        *(ToolCallDelta(0, '{"a":', 0), ToolCallDelta(0, "{}", 1)),
        *(ToolCallDelta(0, "1}", 0), end(choice=1), end(choice=0)),
    ]
    assert through(HeldArguments({}), *events) == [
        *(*call("{}", choice=1), end(choice=1)),
        *(*call('{"a":1}', choice=0), end(choice=0)),
    ]


def test_a_call_without_arguments_gets_an_empty_object():
    assert through(HeldArguments({}), *call(), end()) == [*call("{}"), end()]
    assert through(StreamedArguments({}), *call(), end()) == [*call("{}"), end()]


def test_held_arguments_are_repaired():
    told = through(HeldArguments({}), *call('{"a":1,', "}"), end())
    assert told == [*call('{"a":1}'), end()]


def test_held_arguments_that_cannot_be_read_end_the_reply():
    with pytest.raises(BrokenToolCall):
        through(HeldArguments({}), *call('{"path": /ho'), end())


def test_a_repair_must_follow_the_tools_schema():
    schema = {"type": "object", "properties": {"a": {"type": "string"}}}
    with pytest.raises(BrokenToolCall):
        through(HeldArguments({"look": schema}), *call('{"a":1,}'), end())


@stages
def test_a_call_that_the_token_limit_cut_is_not_completed(make):
    told = through(make({}), *call('{"path": "/ho'), end("length"))
    assert told[-1] == end("length")
    assert told[:-1] in ([], call('{"path": "/ho'))


def test_a_held_call_that_the_token_limit_cut_is_left_out():
    told = through(HeldArguments({}), *call("{}"), *call('{"a', index=1), end("length"))
    assert told == [*call("{}"), end("length")]


def test_a_call_that_is_whole_at_the_token_limit_is_told():
    assert through(HeldArguments({}), *call("{}"), end("length")) == [
        *(*call("{}"), end("length")),
    ]


def test_a_cut_call_with_more_behind_it_ends_the_reply():
    with pytest.raises(BrokenToolCall):
        through(HeldArguments({}), *call('{"a'), *call("{}", index=1), end("length"))


def test_streamed_arguments_are_told_as_they_come():
    stage = StreamedArguments({})
    assert through(stage, *call('{"a"', ":1")) == call('{"a"', ":1")


def test_streamed_arguments_are_completed_at_the_end():
    told = through(StreamedArguments({}), *call('{"a":', "1}"), end())
    assert told == [*call('{"a":', "1}"), end()]


def test_a_mere_ending_is_added_to_streamed_arguments():
    told = through(StreamedArguments({}), *call('{"a":"b"'), end())
    assert told == [*call('{"a":"b"', "}"), end()]


def test_a_repair_of_what_was_told_is_an_error():
    with pytest.raises(BrokenToolCall, match="'look' has arguments that are not JSON"):
        through(StreamedArguments({}), *call('{"a":1,}'), end())


def test_an_eager_tool_is_told_as_it_comes():
    stage = HeldArguments({}, frozenset({"write"}))
    first = through(stage, *call('{"a":"b', name="write"))
    assert first == call('{"a":"b', name="write")
    assert through(stage, ToolCallDelta(0, '"'), end()) == [
        *(ToolCallDelta(0, '"'), ToolCallDelta(0, "}"), end()),
    ]


def test_beside_an_eager_tool_the_others_are_held():
    stage = HeldArguments({}, frozenset({"write"}))
    assert through(stage, *call("{", name="look")) == []
