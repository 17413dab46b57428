"""C. OpenAI chat, whole: what goes upstream, and what comes back."""

import json

import openai
import pytest

from proxyapp.wire import jsons
from tests import oracles
from tests.conformance.conftest import strict_openai
from tests.fakes.upstream import Delta
from tests.fakes.upstream import Done
from tests.fakes.upstream import FakeUpstream
from tests.fakes.upstream import Finish
from tests.fakes.upstream import Raw
from tests.fakes.upstream import Reasoning
from tests.fakes.upstream import Text
from tests.fakes.upstream import ToolCall
from tests.fakes.upstream import Usage
from tests.speakers import post

PATH = "/v1/chat/completions"
USER = {"role": "user", "content": "hi"}
CITY = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
}
LS = {"type": "function", "function": {"name": "ls"}}
CAT = {"type": "function", "function": {"name": "cat", "parameters": CITY}}
CALL = {
    "id": "call_1",
    "type": "function",
    "function": {"name": "ls", "arguments": '{"path":"/"}'},
}
RESULT = {"role": "tool", "tool_call_id": "call_1", "content": "etc"}
PNG = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42m"
    "NkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)


@pytest.fixture
def chat(gateway, upstream):
    """Ask; give the reply, after the steps the upstream shall play."""

    def ask(*steps, messages=(USER,), **fields):
        if steps:
            upstream.script(*steps)
        body = {"model": "tiny", "messages": list(messages), **fields}
        return post(gateway, PATH, body)

    return ask


@pytest.fixture
def sent(chat, upstream):
    """Ask; give the body that went upstream."""

    def ask(*messages, **fields):
        reply = chat(messages=messages or (USER,), **fields)
        assert reply.status_code == 200, reply.text
        return upstream.generations[-1].json

    return ask


def choice_of(reply):
    assert oracles.openai_chat(reply.json()) == []
    return reply.json()["choices"][0]


def message_of(reply):
    return choice_of(reply)["message"]


# ------------------------------------------------------------------------ replies


@pytest.mark.conformance("C-042")
@pytest.mark.parametrize(
    "steps",
    [
        (Text("Hello"), Finish(), Usage(3, 1)),
        (ToolCall("call_1", "ls", {"path": "/"}), Finish("tool_calls"), Usage(3, 1)),
        (Reasoning("Hm."), Text("Yes."), Finish(), Usage(3, 2, 1, 1)),
        (Text("Let me look."), ToolCall("c", "ls"), Finish("tool_calls"), Usage(3, 2)),
        (Text(""), Finish(), Usage(3, 0)),
        (Text("cut"), Finish("length"), Usage(3, 1)),
    ],
    ids=["text", "call", "reasoning", "both", "empty", "length"],
)
def test_a_whole_reply_is_well_formed(chat, steps):
    reply = chat(*steps, tools=[LS])
    assert reply.headers["Content-Type"] == "application/json"
    assert oracles.openai_chat(reply.json()) == []
    assert oracles.matches("chat", reply.json()) == []


@pytest.mark.conformance("C-042")
def test_the_strict_sdk_reads_a_whole_reply(sdk, upstream):
    reply = sdk.chat.completions.create(model="tiny", messages=[USER])
    assert reply.choices[0].message.content == "Hello there."
    assert reply.usage.total_tokens == 12


@pytest.mark.conformance("C-042")
def test_a_recorded_reply_of_llama_server_is_well_formed(chat, upstream):
    upstream.replay("chat_stream_tools_parallel")
    assert len(message_of(chat(tools=[LS]))["tool_calls"]) > 1


@pytest.mark.conformance("C-043")
@pytest.mark.parametrize("name", ["tiny", "gpt-4o", "org/model:7b"])
def test_the_model_is_the_one_asked_for(chat, name):
    body = chat(model=name).json()
    assert body["model"] == name


@pytest.mark.conformance("C-044")
@pytest.mark.parametrize("text", [(), (Text(""),)], ids=["no text", "empty text"])
def test_content_is_null_beside_calls_alone(chat, text):
    steps = (*text, ToolCall("call_1", "ls"), Finish("tool_calls"), Usage(1, 1))
    message = message_of(chat(*steps, tools=[LS]))
    assert message["content"] is None


