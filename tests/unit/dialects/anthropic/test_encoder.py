import json

import pytest

from proxyapp.dialects.anthropic.encoder import MessageEncoder
from proxyapp.dialects.anthropic.encoder import stop_of
from proxyapp.dialects.anthropic.signature import sign
from proxyapp.errors import UpstreamTimeout
from proxyapp.neutral.events import MessageEnd
from proxyapp.neutral.events import MessageStart
from proxyapp.neutral.events import TextDelta
from proxyapp.neutral.events import ThinkingDelta
from proxyapp.neutral.events import ToolCallDelta
from proxyapp.neutral.events import ToolCallStart
from proxyapp.neutral.usage import Usage
from proxyapp.relay.fold import fold
from tests.oracles import anthropic_message
from tests.oracles import anthropic_stream
from tests.oracles.readers import events_of

START = MessageStart("", "m")
END = MessageEnd("stop", Usage(10, 2))
CALLED = MessageEnd("tool_calls", Usage(10, 2))
CALL = (ToolCallStart(3, "call_1", "ls"), ToolCallDelta(3, '{"path":"/"}'))


def encoder():
    return MessageEncoder("claude-x", 12, "req_1")


def text(index, words, **fields):
    return TextDelta(index, json.dumps(words).encode(), **fields)


def thinking(index, words, **fields):
    return ThinkingDelta(index, json.dumps(words).encode(), **fields)


def stream(*events):
    """Write a reply event by event, as if each had arrived alone."""
    writer = encoder()
    raw = b"".join(writer.events([event]) for event in events) + writer.end()
    assert anthropic_stream(raw) == []
    return list(events_of(raw))


def whole(*events):
    message = encoder().whole(fold(events))
    assert anthropic_message(message) == []
    return message


def starts(told):
    return [
        (event["index"], event["content_block"]["type"])
        for event in told
        if event["type"] == "content_block_start"
    ]


def test_a_stream_opens_with_the_asked_name_and_the_estimate():
    message = stream(START, text(0, "a"), END)[0]["message"]
    assert message["model"] == "claude-x"
    assert message["id"].startswith("msg_")
    assert message["usage"]["input_tokens"] == 12


def test_text_is_spliced_in_as_it_came():
    raw = encoder().events([TextDelta(0, b'"\\u00e9\\n"'), TextDelta(0, b'"\xc3\xa9"')])
    assert raw.count(b'"text":"\\u00e9\\n"}}\n\n') == 1
    assert raw.count(b'"text":"\xc3\xa9"}}\n\n') == 1


def test_blocks_are_numbered_anew():
    told = stream(START, thinking(2, "hm"), text(5, "a"), *CALL, CALLED)
    assert starts(told) == [(0, "thinking"), (1, "text"), (2, "tool_use")]


def test_thinking_that_resumes_opens_a_new_block():
    told = stream(START, thinking(0, "a"), text(1, "b"), thinking(2, "c"), END)
    assert starts(told) == [(0, "thinking"), (1, "text"), (2, "thinking")]


def test_text_after_text_of_another_block_opens_a_new_one():
    assert starts(stream(START, text(0, "a"), text(1, "b"), END)) == [
        (0, "text"),
        (1, "text"),
    ]


def test_text_that_is_empty_opens_no_block():
    assert starts(stream(START, text(0, ""), END)) == []


def test_thinking_is_signed_with_its_text():
    told = stream(START, thinking(0, "h"), thinking(0, "m"), END)
    (delta,) = [e["delta"] for e in told if "signature" in e.get("delta", {})]
    assert delta["signature"] == sign("hm")


def test_a_signature_that_came_from_upstream_is_kept():
    told = stream(START, thinking(0, "hm"), thinking(0, "", signature="Eq"), END)
    (delta,) = [e["delta"] for e in told if "signature" in e.get("delta", {})]
    assert delta["signature"] == "Eq"


