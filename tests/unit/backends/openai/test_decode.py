import json

import pytest

from proxyapp.backends.openai.decode import ReplyReader
from proxyapp.errors import ContextOverflow
from proxyapp.errors import UpstreamError
from proxyapp.errors import UpstreamIncomplete
from proxyapp.errors import UpstreamInvalid
from proxyapp.neutral.events import MessageEnd
from proxyapp.neutral.events import MessageStart
from proxyapp.neutral.events import TextDelta
from proxyapp.neutral.events import ThinkingDelta
from proxyapp.neutral.events import ToolCallDelta
from proxyapp.neutral.events import ToolCallStart
from proxyapp.neutral.usage import Timings
from proxyapp.neutral.usage import Usage
from proxyapp.relay.fold import fold
from tests.grammar import check_order
from tests.recordings import recorded

DONE = b"data: [DONE]\n\n"


def sse(*values):
    """Write values as events, compact, as servers do."""
    return b"".join(
        b"data: " + json.dumps(value, separators=(",", ":")).encode() + b"\n\n"
        for value in values
    )


def chunk(delta=None, finish=None, index=0, **more):
    choice = {"index": index, "delta": delta or {}, "finish_reason": finish}
    return {"choices": [choice], "id": "x", **more}


def text(piece, **more):
    return chunk({"content": piece}, **more)


def call(arguments, index=0, **function):
    function = {**function, "arguments": arguments}
    entry = {"index": index, "function": function}
    if "name" in function:
        entry["id"] = f"call_{index}"
    return chunk({"tool_calls": [entry]})


STOP = chunk(finish="stop")


def read(*portions, choices=2, **options):
    """Give all events of a complete reply."""
    reader = ReplyReader("m", choices=choices, **options)
    events = [event for portion in portions for event in reader.feed(portion)]
    if reader.failure is not None:
        raise reader.failure
    events += reader.end()
    assert check_order(events) == []
    return events


def folded(*values):
    return fold(read(sse(*values) + DONE)).choices[0]


# ----------------------------------------------------------------- recordings


@pytest.mark.parametrize(
    ("name", "texts"),
    [
        ("chat_stream", ['"]']),
        ("chat_nonstream", ['"]']),
        ("chat_stream_n2", ['"]', "."]),
        ("chat_n2", ['"]', "."]),
        ("chat_stream_length", ['"ru"']),
        ("chat_stream_logprobs", ['"ru"]']),
        ("chat_stream_timings_per_token", ['"]']),
        ("chat_stream_return_progress", ['"]']),
        ("chat_stream_stop_string", [""]),
        ("sse_ping_interval_1", ["]ieurs"]),
    ],
)
def test_the_text_of_a_recorded_reply_is_read(name, texts):
    choices = fold(read(recorded(name).body)).choices
    assert [choice.text for choice in choices] == texts


@pytest.mark.parametrize(
    ("name", "texts"),
    [
        ("completions", ["cores0"]),
        ("completions_stream", ["cores0"]),
        ("completions_multi_prompt", ['0mitted"1', "0orage"]),
    ],
)
def test_the_text_of_a_recorded_completion_is_read(name, texts):
    choices = fold(read(recorded(name).body, text_field="text")).choices
    assert [choice.text for choice in choices] == texts


@pytest.mark.parametrize("name", ["think_stream", "think_nonstream"])
def test_recorded_reasoning_is_read(name):
    (choice,) = fold(read(recorded(name).body)).choices
    assert choice.thinking == '\n".'
    assert choice.text.startswith(' Inter"</think>')