@pytest.mark.conformance("C-045")
def test_the_refusal_is_there_and_null(chat):
    assert message_of(chat())["refusal"] is None


@pytest.mark.conformance("C-046")
@pytest.mark.parametrize(
    "arguments", ['{"path":"/"}', '{"path": "/"}', "{}", "", '{"path":"/"'], ids=repr
)
def test_a_call_is_whole(chat, arguments):
    steps = (ToolCall("call_1", "ls", arguments), Finish("tool_calls"), Usage(1, 1))
    call = message_of(chat(*steps, tools=[LS]))["tool_calls"][0]
    assert (call["id"], call["type"]) == ("call_1", "function")
    assert call["function"]["name"] == "ls"
    assert isinstance(json.loads(call["function"]["arguments"]), dict)


@pytest.mark.conformance("C-047")
@pytest.mark.parametrize("finish", ["stop", "tool_calls", "function_call", "eos"])
def test_the_finish_says_calls_when_there_are_calls(chat, finish):
    steps = (ToolCall("call_1", "ls"), Finish(finish), Usage(1, 1))
    assert choice_of(chat(*steps, tools=[LS]))["finish_reason"] == "tool_calls"


@pytest.mark.conformance("C-048")
def test_the_finish_does_not_say_calls_when_there_are_none(chat):
    steps = (Text("No."), Finish("tool_calls"), Usage(1, 1))
    reply = chat(*steps, tools=[LS], tool_choice="required")
    assert choice_of(reply)["finish_reason"] == "stop"


@pytest.mark.conformance("C-049")
@pytest.mark.parametrize("stream", [False, True])
def test_an_empty_list_of_calls_is_never_sent(chat, stream):
    steps = (Delta({"content": "a", "tool_calls": []}), Finish(), Usage(1, 1))
    reply = chat(*steps, tools=[LS], stream=stream)
    assert "tool_calls" not in reply.text
    assert '"a"' in reply.text


@pytest.mark.conformance("C-050")
@pytest.mark.parametrize("finish", ["eos", "load", "end_turn", None, ""])
@pytest.mark.parametrize("stream", [False, True])
def test_an_unknown_finish_becomes_stop(chat, finish, stream):
    reply = chat(Text("a"), Finish(finish), Usage(1, 1), stream=stream)
    answer = reply.content if stream else reply.json()
    assert oracles.finish_of("openai", answer) == "stop"


@pytest.mark.conformance("C-050")
def test_a_missing_finish_after_calls_is_inferred(chat):
    reply = chat(ToolCall("call_1", "ls"), Done(), tools=[LS])
    assert choice_of(reply)["finish_reason"] == "tool_calls"


@pytest.mark.conformance("C-071")
@pytest.mark.parametrize(
    "field", ["reasoning_content", "reasoning", "reasoning_text", "thinking"]
)
def test_reasoning_has_fields_of_its_own(chat, field):
    steps = (Delta({field: "Hm. "}), Delta({field: "So."}), Text("Yes."), Finish())
    message = message_of(chat(*steps, Usage(1, 3)))
    assert message["content"] == "Yes."
    assert message["reasoning_content"] == message["reasoning_text"] == "Hm. So."


@pytest.mark.conformance("C-074")
def test_cached_and_reasoning_tokens_are_told(chat):
    usage = chat(Text("a"), Finish(), Usage(3936, 9, 3712, 4)).json()["usage"]
    assert usage["prompt_tokens_details"]["cached_tokens"] == 3712
    assert usage["completion_tokens_details"]["reasoning_tokens"] == 4
    assert (usage["prompt_tokens"], usage["total_tokens"]) == (3936, 3945)


@pytest.mark.conformance("C-075")
@pytest.mark.parametrize("usage", ["", '"usage":null', '"usage":{}', '"usage":"?"'])
def test_missing_usage_is_estimated(chat, usage):
    odd = [Raw(b'data: {"choices":[],%b}\n\n' % usage.encode())] if usage else []
    reply = chat(Text("a"), Text("b"), Finish(), *odd).json()
    assert oracles.openai_chat(reply) == []
    assert reply["usage"]["prompt_tokens"] > 0
    assert reply["usage"]["completion_tokens"] > 0


