import pytest

from proxyapp.backends.copilot.models import COMPLETIONS
from proxyapp.backends.copilot.models import CopilotModel
from proxyapp.backends.copilot.models import MESSAGES
from proxyapp.backends.copilot.models import RESPONSES
from proxyapp.backends.copilot.options import encode_options
from proxyapp.backends.copilot.options import encode_payload
from proxyapp.errors import BadRequest
from proxyapp.neutral.messages import Tool
from proxyapp.neutral.request import ChatRequest
from proxyapp.neutral.request import Reasoning
from proxyapp.neutral.request import ResponseFormat
from proxyapp.neutral.request import Sampling
from proxyapp.neutral.request import ToolChoice

TOOLS = (Tool("ls"), Tool("cat"))


def model(api, **fields):
    return CopilotModel("m", api, output=1000, **fields)


def asked(**fields):
    return ChatRequest("m", (), **fields)


def payload(api, reasoning=False, **fields):
    return encode_payload(asked(**fields), model(api, reasoning=reasoning))


@pytest.mark.parametrize(("given", "sent"), [(None, 1000), (7, 7), (5000, 1000)])
def test_a_limit_is_always_sent_and_never_above_the_models(given, sent):
    request = asked(sampling=Sampling(max_tokens=given))
    assert encode_options(request, model(MESSAGES))["maxTokens"] == sent


def test_a_model_without_known_limit_gets_none():
    assert encode_options(asked(), CopilotModel("m", MESSAGES)) == {}


@pytest.mark.parametrize(
    ("levels", "effort", "level"),
    [
        ((), "high", "high"),
        (("low", "high"), "high", "high"),
        (("low", "high"), "minimal", "low"),
        (("low", "high"), "max", "high"),
        (("low",), "none", "off"),
    ],
)
def test_the_nearest_level_of_thinking_is_asked_for(levels, effort, level):
    request = asked(reasoning=Reasoning(effort))
    thinks = model(RESPONSES, reasoning=True, levels=levels)
    assert encode_options(request, thinks)["reasoning"] == level


def test_a_model_that_cannot_think_is_not_asked_to():
    request = asked(reasoning=Reasoning("high"))
    assert "reasoning" not in encode_options(request, model(COMPLETIONS))


def test_claude_does_not_think_when_it_must_call():
    choice = ToolChoice("required")
    request = asked(reasoning=Reasoning("high"), tools=TOOLS, tool_choice=choice)
    thinks = model(MESSAGES, reasoning=True)
    assert encode_options(request, thinks)["reasoning"] == "off"


@pytest.mark.parametrize(
    ("api", "reasoning", "effort", "sent"),
    [
        (COMPLETIONS, True, "high", True),
        (RESPONSES, True, None, False),
        (RESPONSES, False, None, True),
        (MESSAGES, True, None, True),
        (MESSAGES, True, "high", False),
        (MESSAGES, True, "none", True),
    ],
)
def test_temperature_goes_only_where_it_is_taken(api, reasoning, effort, sent):
    sampling = Sampling(fields={"temperature": 0.5, "top_p": 0.9})
    request = asked(sampling=sampling, reasoning=Reasoning(effort))
    told = model(api, reasoning=reasoning)
    assert ("temperature" in encode_options(request, told)) is sent
    assert ("top_p" in encode_payload(request, told)) is sent


def test_sampling_goes_under_the_names_of_the_api():
    fields = {"seed": 1, "top_k": 5, "top_p": 0.5, "min_p": 0.1, "logit_bias": {}}
    sampling = Sampling(stop=("END",), fields=fields)
    assert payload(COMPLETIONS, sampling=sampling) == {
        "seed": 1,
        "top_p": 0.5,
        "logit_bias": {},
        "stop": ["END"],
    }
    assert payload(RESPONSES, sampling=sampling) == {"top_p": 0.5}
    assert payload(MESSAGES, sampling=sampling) == {
        "top_k": 5,
        "top_p": 0.5,
        "stop_sequences": ["END"],
    }


@pytest.mark.conformance("C-205")
@pytest.mark.parametrize(
    ("api", "choice", "sent"),
    [
        (COMPLETIONS, ToolChoice(), None),
        (COMPLETIONS, ToolChoice("required"), "required"),
        (
            COMPLETIONS,
            ToolChoice("required", ("ls",)),
            {"type": "function", "function": {"name": "ls"}},
        ),
        (COMPLETIONS, ToolChoice("required", ("ls", "cat")), "required"),
        (RESPONSES, ToolChoice("required"), "required"),
        (
            RESPONSES,
            ToolChoice("required", ("ls",)),
            {"type": "function", "name": "ls"},
        ),
        (MESSAGES, ToolChoice(), None),
        (MESSAGES, ToolChoice("none"), None),
        (MESSAGES, ToolChoice("required"), {"type": "any"}),
        (MESSAGES, ToolChoice("required", ("ls",)), {"type": "tool", "name": "ls"}),
        (MESSAGES, ToolChoice("required", ("ls", "cat")), {"type": "any"}),
    ],
)
def test_a_choice_of_tools_is_spelled_as_the_api_has_it(api, choice, sent):
    assert payload(api, tools=TOOLS, tool_choice=choice).get("tool_choice") == sent


@pytest.mark.parametrize(
    ("api", "sent"),
    [
        (COMPLETIONS, {"parallel_tool_calls": False}),
        (RESPONSES, {"parallel_tool_calls": False}),
        (
            MESSAGES,
            {"tool_choice": {"type": "auto", "disable_parallel_tool_use": True}},
        ),
    ],
)
def test_one_call_at_a_time_is_asked_for_in_the_apis_words(api, sent):
    assert payload(api, tools=TOOLS, parallel_tool_calls=False) == sent


def test_a_json_format_goes_where_the_api_has_one():
    wanted = ResponseFormat({"type": "object"}, "answer", strict=True)
    named = {"name": "answer", "schema": {"type": "object"}, "strict": True}
    assert payload(COMPLETIONS, response_format=wanted) == {
        "response_format": {"type": "json_schema", "json_schema": named}
    }
    assert payload(RESPONSES, response_format=wanted) == {
        "text": {"format": {"type": "json_schema", **named}}
    }
    plain = {"type": "json_object"}
    assert payload(COMPLETIONS, response_format=ResponseFormat()) == {
        "response_format": plain
    }
    assert payload(RESPONSES, response_format=ResponseFormat()) == {
        "text": {"format": plain}
    }


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"n": 2}, "n"),
        ({"sampling": Sampling(fields={"logprobs": True})}, "logprobs"),
        ({"response_format": ResponseFormat()}, "response_format"),
    ],
)
def test_what_cannot_be_carried_is_refused_by_its_name(fields, param):
    with pytest.raises(BadRequest) as refused:
        payload(MESSAGES, **fields)
    assert refused.value.param == param
