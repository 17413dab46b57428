"""F. OpenAI Responses."""

import json

import openai
import pytest
import zstandard

from tests import oracles
from tests.conformance.conftest import QUICK
from tests.fakes.upstream import Cut
from tests.fakes.upstream import Error
from tests.fakes.upstream import Finish
from tests.fakes.upstream import Pause
from tests.fakes.upstream import Reasoning
from tests.fakes.upstream import Role
from tests.fakes.upstream import Text
from tests.fakes.upstream import ToolCall
from tests.fakes.upstream import Usage
from tests.oracles import sse
from tests.servers import running_gateway
from tests.speakers import get
from tests.speakers import post

PATH = "/v1/responses"
PIXEL = "data:image/png;base64,iVBORw0KGgo="
CITY = {"type": "object", "properties": {"city": {"type": "string"}}}
WEATHER = {"type": "function", "name": "weather", "parameters": CITY, "strict": False}
CALL = ToolCall("call_1", "weather", {"city": "Bern"}, fragments=3)
PATCH = {
    "type": "custom",
    "name": "patch",
    "description": "Change a file.",
    "format": {"type": "grammar", "syntax": "lark", "definition": "start: /.+/"},
}
AGENTS = {
    "type": "namespace",
    "name": "agents",
    "description": "Other agents.",
    "tools": [{"type": "function", "name": "wait", "parameters": CITY}],
}
CODEX = {"User-Agent": "codex_exec/0.169.0 (Debian 12.0.0; x86_64) xterm"}
SCRIPTS = {
    "text": [Text("Hel"), Text("lo 😀"), Finish("stop"), Usage(9, 2)],
    "empty": [Finish("stop"), Usage(9, 0)],
    "tool": [CALL, Finish("tool_calls"), Usage(9, 7)],
    "reasoning and tool": [
        Reasoning("It is "),
        Reasoning("far."),
        CALL,
        Finish("tool_calls"),
        Usage(9, 9, cached=4, reasoning=3),
    ],
    "everything": [
        Reasoning("Hm."),
        Text("I ask."),
        CALL,
        ToolCall("call_2", "weather", {"city": "Basel"}),
        Finish("tool_calls"),
        Usage(9, 20),
    ],
    "cut by a limit": [Text("Hel"), Finish("length"), Usage(9, 1)],
    "filtered": [Text("Hel"), Finish("content_filter"), Usage(9, 1)],
}
each_script = pytest.mark.parametrize("script", SCRIPTS.values(), ids=SCRIPTS)


def ask(gateway, given="hi", headers=None, **fields):
    """Ask, and read the whole answer."""
    body = {"model": "tiny", "input": given, "tools": [WEATHER], **fields}
    return post(gateway, PATH, body, headers)


def ask_events(gateway, given="hi", headers=None, **fields):
    """Ask for a stream, and give its events' data."""
    reply = ask(gateway, given, headers, stream=True, **fields)
    assert reply.headers["Content-Type"] == "text/event-stream; charset=utf-8"
    events, _ = sse.read(reply.content)
    return [json.loads(event.data) for event in events]


def sent(upstream):
    """Give the body of the one request that reached the model."""
    assert len(upstream.generations) == 1
    return upstream.generations[0].json


def refusal(gateway, **fields):
    """Ask for what cannot be had, and give the error."""
    reply = ask(gateway, **fields)
    assert reply.status_code == 400
    assert oracles.openai_error(400, reply.json()) == []
    return reply.json()["error"]


# ------------------------------------------------------------------------- replies


@pytest.mark.conformance("C-107")
@each_script
def test_a_whole_response_obeys_the_strict_models(gateway, upstream, script):
    upstream.script(*script)
    body = ask(gateway, metadata={"a": "b"}, temperature=0.5).json()
    assert oracles.openai_response(body) == []


@pytest.mark.conformance("C-107")
def test_the_strict_sdk_reads_a_whole_response(sdk, upstream):
    upstream.script(*SCRIPTS["everything"])
    reply = sdk.responses.create(model="tiny", input="hi", tools=[WEATHER])
    assert reply.output_text == "I ask."
    assert (reply.parallel_tool_calls, reply.tool_choice) == (True, "auto")
    assert reply.tools[0].name == "weather"


