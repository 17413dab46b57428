import base64

import pytest

from proxyapp.dialects.responses.items import read_input
from proxyapp.errors import BadRequest
from proxyapp.neutral.messages import ImagePart
from proxyapp.neutral.messages import Message
from proxyapp.neutral.messages import TextPart
from proxyapp.neutral.messages import ThinkingPart
from proxyapp.neutral.messages import ToolCall
from proxyapp.neutral.messages import ToolResult

PIXEL = "data:image/png;base64,iVBORw0KGgo="


def read(*items):
    """Read a list of items."""
    return list(read_input({"input": list(items)}))


def call(call_id="c1", name="f", **fields):
    """Make a function call item."""
    item = {"type": "function_call", "call_id": call_id, "name": name}
    return {**item, "arguments": "{}", **fields}


def said(text, **fields):
    """Make an assistant's message item."""
    content = [{"type": "output_text", "text": text, "annotations": []}]
    return {"type": "message", "role": "assistant", "content": content, **fields}


def test_a_string_is_one_user_message():
    assert read_input({"input": "hi"}) == (Message("user", (TextPart("hi"),)),)


def test_instructions_come_first():
    turns = read_input({"instructions": "Be brief.", "input": "hi"})
    assert [turn.role for turn in turns] == ["system", "user"]


def test_nothing_is_an_empty_conversation():
    assert read_input({}) == ()


def test_a_message_needs_no_type():
    assert read({"role": "user", "content": "hi"})[0].text == "hi"


def test_a_developer_speaks_as_the_system():
    assert read({"role": "developer", "content": "x"})[0].role == "system"


def test_parts_are_read_in_order():
    parts = [
        {"type": "input_text", "text": "see"},
        {"type": "input_image", "image_url": PIXEL, "detail": "low"},
    ]
    content = read({"role": "user", "content": parts})[0].content
    assert content == (TextPart("see"), ImagePart(PIXEL, "low"))


def test_a_text_file_becomes_text_under_its_name():
    data = base64.b64encode(b"hello").decode()
    url = f"data:text/plain;base64,{data}"
    part = {"type": "input_file", "filename": "a.txt", "file_data": url}
    assert read({"role": "user", "content": [part]})[0].text == "[a.txt]\nhello"


def test_a_refusal_is_text():
    part = {"type": "refusal", "refusal": "No."}
    assert read({"role": "assistant", "content": [part]})[0].text == "No."


def test_what_the_assistant_did_in_one_turn_is_one_message():
    thought = {"type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm"}]}
    turns = read(thought, said("I ask."), call("c1"), call("c2"))
    assert turns == [
        Message(
            "assistant",
            (
                ThinkingPart("Hm"),
                TextPart("I ask."),
                ToolCall("c1", "f", "{}"),
                ToolCall("c2", "f", "{}"),
            ),
        )
    ]


def test_two_texts_in_a_row_are_two_messages():
    assert [turn.text for turn in read(said("a"), said("b"))] == ["a", "b"]


def test_an_output_ends_the_assistants_turn():
    output = {"type": "function_call_output", "call_id": "c1", "output": "ok"}
    roles = [turn.role for turn in read(call(), output, said("Done."))]
    assert roles == ["assistant", "tool", "assistant"]


def test_an_output_is_text_or_parts():
    parts = [{"type": "input_text", "text": "a"}]
    parts.append({"type": "input_image", "image_url": PIXEL})
    output = {"type": "function_call_output", "call_id": "c1", "output": parts}
    result = ToolResult("c1", (TextPart("a"), ImagePart(PIXEL)))
    assert read(output)[0].content == (result,)


def test_an_output_of_another_kind_is_kept_as_json():
    output = {"type": "function_call_output", "call_id": "c1", "output": {"ok": True}}
    assert read(output)[0].content[0].content == (TextPart('{"ok":true}'),)


def test_an_incomplete_output_is_an_error():
    output = {"type": "function_call_output", "call_id": "c1", "status": "incomplete"}
    assert read(output)[0].content[0].is_error


def test_a_custom_call_is_wrapped():
    item = {"type": "custom_tool_call", "call_id": "c1", "name": "p", "input": 'a"b'}
    assert read(item)[0].content == (ToolCall("c1", "p", '{"input":"a\\"b"}'),)


def test_a_custom_output_is_a_result():
    item = {"type": "custom_tool_call_output", "call_id": "c1", "output": "ok"}
    assert read(item)[0].content == (ToolResult("c1", (TextPart("ok"),)),)


def test_a_call_in_a_namespace_has_the_functions_name():
    assert read(call(namespace="ns"))[0].content[0].name == "ns__f"


def test_broken_arguments_are_mended():
    assert read(call(arguments='{"a": 1'))[0].content[0].arguments == '{"a":1}'


def test_raw_thoughts_are_preferred_to_their_summary():
    item = {
        "type": "reasoning",
        "content": [{"type": "reasoning_text", "text": "raw"}],
        "summary": [{"type": "summary_text", "text": "short"}],
    }
    assert read(item)[0].content == (ThinkingPart("raw"),)


def test_a_thought_that_cannot_be_read_is_kept_for_its_author():
    item = {"type": "reasoning", "summary": [], "encrypted_content": "x"}
    assert read(item)[0].content == (ThinkingPart("", "x"),)


def test_an_empty_thought_leaves_nothing():
    assert read({"type": "reasoning", "summary": []}) == []


def test_what_another_agent_said_is_a_user_message():
    item = {"type": "agent_message", "content": [{"type": "input_text", "text": "hi"}]}
    assert read(item) == [Message("user", (TextPart("hi"),))]


@pytest.mark.parametrize(
    "kind", ["web_search_call", "mcp_list_tools", "tool_search_output"]
)
def test_traces_of_hosted_tools_are_passed_over(kind):
    assert read({"type": kind, "id": "x"}) == []


@pytest.mark.parametrize(
    ("item", "param"),
    [
        ("x", "input[0]"),
        ({"type": "item_reference", "id": "msg_1"}, "input[0]"),
        ({"type": "compaction", "encrypted_content": "x"}, "input[0]"),
        ({"type": "new_thing"}, "input[0].type"),
        ({"type": ["x"]}, "input[0].type"),
        ({"role": "critic", "content": "x"}, "input[0]"),
        ({"role": "user", "content": 1}, "input[0].content"),
        ({"role": "user", "content": ["x"]}, "input[0].content[0]"),
        ({"type": "function_call", "call_id": "c"}, "input[0]"),
        ({"type": "function_call_output", "output": "x"}, "input[0]"),
        (
            {"role": "user", "content": [{"type": "input_image", "file_id": "f"}]},
            "input[0].content[0].image_url",
        ),
        (
            {"role": "user", "content": [{"type": "input_file", "file_id": "f"}]},
            "input[0].content[0]",
        ),
        (
            {"role": "user", "content": [{"type": "input_text", "text": 1}]},
            "input[0].content[0]",
        ),
    ],
)
def test_what_cannot_be_read_is_named(item, param):
    with pytest.raises(BadRequest) as caught:
        read(item)
    assert caught.value.param == param
