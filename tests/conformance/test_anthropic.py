"""Anthropic's messages, the reply's side: what is said, streamed and whole."""

import json

import pytest

from tests.conformance.anthropic_calls import assistant
from tests.conformance.anthropic_calls import CALLED
from tests.conformance.anthropic_calls import events
from tests.conformance.anthropic_calls import request as body_of
from tests.conformance.anthropic_calls import result
from tests.conformance.anthropic_calls import SCRIPTS
from tests.conformance.anthropic_calls import sdk_message
from tests.conformance.anthropic_calls import sent
from tests.conformance.anthropic_calls import stream
from tests.conformance.anthropic_calls import THINKING
from tests.conformance.anthropic_calls import TOOLS
from tests.conformance.anthropic_calls import user
from tests.conformance.anthropic_calls import whole
from tests.conformance.conftest import strict_anthropic
from tests.fakes.upstream import Delta
from tests.fakes.upstream import ToolCall
from tests.oracles import anthropic_message
from tests.oracles import anthropic_stream
from tests.oracles import differences
from tests.oracles import read
from tests.oracles.readers import events_of


def kinds(raw):
    starts = events(raw, "content_block_start")
    return [event["content_block"]["type"] for event in starts]


@pytest.mark.conformance("C-150")
@pytest.mark.parametrize("steps", SCRIPTS.values(), ids=SCRIPTS)
def test_a_whole_message_satisfies_the_oracle_and_the_sdk(gateway, upstream, steps):
    upstream.script(*steps)
    assert anthropic_message(whole(gateway)) == []
    with strict_anthropic(gateway) as client:
        client.messages.create(**body_of(tools=TOOLS, thinking=THINKING))


@pytest.mark.conformance("C-151", "C-152", "C-153", "C-154")
@pytest.mark.parametrize("steps", SCRIPTS.values(), ids=SCRIPTS)
def test_a_stream_satisfies_the_oracle_and_the_sdk(gateway, upstream, steps):
    upstream.script(*steps)
    assert anthropic_stream(stream(gateway)) == []
    assert sdk_message(gateway).usage.output_tokens == 4


@pytest.mark.conformance("C-150", "C-151")
@pytest.mark.parametrize("steps", SCRIPTS.values(), ids=SCRIPTS)
def test_streamed_and_whole_tell_the_same(gateway, upstream, steps):
    upstream.script(*steps)
    views = [read("anthropic", told(gateway)) for told in (stream, whole)]
    assert differences(*views) == []


@pytest.mark.conformance("C-152")
def test_a_stream_begins_with_one_empty_message(gateway, upstream):
    upstream.script(*SCRIPTS["text"])
    raw = stream(gateway)
    (start,) = events(raw, "message_start")
    assert next(events_of(raw)) == start
    assert start["message"]["content"] == []
    assert start["message"]["stop_reason"] is None


@pytest.mark.conformance("C-154", "C-155")
def test_each_change_of_kind_opens_a_block_and_loses_nothing(gateway, upstream):
    upstream.script(*SCRIPTS["thinking twice"])
    raw = stream(gateway)
    assert kinds(raw) == ["thinking", "text", "thinking", "tool_use"]
    view = read("anthropic", raw)
    assert (view.thinking, view.text) == ("ac", "b")


@pytest.mark.conformance("C-156")
def test_a_thinking_block_is_signed_once_before_it_ends(gateway, upstream):
    upstream.script(*SCRIPTS["thinking, text"])
    raw = stream(gateway)
    first = [e for e in events_of(raw) if e.get("index") == 0]
    assert first[0]["content_block"]["signature"] == ""
    assert first[-2]["delta"]["type"] == "signature_delta"
    assert whole(gateway)["content"][0]["signature"] == first[-2]["delta"]["signature"]


@pytest.mark.conformance("C-157")
@pytest.mark.parametrize("arguments", ["", "{}"])
def test_a_call_without_arguments_has_an_empty_input(gateway, upstream, arguments):
    upstream.script(ToolCall("call_1", "ls", arguments), *CALLED)
    (start,) = events(stream(gateway), "content_block_start")
    assert start["content_block"]["input"] == {}
    assert sdk_message(gateway).content[0].input == {}


@pytest.mark.conformance("C-158")
def test_interleaved_calls_come_one_after_the_other(gateway, upstream):
    def piece(index, text, **first):
        function = {"arguments": text, **first}
        call = {"index": index, "function": function}
        if first:
            call |= {"id": f"call_{index}", "type": "function"}
        return Delta({"tool_calls": [call]})

    upstream.script(
        piece(0, '{"path"', name="ls"),
        piece(1, '{"path"', name="ls"),
        piece(0, ':"/a"}'),
        piece(1, ':"/b"}'),
        *CALLED,
    )
    raw = stream(gateway)
    assert anthropic_stream(raw) == []
    paths = [call.arguments["path"] for call in read("anthropic", raw).calls]
    assert paths == ["/a", "/b"]


@pytest.mark.conformance("C-166")
def test_every_event_has_its_name_and_none_is_openais(gateway, upstream):
    upstream.script(*SCRIPTS["text, tool"])
    frames = stream(gateway).decode().strip().split("\n\n")
    for frame in frames:
        name, data = frame.split("\n")
        assert name == f"event: {json.loads(data.removeprefix('data: '))['type']}"


@pytest.mark.conformance("C-168")
def test_a_calls_id_survives_the_round_trip(gateway, upstream):
    upstream.script(ToolCall("functions.f:0", "ls", {"path": "/"}), *CALLED)
    (call,) = whole(gateway)["content"]
    turns = (user(), assistant([call]), user([result(call["id"], content="r")]))
    messages = sent(gateway, upstream, *turns)["messages"]
    assert messages[1]["tool_calls"][0]["id"] == call["id"]
    assert messages[2]["tool_call_id"] == call["id"]


@pytest.mark.conformance("C-169")
def test_the_model_is_the_one_that_was_asked_for(gateway, upstream):
    upstream.script(*SCRIPTS["text"])
    raw = stream(gateway, model="claude-opus-4-8")
    assert events(raw, "message_start")[0]["message"]["model"] == "claude-opus-4-8"
    assert whole(gateway, model="claude-opus-4-8")["model"] == "claude-opus-4-8"


@pytest.mark.conformance("C-170")
@pytest.mark.parametrize("thinking", [None, {"type": "disabled"}])
def test_thinking_nobody_asked_for_is_left_out(gateway, upstream, thinking):
    upstream.script(*SCRIPTS["thinking, text"])
    assert kinds(stream(gateway, thinking=thinking)) == ["text"]
    content = whole(gateway, thinking=thinking)["content"]
    assert content == [{"type": "text", "text": "Hello"}]


@pytest.mark.conformance("C-171")
@pytest.mark.parametrize(("name", "pieces"), [("ls", 1), ("write", 4)])
def test_only_an_eager_tool_has_its_arguments_in_pieces(
    gateway, upstream, name, pieces
):
    call = ToolCall("call_1", name, {"path": "/some/where"}, fragments=4)
    upstream.script(call, *CALLED)
    raw = stream(gateway)
    assert len(events(raw, "content_block_delta")) == pieces
    assert read("anthropic", raw).calls[0].arguments == {"path": "/some/where"}