# ------------------------------------------------------------------------ requests


@pytest.mark.conformance("C-051")
@pytest.mark.parametrize(
    ("fields", "limit"),
    [
        ({"max_tokens": 5}, 5),
        ({"max_completion_tokens": 7}, 7),
        ({"max_tokens": 5, "max_completion_tokens": 7}, 7),
        ({"max_tokens": None}, None),
        ({}, None),
    ],
    ids=repr,
)
def test_one_limit_goes_upstream(sent, fields, limit):
    body = sent(**fields)
    assert body.get("max_tokens") == limit
    assert "max_completion_tokens" not in body


@pytest.mark.conformance("C-052")
def test_leading_instructions_become_one_system_message(sent):
    messages = sent(
        {"role": "system", "content": "one"},
        {"role": "developer", "content": "two"},
        {"role": "system", "content": [{"type": "text", "text": "three"}]},
        USER,
    )["messages"]
    assert [m["role"] for m in messages] == ["system", "user"]
    assert messages[0]["content"] == "one\n\ntwo\n\nthree"


@pytest.mark.conformance("C-053")
@pytest.mark.parametrize("role", ["system", "developer"])
def test_a_late_system_message_is_folded_into_a_user_turn(sent, role):
    messages = sent(
        {"role": "system", "content": "first"},
        USER,
        {"role": "assistant", "content": "yes?"},
        {"role": role, "content": "be brief"},
        {"role": "user", "content": "go on"},
    )["messages"]
    assert [m["role"] for m in messages] == ["system", "user", "assistant", "user"]
    assert "be brief" in messages[3]["content"]
    assert messages[3]["content"].endswith("go on")


@pytest.mark.conformance("C-054")
def test_text_parts_are_taken_from_every_role(sent):
    parts = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    assistant = {"role": "assistant", "content": parts, "tool_calls": [CALL]}
    messages = sent(
        {"role": "system", "content": parts},
        {"role": "user", "content": parts},
        assistant,
        {**RESULT, "content": parts},
    )["messages"]
    assert [m["content"] for m in messages] == ["ab"] * 4


@pytest.mark.conformance("C-055")
def test_an_image_goes_upstream_unchanged(sent):
    image = {"type": "image_url", "image_url": {"url": PNG, "detail": "low"}}
    parts = [{"type": "text", "text": "what is it?"}, image]
    messages = sent({"role": "user", "content": parts})["messages"]
    assert messages[0]["content"] == parts


@pytest.mark.conformance("C-055")
@pytest.mark.parametrize("kind", ["image_url", "file"])
def test_no_url_is_ever_fetched(chat, upstream, kind):
    with FakeUpstream() as elsewhere:
        url = f"{elsewhere.url}/x.png"
        part = {
            "image_url": {"type": "image_url", "image_url": {"url": url}},
            "file": {"type": "file", "file": {"file_data": url}},
        }[kind]
        reply = chat(messages=[{"role": "user", "content": [part]}])
        assert reply.status_code == 400
        assert oracles.openai_error(400, reply.json()) == []
        assert elsewhere.connections == 0
    assert upstream.generations == []


@pytest.mark.conformance("C-056")
@pytest.mark.parametrize(
    "part",
    [
        {"type": "file", "file": {"file_data": "data:application/pdf;base64,JVBE"}},
        {"type": "file", "file": {"file_id": "file-1"}},
        {"type": "video", "video": {}},
    ],
    ids=["pdf", "id", "video"],
)
def test_a_part_nobody_reads_is_named(sdk, upstream, part):
    messages = [{"role": "user", "content": [{"type": "text", "text": "x"}, part]}]
    with pytest.raises(openai.BadRequestError) as caught:
        sdk.chat.completions.create(model="tiny", messages=messages)
    assert "messages[0].content[1]" in caught.value.message
    assert upstream.generations == []