@pytest.mark.parametrize(
    ("name", "calls", "reason"),
    [
        ("chat_tools_required", ["get_time", "get_weather"], "tool_calls"),
        ("chat_stream_tools_required", ["get_time", "get_weather"], "tool_calls"),
        ("chat_stream_tools_auto", ["get_time", "get_weather"], "tool_calls"),
        ("chat_stream_tools_truncated", ["get_weather"], "length"),
        ("chat_tools_truncated_length", ["get_weather"], "length"),
        ("think_stream_tools", ["get_weather"] * 5, "length"),
    ],
)
def test_recorded_calls_are_read(name, calls, reason):
    (choice,) = fold(read(recorded(name).body)).choices
    assert [call.name for call in choice.calls] == calls
    assert choice.stop_reason == reason


def test_recorded_calls_are_the_same_streamed_and_whole():
    streamed = fold(read(recorded("chat_stream_tools_parallel").body)).choices[0]
    whole = fold(read(recorded("chat_tools_parallel").body)).choices[0]
    assert [(c.name, c.arguments) for c in streamed.calls] == [
        (c.name, c.arguments) for c in whole.calls
    ]


def test_a_recorded_usage_is_read():
    end = read(recorded("chat_stream_usage").body)[-1]
    assert end.usage == Usage(input=43, output=3, cache_read=42)
    assert end.timings == Timings(33.817, 1.325)


def test_a_recorded_failure_is_told_behind_what_came_before_it():
    reader = ReplyReader("m")
    events = reader.feed(recorded("err_midstream_after_200").body)
    assert type(events[0]) is MessageStart
    assert isinstance(reader.failure, UpstreamError)
    assert "Unexpected empty grammar stack" in reader.failure.message


# ------------------------------------------------------------------- the order


def test_a_reply_begins_and_ends_once():
    events = read(sse(text("a"), text("b"), STOP) + DONE)
    assert events == [
        MessageStart("", "m"),
        TextDelta(0, b'"a"'),
        TextDelta(0, b'"b"'),
        MessageEnd("stop"),
    ]


def test_each_kind_of_content_opens_a_block():
    events = read(
        sse(
            chunk({"reasoning_content": "hm"}),
            text("a"),
            call("{}", name="look"),
            text("b"),
            chunk({"reasoning_content": "hm"}),
            STOP,
        )
    )
    assert events[1:-1] == [
        ThinkingDelta(0, b'"hm"'),
        TextDelta(1, b'"a"'),
        ToolCallStart(2, "call_0", "look"),
        ToolCallDelta(2, "{}"),
        TextDelta(3, b'"b"'),
        ThinkingDelta(4, b'"hm"'),
    ]


def test_text_amid_a_call_waits_for_its_end():
    events = read(
        sse(
            call('{"a"', name="look"),
            text("b"),
            chunk({"reasoning_content": "c"}),
            call(":1}"),
            text("d"),
            STOP,
        )
    )
    assert events[1:-1] == [
        ToolCallStart(0, "call_0", "look"),
        ToolCallDelta(0, '{"a"'),
        ToolCallDelta(0, ":1}"),
        TextDelta(1, b'"b"'),
        ThinkingDelta(2, b'"c"'),
        TextDelta(3, b'"d"'),
    ]


def test_text_amid_a_call_that_never_ends_is_told_at_the_end():
    choice = folded(call('{"a"', name="look"), text("b"), chunk(finish="length"))
    assert (choice.text, choice.calls[0].arguments) == ("b", '{"a"')


def test_a_call_behind_waiting_text_comes_before_it():
    events = read(
        sse(
            call("{", name="look"),
            text("b"),
            call("{}", index=1, name="read"),
            call("}"),
            STOP,
        )
    )
    assert [type(event) for event in events[1:-1]] == [
        *(ToolCallStart, ToolCallDelta, ToolCallDelta),
        *(ToolCallStart, ToolCallDelta, TextDelta),
    ]


