"""D. OpenAI chat, streamed: the order of chunks, and what must never break it."""

import json
import threading

import openai
import pytest
import requests

from tests import oracles
from tests.fakes.faults import LINES
from tests.fakes.upstream import Chunk
from tests.fakes.upstream import Cut
from tests.fakes.upstream import Delta
from tests.fakes.upstream import Done
from tests.fakes.upstream import Error
from tests.fakes.upstream import Finish
from tests.fakes.upstream import NoDone
from tests.fakes.upstream import NoRole
from tests.fakes.upstream import Pause
from tests.fakes.upstream import Raw
from tests.fakes.upstream import Reasoning
from tests.fakes.upstream import Text
from tests.fakes.upstream import ToolCall
from tests.fakes.upstream import Usage
from tests.fakes.upstream import Wait
from tests.oracles import sse
from tests.speakers import post

PATH = "/v1/chat/completions"
USER = {"role": "user", "content": "hi"}
TOOLS = [
    {"type": "function", "function": {"name": name, "parameters": {"type": "object"}}}
    for name in ("ls", "cat")
]
ASKED = {"stream_options": {"include_usage": True}}
TEXT = (Text("Hel"), Text("lo"), Finish(), Usage(3, 2))
CALLS = (
    ToolCall("call_1", "ls", {"path": "/etc"}, fragments=4),
    ToolCall("call_2", "cat", {"path": "/etc/hosts"}, fragments=3),
    Finish("tool_calls"),
    Usage(3, 9),
)
SCRIPTS = {
    "text": TEXT,
    "calls": CALLS,
    "reasoning": (Reasoning("Hm"), Reasoning("..."), *TEXT),
    "mixed": (Reasoning("Hm."), Text("Let me look."), *CALLS),
    "reasoning and calls": (Reasoning("Hm."), *CALLS),
    "text after calls": (*CALLS[:2], Text("Done."), *CALLS[2:]),
    "empty": (Finish(), Usage(3, 0)),
    "no role": (NoRole(), *TEXT),
    "length": (Text("cut"), Finish("length"), Usage(3, 1)),
    "filtered": (Text("cut"), Finish("content_filter"), Usage(3, 1)),
    "two choices": (
        *(Text("a", choice) for choice in (0, 1)),
        *(Finish(choice=choice) for choice in (0, 1)),
        Usage(3, 2),
    ),
}
RECORDED = [
    "chat_stream",
    "chat_stream_usage",
    "chat_stream_length",
    "chat_stream_n2",
    "chat_stream_logprobs",
    "chat_stream_stop_string",
    "chat_stream_tools_auto",
    "chat_stream_tools_required",
    "chat_stream_tools_parallel",
    "chat_stream_tools_truncated",
    "chat_stream_return_progress",
    "chat_stream_timings_per_token",
    "sse_ping_interval_1",
    "think_stream",
    "think_stream_tools",
]
each_script = pytest.mark.parametrize("name", SCRIPTS)


@pytest.fixture
def ask(gateway, upstream):
    """Ask for a stream; give its bytes, after the steps the upstream shall play."""

    def asking(*steps, **fields):
        if steps:
            upstream.script(*steps)
        body = {"model": "tiny", "messages": [USER], "stream": True, **fields}
        reply = post(gateway, PATH, {"tools": TOOLS, **body})
        assert reply.status_code == 200, reply.text
        return reply.content

    return asking


@pytest.fixture
def told(sdk, upstream):
    """Ask for a stream with the SDK; give its chunks, or raise what it raises."""

    def asking(*steps):
        upstream.script(*steps)
        stream = sdk.chat.completions.create(
            model="tiny", messages=[USER], tools=TOOLS, stream=True
        )
        with stream:
            return list(stream)

    return asking


def chunks_of(raw):
    events, violations = sse.read(raw)
    assert violations == []
    return [json.loads(e.data) for e in events if e.data != sse.DONE]


def failure_of(raw):
    assert oracles.openai_chat_stream(raw, expect_error=True) == []
    return oracles.read("openai", raw).failure


# ------------------------------------------------------------------------- grammar


