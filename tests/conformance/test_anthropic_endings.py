"""Anthropic's messages, the reply's side: how it ends, and what it cost."""

import anthropic
import pytest

from tests.conformance.anthropic_calls import ask
from tests.conformance.anthropic_calls import END
from tests.conformance.anthropic_calls import events
from tests.conformance.anthropic_calls import ls
from tests.conformance.anthropic_calls import refused
from tests.conformance.anthropic_calls import sdk_message
from tests.conformance.anthropic_calls import stream
from tests.conformance.anthropic_calls import THINKING
from tests.conformance.anthropic_calls import user
from tests.conformance.anthropic_calls import whole
from tests.fakes.upstream import Error
from tests.fakes.upstream import Finish
from tests.fakes.upstream import Pause
from tests.fakes.upstream import Reasoning
from tests.fakes.upstream import Role
from tests.fakes.upstream import Text
from tests.fakes.upstream import ToolCall
from tests.fakes.upstream import Usage
from tests.oracles import anthropic_error
from tests.oracles import anthropic_message
from tests.oracles import anthropic_stream
from tests.servers import running_gateway

WITHOUT_STOP = """
[[backends]]
name = "plain"
kind = "openai"
url = "{url}"
models = ["tiny"]
compat = {{ supports_stop = false }}
"""


@pytest.fixture(scope="module")
def without_stop(only_upstream):
    config = WITHOUT_STOP.format(url=only_upstream.url)
    with running_gateway(config=config) as running:
        yield running


@pytest.mark.conformance("C-159")
@pytest.mark.parametrize(
    ("steps", "reason"),
    [
        ((Text("a"), Finish("stop")), "end_turn"),
        ((ls(1), Finish("tool_calls")), "tool_use"),
        ((ls(1), Finish("stop")), "tool_use"),
        ((Text("a"), Finish("tool_calls")), "end_turn"),
        ((Text("a"), Finish("length")), "max_tokens"),
        ((ls(1), Finish("length")), "max_tokens"),
    ],
)
def test_the_stop_reason_fits_what_was_sent(gateway, upstream, steps, reason):
    upstream.script(*steps, Usage(10, 4))
    raw = stream(gateway)
    assert events(raw, "message_delta")[0]["delta"]["stop_reason"] == reason
    assert whole(gateway)["stop_reason"] == reason


@pytest.mark.conformance("C-160", "C-161")
def test_usage_is_the_upstreams_and_counts_cached_tokens_apart(gateway, upstream):
    upstream.script(Text("a"), Finish("stop"), Usage(3936, 17, cached=3712))
    usage = sdk_message(gateway).usage
    assert (usage.input_tokens, usage.cache_read_input_tokens) == (224, 3712)
    assert (usage.output_tokens, usage.cache_creation_input_tokens) == (17, 0)


@pytest.mark.conformance("C-162")
def test_a_stream_opens_with_an_estimate_of_its_prompt(gateway, upstream):
    (start,) = events(stream(gateway, user("word " * 200)), "message_start")
    assert 150 <= start["message"]["usage"]["input_tokens"] <= 500


@pytest.mark.conformance("C-163")
def test_usage_that_comes_after_the_finish_is_waited_for(gateway, upstream):
    upstream.script(Text("a"), Finish("stop"), Pause(0.5), Usage(123, 45))
    (delta,) = events(stream(gateway), "message_delta")
    assert (delta["usage"]["input_tokens"], delta["usage"]["output_tokens"]) == (
        123,
        45,
    )


@pytest.mark.reliability("R-003")
@pytest.mark.conformance("C-164")
def test_a_failure_in_the_stream_ends_it_with_an_error(gateway, upstream):
    upstream.script(Text("a"), Text("b"), Error("out of memory"))
    raw = stream(gateway)
    assert anthropic_stream(raw, expect_error=True) == []
    assert events(raw, "message_stop") == []
    with pytest.raises(anthropic.APIStatusError, match="out of memory") as raised:
        sdk_message(gateway)
    assert raised.value.type == "api_error"