@pytest.mark.conformance("C-056")
@pytest.mark.parametrize(
    "part",
    [
        {"type": "input_audio", "input_audio": {"data": "AA==", "format": "wav"}},
        {"type": "image_url", "image_url": {"url": PNG}},
    ],
    ids=["audio", "image"],
)
def test_a_backend_is_not_sent_what_it_cannot_read(served, upstream, part):
    body = {
        "model": "org/coder:7b",
        "messages": [{"role": "user", "content": [part]}],
    }
    reply = post(served, PATH, body)
    assert reply.status_code == 400
    assert reply.json()["error"]["param"] == "messages[0]"
    assert upstream.generations == []


@pytest.mark.conformance("C-056")
def test_audio_goes_to_a_server_that_may_read_it(sent):
    audio = {"type": "input_audio", "input_audio": {"data": "AA==", "format": "wav"}}
    messages = sent({"role": "user", "content": [audio]})["messages"]
    assert messages[0]["content"] == [audio]


@pytest.mark.conformance("C-057")
@pytest.mark.parametrize("content", [{}, {"content": None}, {"content": ""}], ids=repr)
def test_an_assistant_may_call_without_content(sent, content):
    assistant = {"role": "assistant", "tool_calls": [CALL], **content}
    messages = sent(USER, assistant, RESULT)["messages"]
    assert messages[1]["tool_calls"] == [CALL]
    assert messages[2] == RESULT


@pytest.mark.conformance("C-058")
@pytest.mark.parametrize("content", [{}, {"content": None}, {"content": []}], ids=repr)
def test_an_assistant_may_have_said_nothing(sent, content):
    messages = sent(USER, {"role": "assistant", **content}, USER)["messages"]
    assert messages[1]["content"] == ""


@pytest.mark.conformance("C-059")
@pytest.mark.parametrize(
    "choice",
    [
        {"type": "function", "function": {"name": "cat"}},
        {"type": "function", "name": "cat"},
        {"type": "allowed_tools", "mode": "required", "tools": [CAT]},
    ],
    ids=["named", "flat", "allowed"],
)
def test_a_named_tool_is_forced(sent, choice):
    body = sent(tools=[LS, CAT], tool_choice=choice)
    assert [tool["function"]["name"] for tool in body["tools"]] == ["cat"]
    assert body["tool_choice"] == "required"


@pytest.mark.conformance("C-059")
def test_a_named_tool_must_be_among_the_tools(chat):
    named = {"type": "function", "function": {"name": "rm"}}
    reply = chat(tools=[LS], tool_choice=named)
    assert reply.status_code == 400
    assert "rm" in reply.json()["error"]["message"]


@pytest.mark.conformance("C-060")
def test_no_choice_means_no_tools_upstream(sent):
    body = sent(tools=[LS], tool_choice="none")
    assert body.keys() & {"tools", "tool_choice"} == set()


@pytest.mark.conformance("C-061")
@pytest.mark.parametrize("mode", ["auto", "required"])
def test_allowed_tools_narrow_the_tools(sent, mode):
    allowed = {"mode": mode, "tools": [LS]}
    choice = {"type": "allowed_tools", "allowed_tools": allowed}
    body = sent(tools=[LS, CAT], tool_choice=choice)
    assert [tool["function"]["name"] for tool in body["tools"]] == ["ls"]
    assert body.get("tool_choice", "auto") == mode


@pytest.mark.conformance("C-062")
@pytest.mark.parametrize("stream", [False, True])
def test_calls_that_shall_not_be_parallel_are_one(chat, stream):
    calls = (ToolCall("call_1", "ls"), ToolCall("call_2", "cat", {"city": "x"}))
    steps = (*calls, Finish("tool_calls"), Usage(1, 2))
    reply = chat(*steps, tools=[LS, CAT], stream=stream, parallel_tool_calls=False)
    answer = reply.content if stream else reply.json()
    assert [call.name for call in oracles.calls_of("openai", answer)] == ["ls"]
    assert oracles.finish_of("openai", answer) == "tool_calls"


