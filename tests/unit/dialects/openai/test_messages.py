import pytest

from proxyapp.dialects.openai.messages import decode_messages
from proxyapp.errors import BadRequest
from proxyapp.neutral.messages import AudioPart
from proxyapp.neutral.messages import ImagePart
from proxyapp.neutral.messages import Message
from proxyapp.neutral.messages import TextPart
from proxyapp.neutral.messages import ThinkingPart
from proxyapp.neutral.messages import ToolCall
from proxyapp.neutral.messages import ToolResult

PNG = "data:image/png;base64,AAAA"


def decoded(message):
    (only,) = decode_messages({"messages": [message]})
    return only


@pytest.mark.parametrize(
    ("role", "read"),
    [("system", "system"), ("developer", "system"), ("user", "user"), ("User", "user")],
)
def test_roles_are_read(role, read):
    assert decoded({"role": role, "content": "x"}) == Message(read, (TextPart("x"),))


@pytest.mark.parametrize(
    ("part", "read"),
    [
        ({"type": "text", "text": "x"}, TextPart("x")),
        ("x", TextPart("x")),
        ({"type": "image_url", "image_url": {"url": PNG}}, ImagePart(PNG)),
        ({"type": "image_url", "image_url": PNG}, ImagePart(PNG)),
        (
            {"type": "input_audio", "input_audio": {"data": "A", "format": "mp3"}},
            AudioPart("A", "mp3"),
        ),
    ],
)
def test_parts_are_read(part, read):
    assert decoded({"role": "user", "content": [part]}).content == (read,)


def test_an_assistants_turn_keeps_its_thinking_and_its_calls():
    call = {"id": "c", "function": {"name": "look", "arguments": {"a": 1}}}
    turn = decoded(
        {"role": "assistant", "reasoning_content": "hm", "tool_calls": [call]}
    )
    assert turn.content == (ThinkingPart("hm"), ToolCall("c", "look", '{"a":1}'))


def test_a_function_call_of_old_is_a_call():
    turn = decoded(
        {"role": "assistant", "function_call": {"name": "f", "arguments": ""}}
    )
    assert turn.content == (ToolCall("f", "f", "{}"),)


def test_a_tools_answer_names_its_call():
    turn = decoded({"role": "tool", "tool_call_id": "c", "content": "done"})
    assert turn == Message("tool", (ToolResult("c", (TextPart("done"),)),))


@pytest.mark.parametrize(
    "message",
    [
        "x",
        {"content": "x"},
        {"role": "robot", "content": "x"},
        {"role": "user", "content": 1},
        {"role": "user", "content": [{"type": "video"}]},
        {"role": "user", "content": [{"type": "text", "text": 1}]},
        {"role": "user", "content": [{"type": "image_url", "image_url": "http://x/y"}]},
        {"role": "user", "content": [{"type": "input_audio"}]},
        {"role": "assistant", "tool_calls": [{"id": "c"}]},
        {"role": "assistant", "tool_calls": {}},
    ],
)
def test_what_cannot_be_read_is_refused_by_its_place(message):
    with pytest.raises(BadRequest) as refusal:
        decoded(message)
    assert refusal.value.param.startswith("messages[0]")


@pytest.mark.parametrize("body", [{}, {"messages": []}, {"messages": "hi"}])
def test_a_conversation_has_a_message(body):
    with pytest.raises(BadRequest, match="messages"):
        decode_messages(body)