@pytest.mark.conformance("C-164")
def test_an_error_in_a_stream_names_its_request(gateway, upstream):
    upstream.script(Text("a"), Error())
    reply = ask(gateway, stream=True)
    (error,) = events(reply.content, "error")
    assert error["request_id"] == reply.headers["request-id"]


@pytest.mark.reliability("R-013")
@pytest.mark.conformance("C-165")
def test_pings_fill_the_silence(gateway, upstream):
    upstream.script(Role(), Pause(1.6), Text("a"), Pause(1.6), Text("b"), *END)
    raw = stream(gateway)
    assert anthropic_stream(raw) == []
    assert len(events(raw, "ping")) >= 2
    assert sdk_message(gateway).content[0].text == "ab"


@pytest.mark.conformance("C-167")
def test_filtered_content_is_a_refusal(gateway, upstream):
    upstream.script(Text("a"), Finish("content_filter"), Usage(10, 4))
    assert whole(gateway)["stop_reason"] == "refusal"
    assert sdk_message(gateway).stop_reason == "refusal"


@pytest.mark.reliability("R-018")
@pytest.mark.conformance("C-172")
def test_a_call_cut_off_by_the_limit_is_left_out(gateway, upstream):
    cut = ToolCall("call_1", "ls", '{"path":"/so')
    upstream.script(Text("a"), cut, Finish("length"), Usage(10, 4))
    message = sdk_message(gateway)
    assert message.stop_reason == "max_tokens"
    assert [block.type for block in message.content] == ["text"]
    assert anthropic_message(whole(gateway)) == []


@pytest.mark.conformance("C-172")
def test_a_whole_reply_leaves_out_an_eager_tools_cut_call(gateway, upstream):
    cut = ToolCall("call_1", "write", '{"path":"/so')
    upstream.script(Text("a"), cut, Finish("length"), Usage(10, 4))
    assert anthropic_message(whole(gateway)) == []


@pytest.mark.conformance("C-173")
@pytest.mark.parametrize("thinking", [None, THINKING])
def test_the_stop_sequence_that_cut_the_text_is_named(without_stop, upstream, thinking):
    words = (Text("one E"), Text("ND two"))
    upstream.script(Reasoning("hm"), *words, *END)
    message = whole(without_stop, stop_sequences=["END"], thinking=thinking)
    assert (message["stop_reason"], message["stop_sequence"]) == (
        "stop_sequence",
        "END",
    )
    assert message["content"][-1]["text"] == "one "
    told = sdk_message(without_stop, stop_sequences=["END"], thinking=thinking)
    assert told.stop_sequence == "END"


@pytest.mark.conformance("C-173")
def test_a_stop_sequence_that_only_begins_is_said(without_stop, upstream):
    upstream.script(Reasoning("hm"), Text("the E"), *END)
    message = sdk_message(without_stop, stop_sequences=["END"])
    assert [block.type for block in message.content] == ["thinking", "text"]
    assert message.content[-1].text == "the E"
    assert message.stop_reason == "end_turn"


@pytest.mark.conformance("C-025")
def test_an_overflow_is_worded_as_clients_expect_it(gateway, upstream):
    upstream.replay("err_context_overflow")
    assert refused(gateway) == "prompt is too long: 5033 tokens > 2048 maximum"


@pytest.mark.conformance("C-023")
@pytest.mark.parametrize("streams", [True, False])
def test_an_error_names_its_request(gateway, upstream, streams):
    upstream.reply(503, {"error": {"message": "Loading model", "code": 503}})
    reply = ask(gateway, stream=streams)
    assert anthropic_error(reply.status_code, reply.json()) == []
    assert reply.json()["error"]["type"] == "overloaded_error"
    assert reply.json()["request_id"] == reply.headers["request-id"]