@pytest.mark.conformance("C-063")
def test_two_choices_are_two(sdk, upstream):
    upstream.replay("chat_stream_n2")
    reply = sdk.chat.completions.create(model="tiny", messages=[USER], n=2)
    assert [choice.index for choice in reply.choices] == [0, 1]
    assert all(choice.message.content for choice in reply.choices)
    assert upstream.generations[-1].json["n"] == 2


@pytest.mark.conformance("C-063")
def test_a_backend_of_one_choice_says_so(served, upstream):
    with (
        strict_openai(served) as client,
        pytest.raises(openai.BadRequestError) as caught,
    ):
        client.chat.completions.create(model="org/coder:7b", messages=[USER], n=2)
    assert caught.value.param == "n"
    assert upstream.generations == []


@pytest.mark.conformance("C-064")
@pytest.mark.parametrize("stop", ["END", ["END"], ["", "END", "never"]], ids=repr)
def test_stop_strings_go_upstream(sent, stop):
    wanted = [text for text in ([stop] if isinstance(stop, str) else stop) if text]
    assert sent(stop=stop)["stop"] == wanted


@pytest.mark.conformance("C-064")
@pytest.mark.parametrize("stream", [False, True])
def test_nothing_behind_a_stop_string_is_told(chat, stream):
    steps = (Text("a E"), Text("N"), Text("D b"), Text(" c"), Finish(), Usage(1, 4))
    reply = chat(*steps, stop="END", stream=stream)
    answer = reply.content if stream else reply.json()
    assert oracles.text_of("openai", answer) == "a "
    assert oracles.finish_of("openai", answer) == "stop"


@pytest.mark.conformance("C-064")
def test_a_stop_string_that_was_only_begun_is_told(chat):
    reply = chat(Text("a E"), Text("N"), Finish(), Usage(1, 2), stop="END")
    assert oracles.text_of("openai", reply.json()) == "a EN"


@pytest.mark.conformance("C-065")
@pytest.mark.parametrize("given", [{}, {"temperature": 0}, {"temperature": 0.7}])
def test_the_temperature_is_what_was_given(sent, given):
    body = sent(**given)
    assert {k: v for k, v in body.items() if k == "temperature"} == given


@pytest.mark.conformance("C-065")
def test_sampling_fields_that_are_null_stay_absent(sent):
    body = sent(temperature=None, top_p=None, seed=None, stop=None, n=None)
    assert body.keys() & {"temperature", "top_p", "seed", "stop", "n"} == set()


@pytest.mark.conformance("C-066")
def test_a_schema_for_the_reply_goes_upstream(sent):
    inner = {"name": "place", "schema": CITY, "strict": True}
    wanted = {"type": "json_schema", "json_schema": inner}
    assert sent(response_format=wanted)["response_format"] == wanted


@pytest.mark.conformance("C-066")
def test_a_wish_for_json_goes_upstream(sent):
    wanted = {"type": "json_object"}
    assert sent(response_format=wanted)["response_format"] == wanted
    assert "response_format" not in sent(response_format={"type": "text"})


@pytest.mark.conformance("C-067")
def test_a_tool_without_parameters_gets_empty_ones(sent):
    functions = [tool["function"] for tool in sent(tools=[LS, CAT])["tools"]]
    assert functions[0]["parameters"] == {"type": "object", "properties": {}}
    assert functions[1]["parameters"] == CITY


@pytest.mark.conformance("C-067")
def test_a_repair_is_told_in_a_header(chat):
    assert chat(tools=[LS]).headers["x-proxyapp-repairs"]
    assert "x-proxyapp-repairs" not in chat(tools=[CAT]).headers


@pytest.mark.conformance("C-068")
def test_bodies_are_compact(sent, upstream):
    sent({"role": "user", "content": "h\u00e9llo"}, tools=[CAT], temperature=0.5)
    raw = upstream.generations[-1].body
    assert raw == jsons.dumps(json.loads(raw))
    assert "h\u00e9llo".encode() in raw