@pytest.mark.conformance("C-107")
@each_script
def test_a_response_obeys_openais_own_schema(gateway, upstream, script):
    upstream.script(*script)
    assert oracles.matches("response", ask(gateway).json()) == []


@pytest.mark.conformance("C-108")
@each_script
def test_a_stream_obeys_openais_own_schema(gateway, upstream, script):
    upstream.script(*script)
    raw = ask(gateway, stream=True).content
    assert oracles.stream_matches("response_event", raw) == []


@pytest.mark.conformance("C-108", "C-109", "C-110", "C-111", "C-112", "C-116")
@each_script
def test_a_stream_obeys_the_grammar(gateway, upstream, script):
    upstream.script(*script)
    reply = ask(gateway, stream=True)
    assert oracles.openai_responses_stream(reply.content) == []


@pytest.mark.conformance("C-108")
def test_the_strict_sdk_reads_a_stream(sdk, upstream):
    upstream.script(*SCRIPTS["everything"])
    with sdk.responses.stream(model="tiny", input="hi", tools=[WEATHER]) as stream:
        final = stream.until_done().get_final_response()
    kinds = [item.type for item in final.output]
    assert kinds == ["reasoning", "message", "function_call", "function_call"]
    assert final.output_text == "I ask."


@pytest.mark.conformance("C-109")
def test_events_are_numbered_from_zero_without_a_gap(gateway, upstream):
    upstream.script(*SCRIPTS["everything"])
    numbers = [event["sequence_number"] for event in ask_events(gateway)]
    assert numbers == list(range(len(numbers)))


@pytest.mark.conformance("C-110")
def test_data_repeats_the_events_name_and_nests_the_response(gateway, upstream):
    reply = ask(gateway, stream=True)
    events, _ = sse.read(reply.content)
    assert [event.name for event in events] == [
        json.loads(event.data)["type"] for event in events
    ]
    assert json.loads(events[0].data)["response"]["object"] == "response"


@pytest.mark.conformance("C-111")
def test_items_close_although_the_upstream_gives_no_reason_to_end(gateway, upstream):
    upstream.script(Text("Hello"), CALL)
    kinds = [event["type"] for event in ask_events(gateway)]
    assert kinds.count("response.output_item.added") == 2
    assert kinds.count("response.output_item.done") == 2
    assert kinds[-1] == "response.completed"


@pytest.mark.conformance("C-112")
def test_text_events_say_where_they_belong(gateway, upstream):
    events = ask_events(gateway)
    texts = [event for event in events if ".output_text." in event["type"]]
    item_id = events[2]["item"]["id"]
    assert len(texts) == 3
    for event in texts:
        assert (event["item_id"], event["logprobs"]) == (item_id, [])
        assert (event["output_index"], event["content_index"]) == (0, 0)


@pytest.mark.conformance("C-113")
@pytest.mark.parametrize(
    ("steps", "ending", "reason"),
    [
        ([Text("a"), Finish("stop")], "completed", None),
        ([Text("a"), Finish("length")], "incomplete", "max_output_tokens"),
        ([Text("a"), Finish("content_filter")], "incomplete", "content_filter"),
        ([Text("a"), Error("broken")], "failed", None),
    ],
    ids=["stop", "length", "filter", "error"],
)
def test_the_last_event_tells_how_it_ended(gateway, upstream, steps, ending, reason):
    upstream.script(*steps)
    last = ask_events(gateway)[-1]
    assert last["type"] == f"response.{ending}"
    details = last["response"]["incomplete_details"] or {}
    assert details.get("reason") == reason


@pytest.mark.conformance("C-114")
def test_the_last_event_repeats_the_items_and_counts_tokens(gateway, upstream):
    upstream.script(*SCRIPTS["reasoning and tool"])
    events = ask_events(gateway)
    done = [e["item"] for e in events if e["type"] == "response.output_item.done"]
    response = events[-1]["response"]
    assert response["output"] == done
    assert response["usage"] == {
        "input_tokens": 9,
        "input_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 0},
        "output_tokens": 9,
        "output_tokens_details": {"reasoning_tokens": 3},
        "total_tokens": 18,
    }


