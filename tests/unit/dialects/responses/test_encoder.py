import json

from proxyapp.dialects.responses.encoder import ResponseEncoder
from proxyapp.dialects.responses.tools import ClientTools
from proxyapp.dialects.responses.tools import read_tools
from proxyapp.errors import UpstreamIncomplete
from proxyapp.neutral.events import MessageEnd
from proxyapp.neutral.events import MessageStart
from proxyapp.neutral.events import TextDelta
from proxyapp.neutral.events import ThinkingDelta
from proxyapp.neutral.events import ToolCallDelta
from proxyapp.neutral.events import ToolCallStart
from proxyapp.neutral.usage import Usage
from proxyapp.relay.fold import fold
from tests.oracles import openai_response
from tests.oracles import openai_responses_stream
from tests.oracles import sse

REPEATED = {"model": "m", "parallel_tool_calls": True, "tool_choice": "auto"}
REPEATED |= {"tools": [], "temperature": None, "top_p": None}
START = MessageStart("", "m")
END = MessageEnd("stop", Usage(3, 2))
PATCH = {"type": "custom", "name": "patch"}
AGENTS = {"type": "namespace", "name": "ns", "tools": [{"name": "f"}]}
MIXED = [
    START,
    ThinkingDelta(0, b'"Hm"'),
    TextDelta(1, b'"I "'),
    TextDelta(1, b'"ask."'),
    ToolCallStart(2, "c1", "f"),
    ToolCallDelta(2, '{"a":1}'),
    TextDelta(3, b'"Done."'),
    END,
]


def encoder(tools=(), **options):
    """Make an encoder."""
    return ResponseEncoder(REPEATED, read_tools({"tools": list(tools)}), **options)


def stream(*events, tools=(), failure=None):
    """Write a whole stream."""
    writer = encoder(tools)
    written = b"".join(writer.events([event]) for event in events)
    return written + (writer.end() if failure is None else writer.error(failure))


def read(raw):
    """Read the data of a stream's events."""
    return [json.loads(event.data) for event in sse.read(raw)[0]]


def kinds(raw):
    """Name a stream's events."""
    return [event["type"].removeprefix("response.") for event in read(raw)]


def test_text_is_one_item_with_one_part():
    raw = stream(START, TextDelta(0, b'"Hi"'), END)
    assert openai_responses_stream(raw) == []
    assert kinds(raw) == [
        "created",
        "in_progress",
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_text.done",
        "content_part.done",
        "output_item.done",
        "completed",
    ]


def test_every_change_of_block_is_a_new_item():
    raw = stream(*MIXED)
    assert openai_responses_stream(raw) == []
    items = read(raw)[-1]["response"]["output"]
    assert [item["type"] for item in items] == [
        "reasoning",
        "message",
        "function_call",
        "message",
    ]


def test_events_in_one_batch_are_written_as_they_are_alone():
    together = encoder().events(MIXED)
    alone = stream(*MIXED)
    assert kinds(together) == kinds(alone)[:-1]


def test_nothing_said_is_an_empty_message():
    raw = stream(START, END)
    assert openai_responses_stream(raw) == []
    assert read(raw)[-1]["response"]["output"][0]["content"][0]["text"] == ""


def test_an_empty_delta_opens_no_item():
    raw = stream(START, ThinkingDelta(0, b'""'), TextDelta(1, b'"Hi"'), END)
    assert "reasoning_summary_part.added" not in kinds(raw)


def test_a_limit_leaves_the_text_and_the_response_incomplete():
    raw = stream(START, TextDelta(0, b'"Hi"'), MessageEnd("length", Usage(3, 2)))
    assert openai_responses_stream(raw) == []
    response = read(raw)[-1]["response"]
    assert response["status"] == response["output"][0]["status"] == "incomplete"


def test_a_call_told_before_the_limit_is_complete():
    call = (ToolCallStart(0, "c1", "f"), ToolCallDelta(0, "{}"))
    raw = stream(START, *call, MessageEnd("length", Usage(3, 2)))
    assert openai_responses_stream(raw) == []
    assert read(raw)[-1]["response"]["output"][0]["status"] == "completed"


