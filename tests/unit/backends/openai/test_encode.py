from types import MappingProxyType

import pytest

from proxyapp.backends.openai.encode import encode_chat
from proxyapp.backends.openai.encode import encode_completion
from proxyapp.backends.openai.encode import filtered
from proxyapp.backends.openai.encode import LLAMA_SAMPLING
from proxyapp.neutral.messages import Message
from proxyapp.neutral.messages import TextPart
from proxyapp.neutral.messages import Tool
from proxyapp.neutral.request import ChatRequest
from proxyapp.neutral.request import CompletionRequest
from proxyapp.neutral.request import Reasoning
from proxyapp.neutral.request import ResponseFormat
from proxyapp.neutral.request import Sampling
from proxyapp.neutral.request import ToolChoice
from proxyapp.settings.schema import Compat
from proxyapp.settings.schema import Filters

HI = (Message("user", (TextPart("hi"),)),)
LOOK, READ = Tool("look", "Look at it", {"type": "object"}), Tool("read")
LLAMA = Compat(llama_extensions=True)
PLAIN = Compat(supports_usage_in_stream=False)


def chat(compat=PLAIN, **fields):
    """Give what a request adds to the barest one."""
    body = encode_chat("up", ChatRequest("m", HI, **fields), compat)
    assert body.pop("messages") == [{"role": "user", "content": "hi"}]
    assert (body.pop("model"), body.pop("stream")) == ("up", True)
    return body


def completion(compat=PLAIN, **fields):
    body = encode_completion("up", CompletionRequest("m", "once", **fields), compat)
    assert (body.pop("model"), body.pop("stream")) == ("up", True)
    return body


def named(*tools):
    return [tool["function"]["name"] for tool in tools]


def test_the_barest_request_asks_for_a_stream_and_nothing_else():
    assert chat() == {}


def test_usage_is_asked_for_where_the_server_knows_it():
    assert chat(Compat()) == {"stream_options": {"include_usage": True}}


def test_a_tool_is_written_whole():
    function = {"name": "look", "description": "Look at it"}
    wire = {
        "type": "function",
        "function": {**function, "parameters": {"type": "object"}},
    }
    assert chat(tools=(LOOK,)) == {"tools": [wire]}


def test_a_tool_without_a_description_has_none():
    (tool,) = chat(tools=(READ,))["tools"]
    assert list(tool["function"]) == ["name", "parameters"]


@pytest.mark.parametrize(
    ("choice", "names", "wire"),
    [
        (ToolChoice(), ["look", "read"], None),
        (ToolChoice("required"), ["look", "read"], "required"),
        (ToolChoice("required", ("read",)), ["read"], "required"),
        (ToolChoice("auto", ("look",)), ["look"], None),
    ],
)
def test_a_choice_of_tools_sends_only_those(choice, names, wire):
    body = chat(tools=(LOOK, READ), tool_choice=choice)
    assert (named(*body["tools"]), body.get("tool_choice")) == (names, wire)


@pytest.mark.parametrize("choice", [ToolChoice("none"), ToolChoice("auto", ("x",))])
def test_where_no_tool_may_be_called_none_is_sent(choice):
    assert chat(tools=(LOOK,), tool_choice=choice, parallel_tool_calls=False) == {}


def test_one_call_at_a_time_is_asked_for():
    assert (
        chat(tools=(LOOK,), parallel_tool_calls=False)["parallel_tool_calls"] is False
    )


FIELDS = {"temperature": 0, "top_k": 5, "model": "x", "user": "ann", "banana": 1}


@pytest.mark.parametrize(
    ("compat", "kept"),
    [
        (PLAIN, {"temperature": 0}),
        (
            Compat(llama_extensions=True, supports_usage_in_stream=False),
            {"temperature": 0, "top_k": 5},
        ),
        (
            Compat(extra_sampling=("banana",), supports_usage_in_stream=False),
            {"temperature": 0, "banana": 1},
        ),
    ],
)
def test_only_fields_the_server_knows_are_sent(compat, kept):
    assert chat(compat, sampling=Sampling(fields=FIELDS)) == kept