@pytest.mark.conformance("C-076", "C-080")
@pytest.mark.parametrize("usage", [False, True])
@each_script
def test_every_kind_of_stream_is_well_formed(ask, name, usage):
    raw = ask(*SCRIPTS[name], **(ASKED if usage else {}))
    assert oracles.openai_chat_stream(raw, include_usage=usage) == []
    assert oracles.stream_matches("chat_chunk", raw) == []


@pytest.mark.conformance("C-076")
@pytest.mark.parametrize("name", RECORDED)
def test_what_llama_server_really_sends_becomes_well_formed(ask, upstream, name):
    upstream.replay(name)
    raw = ask(**ASKED)
    assert oracles.openai_chat_stream(raw, include_usage=True) == []


@pytest.mark.conformance("C-076")
@each_script
def test_the_strict_sdk_reads_every_kind_of_stream(told, name):
    assert told(*SCRIPTS[name])[-1].choices[0].finish_reason


@pytest.mark.conformance("C-077")
@each_script
def test_the_role_comes_once_and_first(ask, name):
    raw = ask(*SCRIPTS[name])
    first = {}
    for chunk in chunks_of(raw):
        for choice in chunk["choices"]:
            first.setdefault(choice["index"], []).append("role" in choice["delta"])
    assert all(roles[0] and not any(roles[1:]) for roles in first.values())
    assert b"event:" not in raw


@pytest.mark.conformance("C-078")
def test_identity_and_time_stay_the_same(ask):
    raw = ask(Text("a"), Pause(1.6), Text("b"), Finish(), Usage(1, 2))
    identities = {(c["id"], c["model"], c["created"]) for c in chunks_of(raw)}
    assert len(identities) == 1


@pytest.mark.conformance("C-078")
def test_an_upstream_that_forgets_its_identity_is_given_one(ask):
    naked = {"choices": [{"index": 0, "delta": {"content": "a"}}]}
    raw = ask(Chunk(naked), Chunk({**naked, "id": "", "model": ""}), Finish())
    assert oracles.openai_chat_stream(raw) == []
    assert oracles.text_of("openai", raw) == "aa"


@pytest.mark.conformance("C-079")
def test_content_that_came_with_the_finish_is_kept(ask):
    raw = ask(Text("a"), Delta({"content": "b"}, finish="stop"), Usage(1, 2))
    assert oracles.text_of("openai", raw) == "ab"
    last = [c["choices"][0] for c in chunks_of(raw) if c["choices"]][-1]
    assert (last["delta"], last["finish_reason"]) == ({}, "stop")


@pytest.mark.conformance("C-079")
def test_a_call_that_came_with_the_finish_is_kept(ask):
    function = {"name": "ls", "arguments": "{}"}
    call = {"index": 0, "id": "c", "type": "function", "function": function}
    raw = ask(Delta({"tool_calls": [call]}, finish="tool_calls"), Usage(1, 2))
    assert oracles.openai_chat_stream(raw) == []
    assert [one.name for one in oracles.calls_of("openai", raw)] == ["ls"]


@pytest.mark.conformance("C-080")
def test_a_second_finish_is_not_told(ask):
    raw = ask(Text("a"), Finish("stop"), Finish("length"), Usage(1, 1))
    finishes = [c["finish_reason"] for k in chunks_of(raw) for c in k["choices"]]
    assert [reason for reason in finishes if reason] == ["stop"]


# --------------------------------------------------------------------------- usage


@pytest.mark.conformance("C-081")
def test_usage_that_was_asked_for_is_told_last(ask):
    last = chunks_of(ask(*TEXT, **ASKED))[-1]
    assert last["choices"] == []
    assert (last["usage"]["prompt_tokens"], last["usage"]["total_tokens"]) == (3, 5)


@pytest.mark.conformance("C-081")
@pytest.mark.parametrize("steps", [TEXT[:-1], CALLS[:-1]], ids=["text", "calls"])
def test_usage_the_upstream_leaves_out_is_estimated(ask, steps):
    raw = ask(*steps, **ASKED)
    assert oracles.openai_chat_stream(raw, include_usage=True) == []
    usage = chunks_of(raw)[-1]["usage"]
    assert usage["prompt_tokens"] > 0
    assert usage["completion_tokens"] > 0


@pytest.mark.conformance("C-081")
def test_the_sdk_is_given_the_usage_it_asked_for(sdk, upstream):
    upstream.script(*TEXT)
    stream = sdk.chat.completions.create(
        model="tiny", messages=[USER], stream=True, **ASKED
    )
    with stream:
        *rest, last = list(stream)
    assert last.usage.total_tokens == 5
    assert all(chunk.usage is None for chunk in rest)


