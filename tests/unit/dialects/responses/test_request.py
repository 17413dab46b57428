import pytest

from proxyapp.dialects.responses.request import decode_response
from proxyapp.dialects.responses.tools import ClientTools
from proxyapp.errors import BadRequest
from proxyapp.neutral.request import Reasoning
from proxyapp.neutral.request import ResponseFormat
from proxyapp.tools.repair import RepairedTools


def decode(**body):
    """Decode a request without tools."""
    return decode_response(body, ClientTools(), RepairedTools((), (), {}))


def test_everything_is_optional():
    request = decode()
    assert (request.model, request.messages, request.stream) == ("", (), False)
    assert request.parallel_tool_calls


def test_limits_and_sampling_are_read():
    sampling = decode(max_output_tokens=9, temperature=0, top_p=0.5).sampling
    assert sampling.max_tokens == 9
    assert (sampling.fields["temperature"], sampling.fields["top_p"]) == (0, 0.5)


def test_log_probabilities_are_not_asked_for():
    assert "top_logprobs" not in decode(top_logprobs=3).sampling.fields


def test_plain_text_is_no_format():
    assert decode(text={"format": {"type": "text"}}).response_format is None


def test_a_json_object_is_a_format_without_schema():
    wanted = decode(text={"format": {"type": "json_object"}}).response_format
    assert wanted == ResponseFormat()


def test_a_schema_is_a_format():
    form = {"type": "json_schema", "name": "n", "schema": {"type": "object"}}
    wanted = decode(text={"format": {**form, "strict": True}}).response_format
    assert wanted == ResponseFormat({"type": "object"}, "n", True)


def test_effort_is_read():
    assert decode(reasoning={"effort": "low"}).reasoning == Reasoning("low")


def test_codexs_highest_effort_is_the_highest():
    assert decode(reasoning={"effort": "ultra"}).reasoning == Reasoning("max")


def test_a_summary_alone_asks_for_no_effort():
    assert decode(reasoning={"summary": "auto"}).reasoning is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("previous_response_id", "resp_1"),
        ("conversation", {"id": "conv_1"}),
        ("background", True),
        ("prompt", {"id": "pmpt_1"}),
        ("max_output_tokens", 0),
        ("reasoning", "high"),
        ("text", "json"),
        ("model", 1),
        ("stream", "yes"),
        ("temperature", "hot"),
    ],
)
def test_what_cannot_be_served_is_refused_by_name(name, value):
    with pytest.raises(BadRequest) as caught:
        decode(**{name: value})
    assert caught.value.param == name


@pytest.mark.parametrize("value", [None, False, ""])
def test_an_empty_stateful_field_asks_for_nothing(value):
    assert decode(previous_response_id=value, background=value).model == ""