@pytest.mark.conformance("C-114")
@each_script
def test_whole_and_streamed_responses_say_the_same(gateway, upstream, script):
    upstream.script(*script)
    streamed = ask(gateway, stream=True).content
    whole = ask(gateway).json()
    assert oracles.read("responses", streamed) == oracles.read("responses", whole)


@pytest.mark.reliability("R-003")
@pytest.mark.conformance("C-115")
def test_a_cut_in_the_middle_is_a_failed_response(gateway, upstream):
    upstream.script(Text("Hel"), Pause(0.5), Cut())
    reply = ask(gateway, stream=True)
    assert oracles.openai_responses_stream(reply.content, expect_error=True) == []
    events, _ = sse.read(reply.content)
    failed = json.loads(events[-1].data)
    assert failed["type"] == "response.failed"
    assert failed["response"]["error"]["code"] == "server_error"


@pytest.mark.conformance("C-115")
def test_a_failure_after_mere_heartbeats_still_opens_the_response(gateway, upstream):
    upstream.script(Pause(1.6), Cut())
    reply = ask(gateway, stream=True)
    assert b": ping\n\n" in reply.content
    assert oracles.openai_responses_stream(reply.content, expect_error=True) == []


@pytest.mark.conformance("C-116")
def test_a_stream_has_no_done_mark(gateway, upstream):
    assert b"[DONE]" not in ask(gateway, stream=True).content


@pytest.mark.reliability("R-013")
def test_heartbeats_are_comments(gateway, upstream):
    upstream.script(Role(), Pause(1.6), Text("Hello"), Finish("stop"), Usage(1, 1))
    reply = ask(gateway, stream=True)
    assert b": ping\n\n" in reply.content
    assert oracles.openai_responses_stream(reply.content) == []


def test_heartbeats_for_codex_are_events(gateway, upstream):
    upstream.script(Pause(1.6), Text("Hello"), Finish("stop"), Usage(1, 1))
    reply = ask(gateway, headers=CODEX, stream=True)
    assert b"\n: " not in reply.content
    assert reply.content.count(b"event: response.in_progress") > 1
    assert reply.content.count(b"event: response.created") == 1
    assert oracles.openai_responses_stream(reply.content) == []


# ------------------------------------------------------------------------ requests


@pytest.mark.conformance("C-117")
def test_instructions_lead_and_a_string_is_one_user_turn(gateway, upstream):
    ask(gateway, "Hello?", instructions="Be brief.")
    assert sent(upstream)["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hello?"},
    ]


@pytest.mark.conformance("C-118")
def test_calls_and_their_outputs_go_round(gateway, upstream):
    upstream.script(*SCRIPTS["everything"])
    first = ask(gateway).json()["output"]
    upstream.reset()
    outputs = [
        {"type": "function_call_output", "call_id": "call_2", "output": "wet"},
        {"type": "function_call_output", "call_id": "call_1", "output": "dry"},
    ]
    ask(gateway, [{"role": "user", "content": "hi"}, *first, *outputs])
    messages = sent(upstream)["messages"]
    assert [message["role"] for message in messages] == [
        "user",
        "assistant",
        "tool",
        "tool",
    ]
    calls = messages[1]["tool_calls"]
    assert messages[1]["content"] == "I ask."
    assert [call["id"] for call in calls] == ["call_1", "call_2"]
    assert json.loads(calls[0]["function"]["arguments"]) == {"city": "Bern"}
    assert [m["tool_call_id"] for m in messages[2:]] == ["call_1", "call_2"]
    assert [m["content"] for m in messages[2:]] == ["dry", "wet"]


@pytest.mark.conformance("C-119")
def test_an_output_may_hold_text_and_an_image(sdk, upstream):
    call = {
        "type": "function_call",
        "call_id": "call_1",
        "name": "weather",
        "arguments": "{}",
    }
    content = [
        {"type": "input_text", "text": "A map:"},
        {"type": "input_image", "image_url": PIXEL, "detail": "auto"},
    ]
    output = {"type": "function_call_output", "call_id": "call_1", "output": content}
    sdk.responses.create(model="tiny", input=[call, output], tools=[WEATHER])
    tool, user = sent(upstream)["messages"][1:]
    assert (tool["role"], tool["content"]) == ("tool", "A map:")
    assert user["content"][0]["image_url"]["url"] == PIXEL