def test_no_field_that_steers_the_reply_counts_as_sampling():
    steering = {"model", "messages", "stream", "tools", "n", "max_tokens", "id_slot"}
    assert LLAMA_SAMPLING & steering == set()


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
def test_the_token_limit_goes_under_the_name_the_server_knows(name):
    compat = Compat(max_tokens_field=name, supports_usage_in_stream=False)
    assert chat(compat, sampling=Sampling(0)) == {name: 0}


@pytest.mark.parametrize(("supported", "wire"), [(True, {"stop": ["a"]}), (False, {})])
def test_stop_strings_are_sent_where_the_server_knows_them(supported, wire):
    compat = Compat(supports_stop=supported, supports_usage_in_stream=False)
    assert chat(compat, sampling=Sampling(stop=("a",))) == wire


@pytest.mark.parametrize(
    ("wanted", "wire"),
    [
        (ResponseFormat(), {"type": "json_object"}),
        (
            ResponseFormat({"type": "object"}, "thing", True),
            {
                "type": "json_schema",
                "json_schema": {
                    "name": "thing",
                    "schema": {"type": "object"},
                    "strict": True,
                },
            },
        ),
        (
            ResponseFormat({}),
            {"type": "json_schema", "json_schema": {"name": "response", "schema": {}}},
        ),
    ],
)
def test_a_wish_for_json_is_written(wanted, wire):
    assert chat(response_format=wanted) == {"response_format": wire}
    assert completion(response_format=wanted)["response_format"] == wire


@pytest.mark.parametrize(
    ("reasoning", "wire"),
    [
        (Reasoning("high"), {"reasoning_effort": "high"}),
        (Reasoning("none"), {"reasoning_effort": "none"}),
        (Reasoning(budget=100), {}),
    ],
)
def test_any_server_is_told_the_effort(reasoning, wire):
    assert chat(reasoning=reasoning) == wire


@pytest.mark.parametrize(
    ("reasoning", "thinks", "more"),
    [
        (Reasoning("high"), True, {"reasoning_effort": "high"}),
        (Reasoning("none"), False, {"reasoning_effort": "none"}),
        (Reasoning(budget=100), True, {"thinking_budget_tokens": 100}),
    ],
)
def test_llama_server_is_told_by_its_template_too(reasoning, thinks, more):
    body = chat(LLAMA, reasoning=reasoning)
    del body["stream_options"]
    assert body == {"chat_template_kwargs": {"enable_thinking": thinks}, **more}


def test_what_the_client_tells_the_template_itself_wins():
    given = {"enable_thinking": False, "x": 1}
    sampling = Sampling(fields={"chat_template_kwargs": given})
    body = chat(LLAMA, sampling=sampling, reasoning=Reasoning("high"))
    assert body["chat_template_kwargs"] == given


def test_nonsense_for_the_template_gives_way():
    sampling = Sampling(fields={"chat_template_kwargs": "x"})
    body = chat(LLAMA, sampling=sampling, reasoning=Reasoning("high"))
    assert body["chat_template_kwargs"] == {"enable_thinking": True}


@pytest.mark.parametrize(("n", "wire"), [(1, {}), (3, {"n": 3})])
def test_several_choices_are_asked_for(n, wire):
    assert chat(n=n) == wire


def test_a_completion_is_written_with_what_it_was_given():
    sampling = Sampling(5, ("x",), {"seed": 1})
    body = completion(suffix="end", echo=True, sampling=sampling, n=2)
    assert body == {
        "prompt": "once",
        "suffix": "end",
        "echo": True,
        "seed": 1,
        "max_tokens": 5,
        "stop": ["x"],
        "n": 2,
    }


def test_the_barest_completion_is_its_prompt():
    assert completion() == {"prompt": "once"}


def test_the_owners_filters_have_the_last_word():
    filters = Filters(MappingProxyType({"seed": 1, "top_p": 0.5}), ("stop", "absent"))
    body = {"seed": 7, "stop": ["x"], "model": "m"}
    assert filtered(body, filters) == {"seed": 1, "model": "m", "top_p": 0.5}
    assert body == {"seed": 7, "stop": ["x"], "model": "m"}