@pytest.mark.conformance("C-082")
@pytest.mark.parametrize("fields", [{}, {"stream_options": {"include_usage": False}}])
def test_usage_nobody_asked_for_is_not_told(ask, fields):
    for chunk in chunks_of(ask(*TEXT, **fields)):
        assert chunk["choices"]
        assert chunk.get("usage") is None


# ---------------------------------------------------------------------- tool calls


def call_delta(**fields):
    return Delta({"tool_calls": [fields]})


def fragment(text, **fields):
    return call_delta(function={"arguments": text}, **fields)


NUMBERED = {
    "from one": (
        ToolCall("a", "ls", {"n": 1}, index=1),
        ToolCall("b", "cat", {"n": 2}, index=2),
    ),
    "all zero": (
        ToolCall("a", "ls", {"n": 1}, index=0),
        ToolCall("b", "cat", {"n": 2}, index=0),
    ),
    "with gaps": (
        ToolCall("a", "ls", {"n": 1}, index=0),
        ToolCall("b", "cat", {"n": 2}, index=7),
    ),
    "no index": (
        call_delta(id="a", function={"name": "ls", "arguments": '{"n":'}),
        fragment("1}"),
        call_delta(id="b", function={"name": "cat", "arguments": '{"n":2}'}),
    ),
    "whole": (
        call_delta(index=0, id="a", function={"name": "ls", "arguments": '{"n":1}'}),
        call_delta(index=1, id="b", function={"name": "cat", "arguments": '{"n":2}'}),
    ),
    "both in one": (
        Delta(
            {
                "tool_calls": [
                    {"index": 0, "id": "a", "function": {"name": "ls"}},
                    {"index": 1, "id": "b", "function": {"name": "cat"}},
                ]
            }
        ),
        fragment('{"n":1}', index=0),
        fragment('{"n":2}', index=1),
    ),
    "interleaved": (
        call_delta(index=0, id="a", function={"name": "ls", "arguments": '{"n"'}),
        call_delta(index=1, id="b", function={"name": "cat", "arguments": '{"n":'}),
        fragment(":1}", index=0),
        fragment("2}", index=1),
    ),
    "new id each time": (
        call_delta(index=0, id="a", function={"name": "ls", "arguments": ""}),
        fragment('{"n"', index=0, id="x"),
        fragment(":1}", index=0, id="y"),
        call_delta(index=1, id="b", function={"name": "cat", "arguments": '{"n":2}'}),
    ),
    "name repeated": (
        call_delta(index=0, id="a", function={"name": "ls", "arguments": '{"n":'}),
        call_delta(index=0, id="a", function={"name": "ls", "arguments": "1}"}),
        ToolCall("b", "cat", {"n": 2}, index=1),
    ),
    "name split": (
        call_delta(index=0, id="a", function={"name": "l", "arguments": ""}),
        call_delta(index=0, function={"name": "s", "arguments": '{"n":1}'}),
        ToolCall("b", "cat", {"n": 2}, index=1),
    ),
    "arguments as objects": (
        call_delta(index=0, id="a", function={"name": "ls", "arguments": {"n": 1}}),
        call_delta(index=1, id="b", function={"name": "cat", "arguments": {"n": 2}}),
    ),
}


@pytest.mark.conformance("C-083", "C-084", "C-085")
@pytest.mark.parametrize("finish", ["tool_calls", "stop"])
@pytest.mark.parametrize("name", NUMBERED)
def test_however_calls_are_numbered_they_come_out_in_order(ask, name, finish):
    raw = ask(*NUMBERED[name], Finish(finish), Usage(1, 9))
    assert oracles.openai_chat_stream(raw) == []
    calls = [(c.id, c.name, c.arguments) for c in oracles.calls_of("openai", raw)]
    assert calls == [("a", "ls", {"n": 1}), ("b", "cat", {"n": 2})]