@pytest.mark.conformance("C-120")
@pytest.mark.parametrize(
    "thought",
    [
        {"summary": [{"type": "summary_text", "text": "Hm."}]},
        {"summary": [], "encrypted_content": "gAAAA"},
        {"summary": [], "content": [{"type": "reasoning_text", "text": "Hm."}]},
        {"summary": None, "content": None, "encrypted_content": None},
    ],
    ids=["summary", "encrypted", "content", "nothing"],
)
def test_a_thought_may_come_back(gateway, upstream, thought):
    items = [
        {"role": "user", "content": "hi"},
        {"type": "reasoning", "id": "rs_1", **thought},
        {"role": "assistant", "content": "Hello."},
        {"role": "user", "content": "Go on."},
    ]
    assert ask(gateway, items).status_code == 200
    roles = [message["role"] for message in sent(upstream)["messages"]]
    assert roles == ["user", "assistant", "user"]


@pytest.mark.conformance("C-121")
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("previous_response_id", "resp_1"),
        ("conversation", "conv_1"),
        ("background", True),
        ("prompt", {"id": "pmpt_1"}),
    ],
)
def test_what_needs_stored_responses_is_refused_by_name(sdk, upstream, name, value):
    with pytest.raises(openai.BadRequestError) as caught:
        sdk.responses.create(model="tiny", input="hi", **{name: value})
    assert caught.value.param == name
    assert upstream.generations == []


@pytest.mark.conformance("C-121")
def test_a_reference_to_a_stored_item_is_refused(gateway, upstream):
    error = refusal(gateway, given=[{"type": "item_reference", "id": "msg_1"}])
    assert error["param"] == "input[0]"


@pytest.mark.conformance("C-122")
@pytest.mark.parametrize(
    "tool",
    [
        {"type": "web_search"},
        {"type": "file_search", "vector_store_ids": ["vs_1"]},
        {"type": "mcp", "server_label": "x", "server_url": "https://example.com"},
        {"type": "code_interpreter", "container": {"type": "auto"}},
        {"type": "computer_use_preview", "environment": "linux"},
        {"type": "image_generation"},
        {"type": "local_shell"},
        {"type": "tool_search"},
    ],
    ids=lambda tool: tool["type"],
)
def test_a_tool_that_openai_runs_is_refused_by_type(gateway, upstream, tool):
    error = refusal(gateway, tools=[WEATHER, tool])
    assert error["param"] == "tools[1].type"
    assert tool["type"] in error["message"]
    assert upstream.generations == []


@pytest.fixture(scope="module")
def dropping(only_upstream):
    """Run a gateway that leaves hosted tools out."""
    with running_gateway(
        only_upstream.url, PROXYAPP_TOOLS__HOSTED="drop", **QUICK
    ) as running:
        yield running


@pytest.mark.conformance("C-122")
def test_hosted_tools_are_dropped_by_setting_and_others_stay(dropping, upstream):
    reply = ask(dropping, tools=[{"type": "web_search"}, WEATHER])
    assert reply.headers["x-proxyapp-repairs"] == "hosted-tool-dropped"
    names = [tool["function"]["name"] for tool in sent(upstream)["tools"]]
    assert names == ["weather"]
    assert [tool["name"] for tool in reply.json()["tools"]] == ["weather"]


@pytest.mark.conformance("C-122")
def test_hosted_tools_of_codex_are_dropped_without_any_setting(gateway, upstream):
    reply = ask(gateway, headers=CODEX, tools=[WEATHER, {"type": "web_search"}])
    assert reply.headers["x-proxyapp-repairs"] == "hosted-tool-dropped"
    assert len(sent(upstream)["tools"]) == 1


@pytest.mark.conformance("C-122")
def test_a_choice_of_a_dropped_tool_is_refused(dropping, upstream):
    tool = {"type": "web_search"}
    error = refusal(dropping, tools=[WEATHER, tool], tool_choice=tool)
    assert error["param"] == "tool_choice"