def test_half_a_character_at_a_deltas_end_is_signed_with_the_other_half():
    halves = [ThinkingDelta(0, b'"\\ud83d"'), ThinkingDelta(0, b'"\\ude00"')]
    raw = encoder().events([START, *halves, END])
    assert sign("\N{GRINNING FACE}").encode() in raw


def test_arguments_are_a_string_of_json():
    told = stream(START, *CALL, CALLED)
    (delta,) = [e["delta"] for e in told if e["type"] == "content_block_delta"]
    assert json.loads(delta["partial_json"]) == {"path": "/"}


def test_the_last_words_are_reason_and_usage():
    usage = Usage(100, 7, cache_read=60)
    told = stream(START, text(0, "a"), MessageEnd("length", usage))
    assert told[-2]["delta"] == {"stop_reason": "max_tokens", "stop_sequence": None}
    assert told[-2]["usage"] == {
        "input_tokens": 40,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 60,
        "output_tokens": 7,
    }


def test_another_choice_than_the_first_is_not_told():
    other = [
        MessageStart("", "m", 1),
        text(0, "b", choice=1),
        MessageEnd("stop", choice=1),
    ]
    told = stream(START, text(0, "a"), *other, END)
    assert [e["type"] for e in told].count("content_block_delta") == 1


def test_a_batch_is_written_as_its_events_are():
    events = [START, thinking(0, "hm"), text(1, "a"), text(1, "b"), *CALL, CALLED]
    writer = encoder()
    raw = writer.events(events) + writer.end()
    told = list(events_of(raw))[1:]
    assert told == stream(*events)[1:]


def test_a_whole_message_holds_the_same_blocks():
    message = whole(START, thinking(0, "hm"), text(1, "a"), *CALL, CALLED)
    assert message["content"] == [
        {"type": "thinking", "thinking": "hm", "signature": sign("hm")},
        {"type": "text", "text": "a"},
        {"type": "tool_use", "id": "call_1", "name": "ls", "input": {"path": "/"}},
    ]
    assert message["stop_reason"] == "tool_use"


def test_nothing_said_is_no_content():
    assert whole(START, END)["content"] == []
    assert whole(START, text(0, ""), END)["content"] == []


@pytest.mark.parametrize(
    ("reason", "sequence", "called", "expected"),
    [
        ("stop", None, False, ("end_turn", None)),
        ("stop", "END", False, ("stop_sequence", "END")),
        ("stop", None, True, ("tool_use", None)),
        ("stop", "END", True, ("tool_use", None)),
        ("tool_calls", None, True, ("tool_use", None)),
        ("tool_calls", None, False, ("end_turn", None)),
        ("length", None, False, ("max_tokens", None)),
        ("length", None, True, ("max_tokens", None)),
        ("content_filter", None, False, ("refusal", None)),
    ],
)
def test_the_reason_agrees_with_the_content(reason, sequence, called, expected):
    assert stop_of(reason, sequence, called) == expected


def test_a_ping_may_come_at_any_time():
    writer = encoder()
    raw = writer.heartbeat() + writer.events([START, text(0, "a")])
    raw += writer.heartbeat() + writer.events([END]) + writer.end()
    assert anthropic_stream(raw) == []


def test_an_error_ends_the_stream_and_names_its_request():
    writer = encoder()
    raw = writer.events([START, text(0, "a")]) + writer.error(UpstreamTimeout("slow"))
    assert anthropic_stream(raw, expect_error=True) == []
    last = list(events_of(raw))[-1]
    assert last["error"] == {"type": "timeout_error", "message": "slow"}
    assert last["request_id"] == "req_1"


def test_redacted_thinking_is_a_block_of_its_own():
    hidden = ThinkingDelta(1, b'""', signature="AAAA", redacted=True)
    told = [START, thinking(0, "hm", signature="Eq"), hidden, text(2, "a"), END]
    block = {"type": "redacted_thinking", "data": "AAAA"}
    assert starts(stream(*told)) == [
        (0, "thinking"),
        (1, "redacted_thinking"),
        (2, "text"),
    ]
    assert block in [event.get("content_block") for event in stream(*told)]
    assert whole(*told)["content"][1] == block