@pytest.mark.conformance("C-083")
@pytest.mark.parametrize("ids", [("", ""), (None, None), ("x", "x")], ids=repr)
def test_missing_and_repeated_ids_become_unique(ask, ids):
    calls = [
        call_delta(index=n, id=given, function={"name": "ls", "arguments": "{}"})
        for n, given in enumerate(ids)
    ]
    raw = ask(*calls, Finish("tool_calls"), Usage(1, 9))
    assert oracles.openai_chat_stream(raw) == []
    first, second = oracles.calls_of("openai", raw)
    assert first.id
    assert first.id != second.id


@pytest.mark.conformance("C-086")
@pytest.mark.parametrize("finish", ["stop", None, "eos"])
def test_a_streamed_call_ends_as_one(ask, finish):
    raw = ask(ToolCall("c", "ls"), Finish(finish), Usage(1, 1))
    assert oracles.finish_of("openai", raw) == "tool_calls"


# ------------------------------------------------------------------------ failures

BEGUN = (Text("Hel"), Text("lo"))
OLD_STYLE = b'error: {"code":500,"message":"old style","type":"server_error"}\n\n'
FAILURES = {
    "end": (*BEGUN, NoDone()),
    "fin": (*BEGUN, Cut("fin")),
    "cut within a chunk": (*BEGUN, Cut("fin", mid_chunk=True)),
    "cut within a line": (*BEGUN, Raw(b'data: {"choices":[{"ind'), NoDone()),
    "error event": (*BEGUN, Error("boom")),
    "error line": (*BEGUN, Raw(OLD_STYLE), NoDone()),
    "error finish": (*BEGUN, Finish("error")),
    "cut within a call": (*BEGUN, ToolCall("c", "ls", '{"path": "/e'), Cut()),
    "end within a call": (*BEGUN, ToolCall("c", "ls", '{"path": "/e'), NoDone()),
}


@pytest.mark.conformance("C-087")
@pytest.mark.parametrize(
    ("steps", "finish"),
    [((*BEGUN, Done()), "stop"), ((ToolCall("c", "ls"), Done()), "tool_calls")],
    ids=["text", "call"],
)
def test_a_stream_that_was_ended_has_a_finish(ask, steps, finish):
    raw = ask(*steps)
    assert oracles.openai_chat_stream(raw) == []
    assert oracles.finish_of("openai", raw) == finish


@pytest.mark.reliability("R-003")
@pytest.mark.conformance("C-087", "C-090")
@pytest.mark.parametrize("name", FAILURES)
def test_a_stream_that_failed_says_so_before_its_end(ask, name):
    assert failure_of(ask(*FAILURES[name]))


@pytest.mark.reliability("R-003")
@pytest.mark.conformance("C-088")
@pytest.mark.parametrize("name", FAILURES)
def test_the_sdk_raises_for_a_stream_that_failed(told, name):
    with pytest.raises(openai.APIError) as caught:
        told(*FAILURES[name])
    assert caught.value.message


@pytest.mark.conformance("C-088")
@pytest.mark.parametrize(
    ("name", "words"), [("error event", "boom"), ("error line", "old style")]
)
def test_the_upstreams_own_words_are_told(ask, name, words):
    assert words in failure_of(ask(*FAILURES[name]))


@pytest.mark.conformance("C-088")
def test_an_error_llama_server_really_sent_is_told(ask, upstream):
    upstream.replay("err_midstream_after_200")
    assert "grammar stack" in failure_of(ask())


@pytest.mark.conformance("C-089")
@pytest.mark.parametrize("name", ["cut within a chunk", "cut within a line"])
def test_half_a_line_is_not_told(ask, name):
    raw = ask(*FAILURES[name])
    *before, last = chunks_of(raw)
    assert "error" in last
    assert all(chunk["object"] == "chat.completion.chunk" for chunk in before)
    assert oracles.text_of("openai", raw) == "Hello"


@pytest.mark.conformance("C-090")
def test_a_success_that_was_told_stands_though_the_connection_breaks(ask):
    raw = ask(*BEGUN, Finish(), Usage(1, 2), Done(), Cut("rst"))
    assert oracles.openai_chat_stream(raw) == []


# ---------------------------------------------------------------------------- pace


@pytest.mark.reliability("R-013")
@pytest.mark.conformance("C-091")
@pytest.mark.parametrize(
    "steps",
    [
        (Pause(1.0), *TEXT),
        (Text("Hel"), Pause(1.0), *TEXT[1:]),
        (ToolCall("c", "ls", '{"a":'), Pause(1.0), fragment("1}", index=0), Finish()),
    ],
    ids=["before the head", "between tokens", "within a call"],
)
def test_silence_is_filled_with_comments(ask, steps):
    raw = ask(*steps)
    assert b": ping\n\n" in raw
    assert oracles.openai_chat_stream(raw) == []


