import pytest

from proxyapp.dialects.responses import document
from proxyapp.dialects.responses.tools import ClientTools
from proxyapp.dialects.responses.tools import Origin
from proxyapp.errors import BadRequest
from proxyapp.errors import ContextOverflow
from proxyapp.errors import ProxyError
from proxyapp.errors import UpstreamIncomplete
from proxyapp.errors import UpstreamRateLimited
from proxyapp.neutral.messages import ToolCall
from proxyapp.neutral.request import ChatRequest
from proxyapp.neutral.request import Reasoning
from proxyapp.neutral.request import ResponseFormat
from proxyapp.neutral.usage import Usage


def repeated(body=None, **fields):
    """Give what a response repeats."""
    return document.repeated(
        body or {}, ChatRequest("tiny", (), **fields), ClientTools()
    )


def test_the_request_is_repeated():
    body = {"instructions": "x", "temperature": 0, "user": "u", "tool_choice": "none"}
    told = repeated(body, parallel_tool_calls=False)
    assert body.items() <= told.items()
    assert (told["model"], told["parallel_tool_calls"]) == ("tiny", False)


def test_defaults_are_openais():
    told = repeated()
    assert (told["tool_choice"], told["truncation"]) == ("auto", "disabled")
    assert told["text"] == {"format": {"type": "text"}, "verbosity": "medium"}
    assert "user" not in told


def test_what_the_sdk_would_refuse_is_left_out():
    body = {"metadata": {"a": "b", "c": 1}, "truncation": "maybe", "user": 7}
    body |= {"reasoning": {"summary": "long"}, "text": {"verbosity": "loud"}}
    told = repeated(body)
    assert told["metadata"] == {"a": "b"}
    assert told["truncation"] == "disabled"
    assert told["reasoning"] == {"effort": None, "summary": None}
    assert told["text"]["verbosity"] == "medium"
    assert "user" not in told


def test_effort_and_summary_are_repeated():
    body = {"reasoning": {"effort": "ultra", "summary": "concise"}}
    told = repeated(body, reasoning=Reasoning("max"))
    assert told["reasoning"] == {"effort": "max", "summary": "concise"}


@pytest.mark.parametrize(
    ("wanted", "kind"),
    [(ResponseFormat(), "json_object"), (ResponseFormat({}), "json_schema")],
)
def test_the_format_is_repeated(wanted, kind):
    told = repeated(response_format=wanted)
    assert told["text"]["format"]["type"] == kind


@pytest.mark.parametrize(
    ("reason", "status", "details"),
    [
        ("stop", "completed", None),
        ("tool_calls", "completed", None),
        ("length", "incomplete", {"reason": "max_output_tokens"}),
        ("content_filter", "incomplete", {"reason": "content_filter"}),
    ],
)
def test_a_reason_to_stop_is_a_status(reason, status, details):
    assert document.status_of(reason) == status
    assert document.incomplete_details(reason) == details


def test_usage_holds_both_details():
    usage = document.usage_object(Usage(10, 5, 3, 2, 1))
    assert usage["input_tokens_details"] == {
        "cached_tokens": 3,
        "cache_write_tokens": 2,
    }
    assert usage["output_tokens_details"] == {"reasoning_tokens": 1}
    assert usage["total_tokens"] == 15


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UpstreamIncomplete("cut"), "server_error"),
        (ProxyError("x"), "server_error"),
        (UpstreamRateLimited("slower"), "rate_limit_exceeded"),
        (ContextOverflow(9, 8), "invalid_prompt"),
        (BadRequest("x"), "invalid_prompt"),
    ],
)
def test_failures_have_codes_the_sdk_knows(error, code):
    told = document.error_object(error)
    assert told == {"code": code, "message": error.message}


def test_a_call_has_the_clients_names():
    call = ToolCall("c1", "ns__f", "{}")
    item = document.call_item("fc_1", call, Origin("f", "ns"), "completed")
    assert (item["type"], item["name"]) == ("function_call", "f")
    assert (item["namespace"], item["arguments"]) == ("ns", "{}")


def test_a_custom_call_has_an_input():
    call = ToolCall("c1", "p", '{"input":"x"}')
    item = document.call_item("ctc_1", call, Origin("p", custom=True), "completed")
    assert (item["type"], item["input"]) == ("custom_tool_call", "x")
    assert "arguments" not in item


@pytest.mark.parametrize("arguments", ['{"patch":"x"}', '{"input":1}', "[]"])
def test_input_under_another_name_is_told_as_it_is(arguments):
    assert document.custom_input(arguments) == arguments