@pytest.mark.conformance("C-123")
def test_a_custom_tool_is_wrapped_for_the_model(gateway, upstream):
    ask(gateway, tools=[PATCH])
    function = sent(upstream)["tools"][0]["function"]
    assert function["name"] == "patch"
    assert "start: /.+/" in function["description"]
    assert function["parameters"]["required"] == ["input"]


@pytest.mark.conformance("C-123")
def test_a_custom_call_comes_back_unwrapped(sdk, upstream):
    upstream.script(
        ToolCall("call_1", "patch", {"input": 'say "hi"\n'}, fragments=4),
        Finish("tool_calls"),
        Usage(1, 1),
    )
    with sdk.responses.stream(model="tiny", input="hi", tools=[PATCH]) as stream:
        events = list(stream)
    call = events[-1].response.output[0]
    assert (call.type, call.name, call.call_id) == (
        "custom_tool_call",
        "patch",
        "call_1",
    )
    assert call.input == 'say "hi"\n'
    kinds = [event.type for event in events]
    assert "response.custom_tool_call_input.delta" in kinds
    assert "response.custom_tool_call_input.done" in kinds


@pytest.mark.conformance("C-123")
def test_a_custom_call_goes_round(gateway, upstream):
    items = [
        {"type": "custom_tool_call", "call_id": "c1", "name": "patch", "input": "x\n"},
        {"type": "custom_tool_call_output", "call_id": "c1", "output": "done"},
    ]
    ask(gateway, items, tools=[PATCH])
    assistant, tool = sent(upstream)["messages"]
    arguments = assistant["tool_calls"][0]["function"]["arguments"]
    assert json.loads(arguments) == {"input": "x\n"}
    assert (tool["tool_call_id"], tool["content"]) == ("c1", "done")


@pytest.mark.conformance("C-124")
def test_a_schema_for_the_reply_reaches_the_model(gateway, upstream):
    form = {"type": "json_schema", "name": "place", "schema": CITY, "strict": True}
    reply = ask(gateway, tools=[], text={"format": form})
    wanted = sent(upstream)["response_format"]
    assert wanted["type"] == "json_schema"
    assert wanted["json_schema"]["name"] == "place"
    assert wanted["json_schema"]["strict"] is True
    assert wanted["json_schema"]["schema"]["properties"] == CITY["properties"]
    assert reply.json()["text"]["format"]["name"] == "place"


@pytest.mark.conformance("C-124")
def test_any_json_object_can_be_asked_for(gateway, upstream):
    ask(gateway, tools=[], text={"format": {"type": "json_object"}})
    assert sent(upstream)["response_format"] == {"type": "json_object"}


def test_a_namespaced_tool_goes_there_and_back(gateway, upstream):
    upstream.script(
        ToolCall("call_1", "agents__wait", {"city": "Bern"}),
        Finish("tool_calls"),
        Usage(1, 1),
    )
    items = ask(gateway, tools=[AGENTS]).json()["output"]
    assert [(item["name"], item["namespace"]) for item in items] == [("wait", "agents")]
    upstream.reset()
    ask(gateway, [{"role": "user", "content": "hi"}, *items], tools=[AGENTS])
    again = sent(upstream)
    assert again["tools"][0]["function"]["name"] == "agents__wait"
    assert again["messages"][1]["tool_calls"][0]["function"]["name"] == "agents__wait"


def test_tools_may_stand_in_the_input(gateway, upstream):
    more = {"type": "additional_tools", "role": "developer", "tools": [AGENTS, PATCH]}
    ask(gateway, [more, {"role": "user", "content": "hi"}], tools=[])
    names = [tool["function"]["name"] for tool in sent(upstream)["tools"]]
    assert names == ["agents__wait", "patch"]


