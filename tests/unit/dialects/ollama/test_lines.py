import json

import pytest

from proxyapp.dialects.ollama.chat import CHAT
from proxyapp.dialects.ollama.generate import GENERATE
from proxyapp.dialects.ollama.lines import LineEncoder
from proxyapp.errors import BrokenToolCall
from proxyapp.errors import UpstreamIncomplete
from proxyapp.neutral.events import MessageEnd
from proxyapp.neutral.events import MessageStart
from proxyapp.neutral.events import TextDelta
from proxyapp.neutral.events import ThinkingDelta
from proxyapp.neutral.events import ToolCallDelta
from proxyapp.neutral.events import ToolCallStart
from proxyapp.neutral.usage import Timings
from proxyapp.neutral.usage import Usage
from proxyapp.relay.fold import fold
from tests import oracles

START = MessageStart("", "m")
END = MessageEnd("stop", Usage(10, 2), Timings(1.5, 2.5))
TEXT = [TextDelta(0, b'"Hel"'), TextDelta(0, b'"lo"')]
CALLS = [
    ToolCallStart(1, "a", "f"),
    ToolCallDelta(1, '{"x":'),
    ToolCallDelta(1, "1}"),
    ToolCallStart(2, "b", "g"),
    ToolCallDelta(2, "{}"),
]
SHAPES = {"chat": CHAT, "generate": GENERATE}


def written(*events, shape=CHAT):
    encoder = LineEncoder("m", shape)
    return encoder.events([START, *events]) + encoder.end()


def objects(raw):
    return [json.loads(line) for line in raw.split(b"\n")[:-1]]


@pytest.mark.parametrize("kind", SHAPES)
def test_a_stream_of_text_conforms(kind):
    raw = written(*TEXT, END, shape=SHAPES[kind])
    assert oracles.ollama_stream(raw, kind) == []
    assert oracles.text_of("ollama", raw) == "Hello"


@pytest.mark.parametrize("kind", SHAPES)
def test_thinking_is_told_apart_from_text(kind):
    thought = ThinkingDelta(0, b'"hm"')
    raw = written(thought, *TEXT, END, shape=SHAPES[kind])
    assert oracles.ollama_stream(raw, kind) == []
    assert oracles.thinking_of("ollama", raw) == "hm"


def test_nothing_is_written_of_the_start():
    assert written() == b""


def test_each_call_is_one_line_with_its_arguments_as_an_object():
    raw = written(*CALLS, END)
    assert oracles.ollama_stream(raw) == []
    told = [line["message"].get("tool_calls") for line in objects(raw)]
    assert told == [
        [{"id": "a", "function": {"index": 0, "name": "f", "arguments": {"x": 1}}}],
        [{"id": "b", "function": {"index": 1, "name": "g", "arguments": {}}}],
        None,
    ]


def test_text_after_a_call_follows_it():
    raw = written(*CALLS[:3], TextDelta(2, b'"so"'), END)
    first, second, _ = objects(raw)
    assert first["message"]["tool_calls"]
    assert second["message"] == {"role": "assistant", "content": "so"}


def test_a_call_that_spans_batches_is_told_when_it_is_closed():
    encoder = LineEncoder("m", CHAT)
    assert encoder.events(CALLS[:2]) == b""
    assert b'"arguments":{"x":1}' in encoder.events([CALLS[2], END])


@pytest.mark.parametrize("text", ["{", "[1]", ""])
def test_arguments_that_are_no_object_are_an_error(text):
    with pytest.raises(BrokenToolCall, match="call of 'f'"):
        written(ToolCallStart(0, "a", "f"), ToolCallDelta(0, text), END)


def test_the_last_line_carries_the_figures():
    last = objects(written(*TEXT, END))[-1]
    assert last["prompt_eval_count"] == 10
    assert last["eval_count"] == 2
    assert last["prompt_eval_duration"] == 1_500_000
    assert last["eval_duration"] == 2_500_000
    parts = ("load_duration", "prompt_eval_duration", "eval_duration")
    assert last["total_duration"] >= sum(last[part] for part in parts)


def test_without_the_servers_timings_all_time_is_the_answers():
    last = objects(written(MessageEnd("stop", Usage(1, 1))))[-1]
    assert last["eval_duration"] == last["total_duration"] > 0


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        ("stop", "stop"),
        ("length", "length"),
        ("tool_calls", "stop"),
        ("content_filter", "stop"),
    ],
)
def test_the_reason_is_one_that_ollama_has(reason, told):
    assert objects(written(MessageEnd(reason)))[-1]["done_reason"] == told


@pytest.mark.parametrize("end", ["\u0085", "\u2028", "\u2029"])
def test_nothing_inside_a_line_ends_it_for_a_python_client(end):
    quoted = json.dumps(f"a{end}b", ensure_ascii=False).encode()
    raw = written(TextDelta(0, quoted), END)
    assert len(raw.decode().splitlines()) == 2
    assert oracles.text_of("ollama", raw) == f"a{end}b"


def test_log_probabilities_stand_beside_the_text():
    entry = {"token": "a", "logprob": -0.5, "bytes": [97], "top_logprobs": []}
    raw = written(TextDelta(0, b'"a"', logprobs={"content": [entry]}), END)
    assert oracles.ollama_stream(raw) == []
    assert objects(raw)[0]["logprobs"] == [entry]


@pytest.mark.parametrize("kind", SHAPES)
def test_a_heartbeat_is_a_line_without_content(kind):
    encoder = LineEncoder("m", SHAPES[kind])
    raw = encoder.heartbeat() + encoder.events([START, *TEXT, END])
    assert oracles.ollama_stream(raw, kind) == []
    assert oracles.text_of("ollama", raw) == "Hello"


def test_an_error_is_the_last_line():
    encoder = LineEncoder("m", CHAT)
    raw = encoder.events(TEXT) + encoder.error(UpstreamIncomplete("It broke off."))
    assert oracles.ollama_stream(raw, expect_error=True) == []
    assert objects(raw)[-1] == {"error": "It broke off."}


def test_lines_are_stamped_anew_as_time_goes_by(monkeypatch):
    encoder = LineEncoder("m", CHAT)
    now = encoder._stale
    monkeypatch.setattr("time.monotonic", lambda: now + 1)
    monkeypatch.setattr(
        "proxyapp.dialects.ollama.stamps.now", lambda: "2027-01-01T00:00:00Z"
    )
    (line,) = objects(encoder.events(TEXT[:1]))
    assert line["created_at"] == "2027-01-01T00:00:00Z"


def test_a_whole_reply_holds_everything_at_once():
    thought = ThinkingDelta(0, b'"hm"')
    text = TextDelta(1, b'"so"')
    calls = [ToolCallStart(2, "a", "f"), ToolCallDelta(2, '{"x":1}')]
    whole = LineEncoder("m", CHAT).whole(fold([START, thought, text, *calls, END]))
    assert oracles.ollama_chat(whole) == []
    assert whole["message"] == {
        "role": "assistant",
        "content": "so",
        "thinking": "hm",
        "tool_calls": [
            {"id": "a", "function": {"index": 0, "name": "f", "arguments": {"x": 1}}}
        ],
    }


@pytest.mark.parametrize(("unload", "reason"), [(False, "load"), (True, "unload")])
@pytest.mark.parametrize("kind", SHAPES)
def test_loading_is_an_answer_without_content(kind, unload, reason):
    loaded = LineEncoder("m", SHAPES[kind]).loaded(unload=unload)
    assert loaded["done_reason"] == reason
    checks = {"chat": oracles.ollama_chat, "generate": oracles.ollama_generate}
    assert checks[kind](loaded) == []
