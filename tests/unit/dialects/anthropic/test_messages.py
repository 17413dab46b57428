import pytest

from proxyapp.dialects.anthropic.messages import decode_prompt
from proxyapp.dialects.anthropic.messages import decode_request
from proxyapp.dialects.anthropic.messages import shows_thinking
from proxyapp.errors import BadRequest
from proxyapp.neutral.messages import Message
from proxyapp.neutral.messages import TextPart
from proxyapp.neutral.messages import Tool
from proxyapp.neutral.messages import ToolResult
from proxyapp.neutral.request import Reasoning
from proxyapp.neutral.request import ResponseFormat
from proxyapp.neutral.request import ToolChoice

BODY = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
ASKED = {**BODY, "max_tokens": 5}
HI = Message("user", (TextPart("hi"),))


def conversation(*messages, **fields):
    body = {**BODY, "messages": list(messages), **fields}
    return decode_prompt(body, ()).messages


def test_what_is_asked_for_is_read():
    tool = Tool("ls")
    more = {"stream": True, "stop_sequences": ["x", ""], "top_k": 5, "zzz": 1}
    choice = {"type": "any", "disable_parallel_tool_use": True}
    request = decode_request({**ASKED, **more, "tool_choice": choice}, (tool,))
    assert request.model == "m"
    assert request.messages == (HI,)
    assert request.tools == (tool,)
    assert request.tool_choice == ToolChoice("required")
    assert request.parallel_tool_calls is False
    assert request.stream is True
    assert request.sampling.max_tokens == 5
    assert request.sampling.stop == ("x",)
    assert request.sampling.fields["top_k"] == 5


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"max_tokens": None}, "max_tokens: Field required"),
        ({"model": None}, "model: Field required"),
        ({"messages": None}, "messages: Field required"),
        ({"messages": []}, "messages: is empty."),
        ({"messages": [5]}, "messages.0: must be an object."),
    ],
)
def test_what_is_missing_is_said(fields, words):
    with pytest.raises(BadRequest) as raised:
        decode_request({**ASKED, **fields}, ())
    assert raised.value.message == words


def test_a_strange_role_is_named():
    with pytest.raises(BadRequest, match=r"^messages\.0\.role: "):
        conversation({"role": "tool", "content": "x"})


def test_a_prompt_needs_no_limit():
    assert decode_prompt(BODY, ()).sampling.max_tokens is None


def test_the_system_prompt_comes_first():
    system = [{"type": "text", "text": "One."}, {"type": "text", "text": "Two."}]
    told = conversation(*BODY["messages"], system=system)
    assert [message.role for message in told] == ["system", "system", "user"]
    assert told[0].text == "One."


def test_results_are_told_before_the_words_of_their_turn():
    result = {"type": "tool_result", "tool_use_id": "c"}
    words = {"type": "text", "text": "go on"}
    told = conversation({"role": "user", "content": [words, result]})
    assert told == (
        Message("tool", (ToolResult("c"),)),
        Message("user", (TextPart("go on"),), same_turn=True),
    )


def test_a_turn_of_results_alone_has_no_words():
    result = {"type": "tool_result", "tool_use_id": "c"}
    told = conversation({"role": "user", "content": [result]})
    assert [message.role for message in told] == ["tool"]


def test_a_turn_without_content_is_kept():
    assert conversation({"role": "user", "content": ""}) == (Message("user"),)


def test_an_empty_late_system_message_is_dropped():
    late = {"role": "system", "content": ""}
    assert conversation(*BODY["messages"], late) == (HI,)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, None),
        ({"output_config": {"effort": "high"}}, Reasoning("high")),
        ({"thinking": {"type": "disabled"}}, Reasoning("none")),
        ({"thinking": {"type": "adaptive"}}, Reasoning("medium")),
        ({"thinking": {"type": "between_tools"}}, Reasoning("medium")),
        (
            {"thinking": {"type": "enabled", "budget_tokens": 2047}},
            Reasoning("low", 2047),
        ),
        (
            {"thinking": {"type": "enabled", "budget_tokens": 2048}},
            Reasoning("medium", 2048),
        ),
        (
            {"thinking": {"type": "enabled", "budget_tokens": 24576}},
            Reasoning("xhigh", 24576),
        ),
        (
            {"thinking": {"type": "adaptive"}, "output_config": {"effort": "max"}},
            Reasoning("max"),
        ),
        (
            {"thinking": {"type": "disabled"}, "output_config": {"effort": "max"}},
            Reasoning("none"),
        ),
    ],
)
def test_how_much_to_think_is_read(fields, expected):
    assert decode_prompt({**BODY, **fields}, ()).reasoning == expected


@pytest.mark.parametrize(
    ("thinking", "shown"),
    [
        (None, False),
        ({"type": "disabled"}, False),
        ({"type": "enabled", "budget_tokens": 1024}, True),
        ({"type": "adaptive"}, True),
        ({"type": "adaptive", "display": "summarized"}, True),
        ({"type": "adaptive", "display": "omitted"}, False),
    ],
)
def test_thinking_is_shown_to_those_who_asked_for_it(thinking, shown):
    assert shows_thinking({"thinking": thinking}) is shown


@pytest.mark.parametrize("place", ["output_format", "output_config"])
def test_the_wanted_shape_is_read_from_either_place(place):
    wanted = {"type": "json_schema", "schema": {"type": "object"}}
    given = {"format": wanted} if place == "output_config" else wanted
    request = decode_prompt({**BODY, place: given}, ())
    assert request.response_format == ResponseFormat({"type": "object"})


def test_an_unknown_format_is_none():
    request = decode_prompt({**BODY, "output_format": {"type": "text"}}, ())
    assert request.response_format is None


def test_mcp_servers_are_refused():
    with pytest.raises(BadRequest, match=r"^mcp_servers: "):
        decode_prompt({**BODY, "mcp_servers": [{}]}, ())