@pytest.mark.parametrize(
    ("choice", "wire"),
    [
        ("auto", (["weather", "patch"], None)),
        ("required", (["weather", "patch"], "required")),
        ({"type": "function", "name": "weather"}, (["weather"], "required")),
        ({"type": "custom", "name": "patch"}, (["patch"], "required")),
        (
            {
                "type": "allowed_tools",
                "mode": "auto",
                "tools": [{"type": "custom", "name": "patch"}],
            },
            (["patch"], None),
        ),
        ("none", ([], None)),
    ],
    ids=["auto", "required", "function", "custom", "allowed", "none"],
)
def test_a_choice_of_tools_is_kept(gateway, upstream, choice, wire):
    tools = [WEATHER, PATCH]
    if choice == "none":
        reply = ask(gateway, tools=tools, tool_choice=choice)
    else:
        upstream.script(*SCRIPTS["text"])
        reply = ask(gateway, tools=tools, tool_choice=choice)
    assert oracles.openai_response(reply.json()) == []
    body = sent(upstream)
    names = [tool["function"]["name"] for tool in body.get("tools", [])]
    assert (names, body.get("tool_choice")) == wire


def test_sampling_and_effort_reach_the_model(gateway, upstream):
    ask(
        gateway,
        max_output_tokens=64,
        temperature=0,
        top_p=0.9,
        parallel_tool_calls=False,
        reasoning={"effort": "high", "summary": "auto"},
        top_logprobs=3,
    )
    body = sent(upstream)
    assert (body["max_tokens"], body["temperature"], body["top_p"]) == (64, 0, 0.9)
    assert body["parallel_tool_calls"] is False
    assert body["reasoning_effort"] == "high"
    assert "top_logprobs" not in body


def test_fields_without_meaning_here_are_accepted_and_stay_here(gateway, upstream):
    fields = {
        "include": ["reasoning.encrypted_content"],
        "metadata": {"a": "b"},
        "prompt_cache_key": "k",
        "service_tier": "auto",
        "store": True,
        "truncation": "auto",
        "user": "u",
        "zzz": 1,
    }
    reply = ask(gateway, **fields)
    assert reply.status_code == 200
    assert reply.json()["metadata"] == {"a": "b"}
    assert not fields.keys() & sent(upstream).keys()


def test_the_path_works_without_its_version(gateway, upstream):
    reply = post(gateway, "/responses", {"model": "tiny", "input": "hi"})
    assert oracles.openai_response(reply.json()) == []


def test_a_compressed_request_is_read(gateway, upstream):
    raw = json.dumps({"model": "tiny", "input": "hi"}).encode()
    packed = zstandard.ZstdCompressor().compress(raw)
    headers = {"Content-Encoding": "zstd", "Content-Type": "application/json"}
    assert post(gateway, PATH, packed, headers).status_code == 200


def test_no_response_is_ever_stored(sdk, upstream):
    with pytest.raises(openai.NotFoundError):
        sdk.responses.retrieve("resp_1")


def test_a_stored_response_cannot_be_read_in_any_way(gateway, upstream):
    reply = get(gateway, f"{PATH}/resp_1/input_items")
    assert reply.status_code == 404
    assert oracles.openai_error(404, reply.json()) == []


def test_the_tokens_of_a_request_are_counted(sdk, upstream):
    counted = sdk.responses.input_tokens.count(model="tiny", input="hi")
    assert counted.input_tokens == 30


@pytest.mark.reliability("R-048")
def test_images_come_as_data_only(gateway, upstream):
    part = {"type": "input_image", "image_url": "https://example.com/a.png"}
    error = refusal(gateway, given=[{"role": "user", "content": [part]}])
    assert error["param"] == "input[0].content[0].image_url"


def test_an_overflow_is_told_before_the_stream(gateway, upstream):
    upstream.replay("err_context_overflow")
    error = refusal(gateway, stream=True)
    assert error["code"] == "context_length_exceeded"


def test_a_conversation_only_grows_at_its_end(gateway, upstream):
    start = [{"role": "developer", "content": "Be brief."}]
    start.append({"role": "user", "content": "hi"})
    upstream.script(*SCRIPTS["everything"])
    items = ask(gateway, start, tools=[WEATHER, PATCH, AGENTS]).json()["output"]
    output = {"type": "function_call_output", "call_id": "call_1", "output": "dry"}
    ask(gateway, [*start, *items, output], tools=[WEATHER, PATCH, AGENTS])
    first, second = [request.json for request in upstream.generations]
    count = len(first["messages"])
    assert second["messages"][:count] == first["messages"]
    assert second["tools"] == first["tools"]