def test_a_failure_keeps_the_items_that_were_complete():
    events = (START, ThinkingDelta(0, b'"Hm"'), TextDelta(1, b'"H"'))
    raw = stream(*events, failure=UpstreamIncomplete("cut"))
    assert openai_responses_stream(raw, expect_error=True) == []
    response = read(raw)[-1]["response"]
    assert [item["type"] for item in response["output"]] == ["reasoning"]
    assert response["error"] == {"code": "server_error", "message": "cut"}


def test_a_failure_before_anything_opens_the_response_first():
    raw = encoder().error(UpstreamIncomplete("cut"))
    assert openai_responses_stream(raw, expect_error=True) == []


def test_a_custom_call_is_told_by_its_input():
    call = (ToolCallStart(0, "c1", "patch"), ToolCallDelta(0, '{"input":"x"}'))
    raw = stream(START, *call, END, tools=[PATCH])
    assert openai_responses_stream(raw) == []
    assert read(raw)[-1]["response"]["output"][0]["input"] == "x"


def test_a_namespaced_call_is_told_by_the_clients_names():
    call = (ToolCallStart(0, "c1", "ns__f"), ToolCallDelta(0, "{}"))
    raw = stream(START, *call, END, tools=[AGENTS])
    item = read(raw)[-1]["response"]["output"][0]
    assert (item["name"], item["namespace"]) == ("f", "ns")


def test_a_heartbeat_is_a_comment():
    assert encoder().heartbeat() == b": ping\n\n"


def test_a_heartbeat_as_an_event_opens_the_response_once():
    writer = encoder(heartbeat_events=True)
    raw = writer.heartbeat() + writer.heartbeat() + writer.events([START, END])
    assert openai_responses_stream(raw + writer.end()) == []
    assert kinds(raw)[:3] == ["created", "in_progress", "in_progress"]


def test_the_whole_reply_is_what_was_streamed():
    whole = encoder().whole(fold(MIXED))
    assert openai_response(whole) == []
    streamed = read(stream(*MIXED))[-1]["response"]
    assert [without_id(item) for item in whole["output"]] == [
        without_id(item) for item in streamed["output"]
    ]
    assert whole["usage"] == streamed["usage"]


def test_a_whole_reply_that_was_cut_says_so():
    events = [START, TextDelta(0, b'"Hi"'), MessageEnd("length", Usage(3, 2))]
    whole = encoder().whole(fold(events))
    assert openai_response(whole) == []
    assert whole["output"][0]["status"] == "incomplete"


def test_a_whole_reply_of_nothing_is_an_empty_message():
    whole = encoder().whole(fold([START, END]))
    assert openai_response(whole) == []
    assert whole["output"][0]["content"][0]["text"] == ""


def test_two_replies_share_no_id():
    first, second = (encoder().whole(fold(MIXED)) for _ in range(2))
    assert first["id"] != second["id"]
    assert first["output"][0]["id"] != second["output"][0]["id"]


def without_id(item):
    """Take an item's id away."""
    return {key: value for key, value in item.items() if key != "id"}


def test_the_time_is_the_same_in_every_event():
    events = [event for event in read(stream(*MIXED)) if "response" in event]
    assert len({event["response"]["created_at"] for event in events}) == 1


def test_an_encoder_needs_no_tools():
    assert ResponseEncoder(REPEATED, ClientTools()).events([START])


SEALED = ThinkingDelta(1, b'""', signature="rs=")


def test_a_signature_stands_where_openai_has_encrypted_content():
    raw = stream(START, ThinkingDelta(1, b'"Hm"'), SEALED, TextDelta(2, b'"Hi"'), END)
    assert openai_responses_stream(raw) == []
    thought, message = read(raw)[-1]["response"]["output"]
    assert thought["summary"] == [{"type": "summary_text", "text": "Hm"}]
    assert thought["encrypted_content"] == "rs="
    assert message["type"] == "message"


def test_a_thought_without_words_is_an_item_all_the_same():
    events = [START, SEALED, TextDelta(2, b'"Hi"'), END]
    raw = stream(*events)
    assert openai_responses_stream(raw) == []
    thought = read(raw)[-1]["response"]["output"][0]
    assert (thought["summary"], thought["encrypted_content"]) == ([], "rs=")
    whole = encoder().whole(fold(events))
    assert openai_response(whole) == []
    assert whole["output"][0]["encrypted_content"] == "rs="