@pytest.mark.reliability("R-013")
@pytest.mark.conformance("C-091")
def test_the_sdk_passes_over_heartbeats(told):
    chunks = told(Pause(1.0), Text("Hel"), Pause(1.0), *TEXT[1:])
    text = [c.choices[0].delta.content or "" for c in chunks if c.choices]
    assert "".join(text) == "Hello"


@pytest.mark.conformance("C-092")
def test_a_heartbeat_falls_between_events(ask):
    event = b'data: {"choices":[{"index":0,"delta":{"content":"whole"}}]}\n\n'
    for cut in (3, 20, len(event) - 1):
        raw = ask(Text("a "), Raw(event[:cut]), Pause(0.8), Raw(event[cut:]), Finish())
        assert b": ping" in raw
        assert oracles.openai_chat_stream(raw) == []
        assert oracles.text_of("openai", raw) == "a whole"


@pytest.mark.reliability("R-011")
@pytest.mark.conformance("C-093")
def test_each_token_arrives_before_the_next_is_sent(gateway, upstream):
    gates = [threading.Event() for _ in range(3)]
    words = ["one ", "two ", "three "]
    steps = [
        step
        for w, gate in zip(words, gates, strict=True)
        for step in (Text(w), Wait(gate))
    ]
    upstream.script(*steps, Finish(), Usage(1, 3))
    body = {"model": "tiny", "messages": [USER], "stream": True}
    with requests.post(gateway.url + PATH, json=body, stream=True, timeout=10) as reply:
        lines = reply.iter_lines()
        for word, gate in zip(words, gates, strict=True):
            assert any(word.encode() in line for line in lines)
            gate.set()
        assert any(line == b"data: [DONE]" for line in lines)


@pytest.mark.reliability("R-001")
@pytest.mark.conformance("C-094")
@pytest.mark.parametrize("text", [(), (Text("a"),)], ids=["before", "after the head"])
def test_a_client_that_leaves_ends_the_upstreams_work(gateway, upstream, text):
    upstream.script(*text, Wait())
    body = {"model": "tiny", "messages": [USER], "stream": True}
    with requests.post(gateway.url + PATH, json=body, stream=True, timeout=10) as reply:
        next(reply.iter_content(None))
    assert upstream.generations[-1].wait_closed(20) is not None


# ---------------------------------------------------------------------- characters

EMOJI = "h\u00e9llo \u4f60\u597d \U0001f680\U0001f468\u200d\U0001f469"


@pytest.mark.reliability("R-005")
@pytest.mark.conformance("C-095")
@pytest.mark.parametrize("split", [1, 2, 3, 5])
def test_characters_survive_any_split(ask, upstream, split):
    steps = (Text(EMOJI), ToolCall("c", "ls", {"a": EMOJI}), Finish(), Usage(1, 2))
    upstream.script(*steps, split=split)
    raw = ask()
    assert oracles.text_of("openai", raw) == EMOJI
    assert oracles.calls_of("openai", raw)[0].arguments == {"a": EMOJI}


@pytest.mark.reliability("R-006")
@pytest.mark.conformance("C-096")
def test_unicode_line_ends_are_no_line_ends(ask, told):
    assert oracles.text_of("openai", ask(Text(LINES), Finish())) == LINES
    chunks = told(Text(LINES), Finish())
    assert "".join(c.choices[0].delta.content or "" for c in chunks) == LINES


@pytest.mark.conformance("C-097")
@pytest.mark.parametrize("name", [*SCRIPTS, *NUMBERED])
def test_a_stream_adds_up_to_the_whole_reply(gateway, upstream, ask, name):
    steps = SCRIPTS.get(name) or (*NUMBERED[name], Finish("tool_calls"), Usage(1, 9))
    streamed = oracles.read("openai", ask(*steps, **ASKED))
    body = {"model": "tiny", "messages": [USER], "tools": TOOLS}
    whole = oracles.read("openai", post(gateway, PATH, body).json())
    assert oracles.differences(streamed, whole) == []
