"""What reaches Copilot: the conversation, the tools, the fields of the body."""

import json

import pytest

from tests.copilot_helper.process import of
from tests.copilot_helper.test_replies import COMPLETIONS
from tests.copilot_helper.test_replies import each_model
from tests.copilot_helper.test_replies import MESSAGES
from tests.copilot_helper.test_replies import RESPONSES
from tests.copilot_helper.test_replies import THINK

PIXEL = "iVBORw0KGgo="
SCHEMA = {
    "type": "object",
    "properties": {"place": {"$ref": "#/$defs/place"}},
    "required": ["place"],
    "additionalProperties": False,
    "$defs": {"place": {"anyOf": [{"type": "string"}, {"type": "null"}]}},
}
TOOL = {"name": "look", "description": "Look at a place.", "parameters": SCHEMA}


def called(call_id="call_1", **arguments):
    return {"type": "toolCall", "id": call_id, "name": "look", "arguments": arguments}


def result(text, call_id="call_1", **more):
    content = [{"type": "text", "text": text}]
    head = {"role": "toolResult", "toolCallId": call_id, "toolName": "look"}
    return {**head, "content": content, **more}


def turn(*content):
    return {"role": "assistant", "content": list(content)}


def user(text):
    return {"role": "user", "content": text}


def sent(github):
    """Give the body of the last call that asked for an answer."""
    return github.generations[-1].fields


def schema_of(tool):
    function = tool.get("function", tool)
    return function.get("parameters") or function.get("input_schema")


# ------------------------------------------------------------------- conversation


@each_model
def test_the_system_prompt_and_the_turns_arrive(either, github, auth, model):
    messages = [user("One."), turn({"type": "text", "text": "Two."}), user("Three.")]
    context = {"systemPrompt": "Be brief."}
    either.chat(messages=messages, context=context, model=model, auth=auth)
    text = json.dumps(sent(github))
    places = [text.index(word) for word in ("One.", "Two.", "Three.")]
    assert places == sorted(places)
    assert "Be brief." in text


@each_model
def test_a_turn_written_as_a_string_is_taken(either, github, auth, model):
    messages = [user("One."), {"role": "assistant", "content": "Two."}, user("Three.")]
    either.chat(messages=messages, model=model, auth=auth)
    assert "Two." in json.dumps(sent(github))


@pytest.mark.conformance("C-203")
@each_model
def test_a_thought_goes_back_as_a_thought_and_not_as_text(either, github, auth, model):
    ask = {"model": model, "auth": auth, "options": THINK}
    _, events = either.chat(said="play thinking_tool", **ask)
    thought = "".join(event["d"] for event in of("thinking", events))
    (end,) = of("thinking_end", events)
    (start,) = of("tool_start", events)
    block = {"type": "thinking", "thinking": thought}
    block["thinkingSignature"] = end["signature"]
    call = called(start["callId"], city="Paris")
    messages = [user("Hi."), turn(block, call), result("Sun.", start["callId"])]
    either.chat(messages=messages, **ask)
    signed = {
        COMPLETIONS: lambda body: body["messages"][1]["reasoning_text"] == thought,
        RESPONSES: lambda body: json.loads(end["signature"]) in body["input"],
        MESSAGES: lambda body: (
            body["messages"][1]["content"][0]
            == {"type": "thinking", "thinking": thought, "signature": end["signature"]}
        ),
    }
    assert signed[model](sent(github))


def test_a_redacted_thought_goes_back_as_it_came(either, github, auth):
    block = {"type": "thinking", "thinking": "", "redacted": True}
    block["thinkingSignature"] = "c2VhbGVk"
    messages = [user("Hi."), turn(block, called()), result("Sun.")]
    either.chat(messages=messages, model=MESSAGES, auth=auth, options=THINK)
    first = sent(github)["messages"][1]["content"][0]
    assert first == {"type": "redacted_thinking", "data": "c2VhbGVk"}


IDS = {
    COMPLETIONS: lambda m: [m[1]["tool_calls"][0]["id"], m[2]["tool_call_id"]],
    RESPONSES: lambda items: [item["call_id"] for item in items if "call_id" in item],
    MESSAGES: lambda m: [m[1]["content"][0]["id"], m[2]["content"][0]["tool_use_id"]],
}


@each_model
@pytest.mark.parametrize("call_id", ["call_1", "call_1|fc_1"])
def test_a_result_is_matched_with_its_call(either, github, auth, model, call_id):
    messages = [user("Look."), turn(called(call_id)), result("A wall.", call_id)]
    either.chat(messages=messages, model=model, auth=auth)
    text = json.dumps(sent(github))
    assert "A wall." in text
    assert "No result provided" not in text
    body = sent(github)
    ids = IDS[model](body.get("messages", body.get("input")))
    assert len(ids) == 2
    assert ids[0] == ids[1]


@each_model
def test_after_a_result_the_agent_speaks_and_else_the_user(either, github, auth, model):
    messages = [user("Look."), turn(called()), result("A wall.")]
    _, events = either.chat(messages=messages, model=model, auth=auth)
    assert github.generations[-1].initiator == events[0]["initiator"] == "agent"
    _, events = either.chat(model=model, auth=auth)
    assert github.generations[-1].initiator == events[0]["initiator"] == "user"


@each_model
def test_images_arrive_with_the_header_they_need(either, github, auth, model):
    image = {"type": "image", "data": PIXEL, "mimeType": "image/png"}
    messages = [user([{"type": "text", "text": "What is it?"}, image])]
    either.chat(messages=messages, model=model, auth=auth)
    assert github.generations[-1].images == [PIXEL]


