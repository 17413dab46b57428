import pytest

from proxyapp.dialects.openai.chat import ChatEncoder
from proxyapp.dialects.openai.chat import decode_chat
from proxyapp.dialects.openai.chat import tool_definitions
from proxyapp.errors import BadRequest
from proxyapp.errors import UpstreamIncomplete
from proxyapp.neutral.events import MessageEnd
from proxyapp.neutral.events import MessageStart
from proxyapp.neutral.events import TextDelta
from proxyapp.neutral.events import ThinkingDelta
from proxyapp.neutral.events import ToolCallDelta
from proxyapp.neutral.events import ToolCallStart
from proxyapp.neutral.request import Reasoning
from proxyapp.neutral.request import ResponseFormat
from proxyapp.neutral.request import ToolChoice
from proxyapp.neutral.usage import Usage
from proxyapp.relay.fold import fold
from tests import oracles

BODY = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
USAGE = Usage(3, 2)
CALLING = [
    *(MessageStart("", "m"), ThinkingDelta(0, b'"hm"'), TextDelta(1, b'"a\\n"')),
    *(ToolCallStart(2, "c", "look"), ToolCallDelta(2, "{}")),
    MessageEnd("tool_calls", USAGE),
]


def decoded(**fields):
    return decode_chat({**BODY, **fields}, ())


def stream(events, **options):
    encoder = ChatEncoder("m", **options)
    return b"".join(encoder.events([event]) for event in events) + encoder.end()


@pytest.mark.parametrize(
    ("fields", "limit"),
    [
        ({"max_tokens": 5}, 5),
        ({"max_completion_tokens": 7, "max_tokens": 5}, 7),
        ({"max_completion_tokens": 0}, 0),
        ({}, None),
    ],
)
def test_the_newer_token_limit_wins(fields, limit):
    assert decoded(**fields).sampling.max_tokens == limit


@pytest.mark.parametrize(
    ("choice", "read"),
    [
        (None, ToolChoice()),
        ("required", ToolChoice("required")),
        (
            {"type": "function", "function": {"name": "f"}},
            ToolChoice("required", ("f",)),
        ),
        (
            {
                "type": "allowed_tools",
                "allowed_tools": {"mode": "auto", "tools": [{"name": "f"}]},
            },
            ToolChoice("auto", ("f",)),
        ),
    ],
)
def test_a_tool_choice_is_read(choice, read):
    assert decoded(tool_choice=choice).tool_choice == read


@pytest.mark.parametrize(
    ("wanted", "read"),
    [
        ({"type": "text"}, None),
        ({"type": "json_object"}, ResponseFormat()),
        (
            {"type": "json_schema", "json_schema": {"name": "n", "schema": {}}},
            ResponseFormat({}, "n"),
        ),
    ],
)
def test_a_response_format_is_read(wanted, read):
    assert decoded(response_format=wanted).response_format == read


def test_an_effort_is_read():
    assert decoded(reasoning_effort="none").reasoning == Reasoning("none")


@pytest.mark.parametrize(
    "fields",
    [
        {"tool_choice": "sometimes"},
        {"tool_choice": {"type": "function"}},
        {"n": 0},
        {"stream": "yes"},
        {"reasoning_effort": "much"},
        {"web_search_options": {"a": 1}},
        {"model": ""},
    ],
)
def test_what_cannot_be_served_is_refused(fields):
    with pytest.raises(BadRequest):
        decoded(**fields)


def test_functions_of_old_are_tools():
    assert tool_definitions({"functions": [{"name": "f"}]}) == [
        {"type": "function", "function": {"name": "f"}}
    ]


@pytest.mark.parametrize("usage", [True, False])
def test_a_stream_obeys_the_grammar(usage):
    written = stream(CALLING, include_usage=usage)
    assert oracles.openai_chat_stream(written, include_usage=usage) == []


def test_a_stream_and_a_whole_reply_say_the_same():
    whole = ChatEncoder("m").whole(fold(CALLING))
    streamed = oracles.read("openai", stream(CALLING, include_usage=True))
    assert oracles.openai_chat(whole) == []
    assert oracles.differences(oracles.read("openai", whole), streamed) == []


@pytest.mark.parametrize(
    ("mode", "named", "inside"),
    [("default", 0, 1), ("events", 1, 0), ("both", 1, 1)],
)
def test_thinking_is_told_where_the_mode_says(mode, named, inside):
    written = stream(CALLING, thinking_mode=mode)
    assert written.count(b"event: thinking") == named
    assert written.count(b'"reasoning_text":"hm"') == inside


def test_an_error_ends_the_stream():
    encoder = ChatEncoder("m")
    begun = encoder.events(CALLING[:3])
    written = begun + encoder.error(UpstreamIncomplete("cut"))
    assert oracles.openai_chat_stream(written, expect_error=True) == []


def test_vscode_sees_an_error_behind_content():
    encoder = ChatEncoder("m", vscode=True)
    begun = encoder.events(CALLING[:3])
    written = begun + encoder.error(UpstreamIncomplete("cut short"))
    assert "cut short" in oracles.vscode_reads(written).failure


def test_a_heartbeat_is_a_comment():
    assert ChatEncoder("m").heartbeat().startswith(b":")