def test_choices_are_told_apart_and_ended_in_order():
    events = read(
        sse(
            text("b", index=1),
            text("a"),
            chunk(finish="length", index=1),
            STOP,
            {"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2}},
        )
        + DONE
    )
    assert [event.choice for event in events] == [1, 1, 0, 0, 0, 1]
    assert (events[-2].usage, events[-1].usage) == (None, Usage(3, 2))
    assert [event.stop_reason for event in events[-2:]] == ["stop", "length"]


@pytest.mark.parametrize("index", [1, 7])
def test_a_choice_that_nobody_asked_for_is_passed_over(index):
    other = [text("b", index=index), chunk(finish="length", index=index)]
    events = read(sse(text("a"), *other, text("c"), STOP) + DONE, choices=1)
    assert {event.choice for event in events} == {0}
    assert fold(events).choices[0].text == "ac"


@pytest.mark.parametrize("index", [True, -1, 1.0, "0", None, 10**30])
def test_a_choice_without_a_number_of_its_own_is_the_first(index):
    entry = {"index": index, "delta": {"content": "a"}, "finish_reason": "stop"}
    assert folded({"choices": [entry]}).text == "a"


def test_nothing_is_taken_behind_the_finish():
    late = [text("late"), chunk(finish="length"), call("{}", name="look")]
    choice = folded(text("a"), text("b"), STOP, *late)
    assert (choice.text, choice.calls, choice.stop_reason) == ("ab", [], "stop")


def test_nothing_is_taken_behind_the_terminator():
    reader = ReplyReader("m")
    reader.feed(sse(text("a"), STOP) + DONE + sse(text("b")))
    assert reader.done
    assert reader.end() == [MessageEnd("stop")]


# ---------------------------------------------------------------- odd upstreams


@pytest.mark.parametrize(
    "name", ["reasoning_content", "reasoning", "reasoning_text", "thinking"]
)
def test_reasoning_goes_by_many_names(name):
    assert folded(chunk({name: "hm"}), chunk({name: "!"}), STOP).thinking == "hm!"


def test_reasoning_under_two_names_is_read_once():
    delta = {"reasoning_content": "hm", "reasoning": "hm"}
    assert folded(chunk(delta), STOP).thinking == "hm"


def test_text_in_parts_is_joined():
    parts = [{"type": "text", "text": "a"}, "x", {"text": 1}, {"text": "b"}]
    assert folded(chunk({"content": parts}), STOP).text == "ab"


@pytest.mark.parametrize(
    "strange",
    [
        {},
        {"choices": None},
        {"choices": []},
        {"choices": [None]},
        {"choices": ["x"]},
        {"choices": "text"},
        {"choices": {"0": {}}},
        {"choices": [{"index": 0}]},
        {"choices": [{"index": 0, "delta": None}]},
        {"choices": [{"index": 0, "delta": "text"}]},
        {"choices": [{"index": 0, "delta": {"content": 5}}]},
        {"choices": [{"index": 0, "delta": {"content": None, "tool_calls": None}}]},
        {"choices": [{"index": 0, "delta": {"tool_calls": []}}]},
        {"choices": [{"index": 0, "delta": {"tool_calls": "x"}}]},
        {"choices": [{"index": 0, "delta": {}, "finish_reason": 5}]},
        {"choices": [], "usage": None, "timings": "fast"},
        {"error": None, "choices": []},
    ],
)
def test_a_chunk_that_says_nothing_changes_nothing(strange):
    choice = folded(text("a"), strange, text("b"), STOP)
    assert (choice.text, choice.stop_reason) == ("ab", "stop")


def test_a_choice_without_an_index_is_the_first():
    choice = {"delta": {"content": "a"}, "finish_reason": "stop"}
    assert folded({"choices": [choice]}).text == "a"


def test_two_entries_of_a_choice_in_one_chunk_are_both_read():
    both = [
        {"index": 0, "delta": {"content": "a"}},
        {"index": 0, "delta": {"reasoning_content": "b"}},
    ]
    choice = folded({"choices": both}, {"choices": both}, STOP)
    assert (choice.text, choice.thinking) == ("aa", "bb")


@pytest.mark.parametrize(
    "junk", [b"data: {broken\n\n", b"data: null\n\n", b"data: 42\n\n", b"data: []\n\n"]
)
def test_an_event_that_is_no_object_is_skipped_and_counted(junk):
    reader = ReplyReader("m")
    events = reader.feed(sse(text("a")) + junk + sse(text("b"), STOP))
    assert [type(event) for event in events] == [MessageStart, TextDelta, TextDelta]
    assert reader.skipped == 1


def test_bytes_that_are_not_utf8_cost_one_character():
    events = read(sse(text("a")) + sse(text("bXd"), STOP).replace(b"X", b"\xff"))
    assert fold(events).choices[0].text == "ab\ufffdd"


TOKEN = {"token": "a", "logprob": -0.5, "bytes": [97], "top_logprobs": []}


def test_logprobs_stay_with_their_text():
    entry = {
        "index": 0,
        "delta": {"content": "a"},
        "logprobs": {"content": [TOKEN]},
    }
    events = read(sse({"choices": [entry]}, {"choices": [entry]}, STOP))
    assert [e.logprobs for e in events[1:3]] == [{"content": [TOKEN]}] * 2


@pytest.mark.parametrize(
    ("finish", "reason"),
    [
        ("stop", "stop"),
        ("length", "length"),
        ("content_filter", "content_filter"),
        ("tool_calls", "stop"),
        ("function_call", "stop"),
        ("eos", "stop"),
    ],
)
def test_the_reason_to_stop_is_one_that_clients_know(finish, reason):
    assert folded(text("a"), chunk(finish=finish)).stop_reason == reason


@pytest.mark.parametrize(
    ("finish", "reason"),
    [("stop", "tool_calls"), ("tool_calls", "tool_calls"), ("length", "length")],
)
def test_the_reason_to_stop_agrees_with_the_calls(finish, reason):
    calls = call("{}", name="look")
    assert folded(calls, chunk(finish=finish)).stop_reason == reason


def test_a_finish_called_error_is_a_failure():
    with pytest.raises(UpstreamError, match="ended its reply with an error"):
        read(sse(text("a"), chunk(finish="error")))


# ------------------------------------------------------------ ends and failures


def test_a_body_that_ends_behind_the_finish_is_complete():
    assert fold(read(sse(text("a"), STOP))).choices[0].text == "a"


def test_the_terminator_completes_a_reply_without_a_finish():
    assert folded(text("a")).stop_reason == "stop"


def test_a_call_without_a_finish_is_told_before_the_end():
    choice = folded(call("{}", name="look"))
    assert (choice.calls[0].name, choice.stop_reason) == ("look", "tool_calls")


@pytest.mark.parametrize("last", [b"", b"data: [DO", b'data: {"choices"'])
def test_a_body_that_ends_before_the_finish_is_incomplete(last):
    with pytest.raises(UpstreamIncomplete):
        read(sse(text("a")) + last)


def test_one_unfinished_choice_makes_a_reply_incomplete():
    with pytest.raises(UpstreamIncomplete):
        read(sse(text("a"), text("b", index=1), STOP))


@pytest.mark.parametrize("body", [b"", b" \n", DONE, b": ping\n\n", b'{"a":1', b"{}"])
def test_a_reply_without_a_choice_is_invalid(body):
    with pytest.raises(UpstreamInvalid, match="empty reply"):
        read(body)


@pytest.mark.parametrize("body", [b"<html>", b"\n\n <!doctype html>"])
def test_a_web_page_is_invalid(body):
    with pytest.raises(UpstreamInvalid, match="web page"):
        read(body)


def test_an_endless_line_is_invalid():
    with pytest.raises(UpstreamInvalid, match="Broken event stream"):
        read(b"data: ", b"A" * (9 << 20))


def test_an_error_that_comes_first_is_raised():
    with pytest.raises(UpstreamError, match="context shift failed"):
        read(sse({"error": {"message": "context shift failed"}}))


def test_an_error_behind_content_waits_until_that_is_told():
    reader = ReplyReader("m")
    error = {"error": {"message": "x", "n_prompt_tokens": 9, "n_ctx": 8}}
    events = reader.feed(sse(text("a"), error, text("b")))
    assert [type(event) for event in events] == [MessageStart, TextDelta]
    assert isinstance(reader.failure, ContextOverflow)


# -------------------------------------------------------------- whole documents


@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_a_document_may_arrive_in_any_portions(size):
    body = b"\xef\xbb\xbf\n" + recorded("chat_tools_required").body
    portions = [body[at : at + size] for at in range(0, len(body), size)]
    (choice,) = fold(read(*portions)).choices
    assert [made.name for made in choice.calls] == ["get_time", "get_weather"]


def test_a_document_in_place_of_a_stream_may_be_an_error():
    with pytest.raises(UpstreamError, match="no slot"):
        read(b'{"error":{"message":"no slot","code":500}}')


def test_a_document_without_a_finish_is_complete_by_itself():
    events = read(b'{"choices":[{"message":{"content":"a"}}]}')
    assert fold(events).choices[0].text == "a"


# --------------------------------------------------------------------- figures


def test_the_last_usage_and_timings_count():
    first = text("a", usage={"prompt_tokens": 1}, timings={"prompt_ms": 1})
    last = chunk(finish="stop", usage={"prompt_tokens": 2}, timings={"prompt_ms": 2.5})
    end = read(sse(first, last))[-1]
    assert (end.usage, end.timings) == (Usage(2), Timings(2.5, 0.0))


# ------------------------------------------------------------------- fast lane


def test_text_in_chunks_alike_is_passed_on_unread():
    reader = ReplyReader("m")
    reader.feed(sse(text("a")))
    portion = rb'data: {"choices":[{"index":0,"delta":{"content":'
    portion += rb'"\u0062"},"finish_reason":null}],"id":"x"}' + b"\n\n"
    assert reader.feed(portion) == [TextDelta(0, rb'"\u0062"')]


def test_reasoning_in_chunks_alike_is_passed_on_unread():
    events = read(sse(*[chunk({"reasoning_content": c}) for c in "abc"], STOP))
    assert events[1:3] == [ThinkingDelta(0, b'"a"'), ThinkingDelta(0, b'"bc"')]


def test_texts_between_other_events_are_one():
    events = read(sse(chunk({"role": "assistant"}), *map(text, "abcd"), STOP) + DONE)
    assert events[1:3] == [TextDelta(0, b'"a"'), TextDelta(0, b'"bcd"')]


def test_an_empty_text_opens_no_block():
    thinking = chunk({"reasoning_content": "hm"})
    events = read(sse(text("a"), thinking, text(""), thinking, text("b"), STOP))
    assert [event.index for event in events[1:-1]] == [0, 1, 1, 2]


@pytest.mark.parametrize("field", ["content", "text"])
def test_a_document_without_a_message_is_invalid(field):
    reader = ReplyReader("m", text_field=field)
    reader.feed(b'{"choices":[{"index":0,"message":null,"text":null}]}')
    with pytest.raises(UpstreamInvalid, match="empty reply"):
        reader.end()


def test_a_document_without_an_end_is_given_up():
    reader = ReplyReader("m")
    reader.feed(b'{"choices":[{"message":{"content":"')
    reader.feed(b"x" * (60 << 20))
    with pytest.raises(UpstreamInvalid, match="too large"):
        reader.feed(b"x" * (4 << 20))


def test_the_end_tells_how_many_events_were_dropped():
    reader = ReplyReader("m")
    reader.feed(sse(chunk({"content": "a"}), 7, chunk(finish="stop")))
    reader.feed(b"data: [DONE]\n\n")
    assert reader.end()[-1].dropped == 1