def test_a_role_nobody_knows_is_refused(helper, auth):
    error = helper.failure(messages=[{"role": "__proto__"}], auth=auth)
    assert (error.code, "role" in str(error)) == (-32602, True)


# -------------------------------------------------------------------------- tools


@each_model
def test_the_whole_schema_of_a_tool_arrives(either, github, auth, model):
    either.chat(context={"tools": [TOOL]}, model=model, auth=auth)
    (tool,) = sent(github)["tools"]
    assert schema_of(tool) == SCHEMA


@each_model
def test_a_raw_schema_takes_the_place_of_a_tools_own(either, github, auth, model):
    raw = {"type": "object", "properties": {}, "x-own": 1}
    ask = {"context": {"tools": [TOOL]}, "rawTools": [{"name": "look"}]}
    ask["rawTools"][0]["parameters"] = raw
    either.chat(**ask, model=model, auth=auth)
    (tool,) = sent(github)["tools"]
    assert schema_of(tool) == raw


CHOICES = {
    COMPLETIONS: ("required", {"type": "function", "function": {"name": "look"}}),
    RESPONSES: ("required", {"type": "function", "name": "look"}),
    MESSAGES: ({"type": "any"}, {"type": "tool", "name": "look"}),
}


@each_model
def test_a_choice_of_tools_is_spelled_as_the_api_wants(either, github, auth, model):
    ask = {"context": {"tools": [TOOL]}, "model": model, "auth": auth}
    for choice, spelled in zip(
        ("required", {"name": "look"}), CHOICES[model], strict=True
    ):
        either.chat(**ask, options={"toolChoice": choice})
        assert sent(github)["tool_choice"] == spelled


# --------------------------------------------------------------------------- body

PATCHES = {
    COMPLETIONS: {"top_p": 0.5, "stop": ["x"], "seed": 3, "parallel_tool_calls": False},
    RESPONSES: {"top_p": 0.5, "text": {"format": {"type": "json_object"}}},
    MESSAGES: {"top_p": 0.5, "stop_sequences": ["x"], "metadata": {"user_id": "u"}},
}


@each_model
def test_a_patch_is_part_of_the_body(either, github, auth, model):
    either.chat(model=model, auth=auth, payloadPatch=PATCHES[model])
    assert PATCHES[model].items() <= sent(github).items()


@each_model
@pytest.mark.parametrize("key", ["n", "model", "messages", "stream", "__proto__"])
def test_a_patch_of_another_field_is_refused_by_its_name(
    helper, github, auth, model, key
):
    error = helper.failure(model=model, auth=auth, payloadPatch={key: {"x": 1}})
    assert (error.code, key in str(error)) == (-32602, True)
    assert github.generations == []


@each_model
def test_the_limit_and_the_temperature_arrive(either, github, auth, model):
    either.chat(model=model, auth=auth, options={"maxTokens": 321, "temperature": 0.25})
    body = sent(github)
    limits = ("max_tokens", "max_completion_tokens", "max_output_tokens")
    assert [body[name] for name in limits if name in body] == [321]
    assert body["temperature"] == 0.25


def test_thinking_is_asked_for_or_left_out(either, github, auth):
    either.chat(model=RESPONSES, auth=auth, options={"reasoning": "high"})
    assert sent(github)["reasoning"]["effort"] == "high"
    either.chat(model=RESPONSES, auth=auth, options={"reasoning": "off"})
    assert "reasoning" not in sent(github)


def test_a_level_that_is_too_high_becomes_the_highest(either, github, auth):
    either.chat(model=RESPONSES, auth=auth, options={"reasoning": "max"})
    assert sent(github)["reasoning"]["effort"] in ("xhigh", "high")


def test_a_model_no_catalogue_knows_is_reached_by_its_entry(either, github, auth):
    known = either.call("models.list", auth=auth)["models"]
    for name in ("nova-2", "gpt-9-codex"):
        (entry,) = (model for model in known if model["id"] == name)
        result, _ = either.chat(model=entry, auth=auth)
        assert result["stopReason"] == "stop"
        assert github.generations[-1].model == name


# -------------------------------------------------------------------------- models


def test_the_models_are_those_of_copilot(either, auth):
    models = {m["id"]: m for m in either.call("models.list", auth=auth)["models"]}
    assert "text-embedding-3-small" not in models
    apis = {name: model["api"] for name, model in models.items()}
    assert apis["gpt-4.1"] == apis["nova-2"] == "openai-completions"
    assert apis["gpt-5-mini"] == apis["gpt-9-codex"] == "openai-responses"
    assert apis["claude-haiku-4.5"] == apis["claude-opus-4.7"] == "anthropic-messages"
    haiku = models["claude-haiku-4.5"]
    assert (haiku["contextWindow"], haiku["maxTokens"]) == (200_000, 64_000)
    assert haiku["multiplier"] == 0.33
    assert models["nova-2"]["input"] == ["text"]
    assert models["gpt-5.3-codex"]["thinkingLevels"][-1] == "xhigh"
    enabled = {name for name, model in models.items() if model["enabled"]}
    assert set(models) - enabled == {"claude-opus-4.7", "grok-code-fast-1"}


def test_the_list_of_models_is_kept_until_it_is_asked_for_anew(helper, github, auth):
    for refresh, times in ((False, 1), (False, 1), (True, 2)):
        helper.call("models.list", auth=auth, refresh=refresh)
        assert len(github.requests_to("/models")) == times