@pytest.mark.conformance("C-069")
def test_results_follow_their_calls_in_order(sent):
    calls = [{**CALL, "id": name} for name in ("a", "b", "c")]
    results = [{**RESULT, "tool_call_id": name} for name in ("c", "a")]
    assistant = {"role": "assistant", "content": None, "tool_calls": calls}
    messages = sent(USER, assistant, *results)["messages"]
    told = [(m["tool_call_id"], m["content"]) for m in messages[2:]]
    assert [name for name, _ in told] == ["a", "b", "c"]
    assert (told[0][1], told[2][1]) == ("etc", "etc")
    assert told[1][1]


@pytest.mark.conformance("C-069")
def test_an_orphan_result_is_kept_as_text(sent):
    messages = sent(USER, {**RESULT, "tool_call_id": "gone"})["messages"]
    assert [m["role"] for m in messages] == ["user"]
    assert "etc" in messages[0]["content"]
    assert "gone" in messages[0]["content"]


@pytest.mark.conformance("C-070")
@pytest.mark.parametrize(
    "arguments", ['{"a":', "not json", "", None, {"a": 1}, "[1]", "7", '"x"'], ids=repr
)
def test_arguments_in_the_history_are_objects(sent, arguments):
    call = {**CALL, "function": {"name": "ls", "arguments": arguments}}
    assistant = {"role": "assistant", "content": None, "tool_calls": [call]}
    function = sent(USER, assistant, RESULT)["messages"][1]["tool_calls"][0]["function"]
    assert isinstance(json.loads(function["arguments"]), dict)


@pytest.mark.conformance("C-070")
def test_a_call_in_the_history_without_a_type_gets_it(sent):
    call = {key: value for key, value in CALL.items() if key != "type"}
    assistant = {"role": "assistant", "content": None, "tool_calls": [call]}
    messages = sent(USER, assistant, RESULT)["messages"]
    assert messages[1]["tool_calls"] == [CALL]


@pytest.mark.conformance("C-072")
@pytest.mark.parametrize(
    ("effort", "thinks"), [("none", False), ("low", True), ("high", True)]
)
def test_the_effort_goes_upstream(sent, effort, thinks):
    body = sent(reasoning_effort=effort)
    assert body["reasoning_effort"] == effort
    assert body["chat_template_kwargs"]["enable_thinking"] is thinks


@pytest.mark.conformance("C-073")
def test_what_the_server_refuses_is_told_in_words(sdk, upstream):
    upstream.replay("chat_tools_logprobs_stream")
    with pytest.raises(openai.BadRequestError) as caught:
        sdk.chat.completions.create(
            model="tiny", messages=[USER], tools=[LS], logprobs=True
        )
    assert "logprobs is not supported with tools" in caught.value.message
    assert caught.value.param == "logprobs"


def test_log_probabilities_are_told(sdk, upstream):
    upstream.replay("chat_stream_logprobs")
    reply = sdk.chat.completions.create(
        model="tiny", messages=[USER], logprobs=True, top_logprobs=2
    )
    told = reply.choices[0].logprobs.content
    assert "".join(item.token for item in told)
    assert all(len(item.top_logprobs) == 2 for item in told)


def test_the_tool_round_trip_of_the_sdk(sdk, upstream):
    upstream.script(ToolCall("call_1", "cat", {"city": "Rome"}), Finish("tool_calls"))
    upstream.script(Text("Sunny."), Finish(), Usage(9, 1))
    asked = sdk.chat.completions.create(model="tiny", messages=[USER], tools=[CAT])
    call = asked.choices[0].message.tool_calls[0]
    answered = sdk.chat.completions.create(
        model="tiny",
        messages=[
            USER,
            asked.choices[0].message,
            {"role": "tool", "tool_call_id": call.id, "content": "sun"},
        ],
        tools=[CAT],
    )
    assert answered.choices[0].message.content == "Sunny."
    history = upstream.generations[-1].json["messages"]
    assert json.loads(history[1]["tool_calls"][0]["function"]["arguments"]) == {
        "city": "Rome"
    }
    assert history[2] == {
        "role": "tool",
        "tool_call_id": "call_1",
        "content": "sun",
    }
