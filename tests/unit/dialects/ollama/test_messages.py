import base64
import json

import pytest

from proxyapp.dialects.ollama.messages import decode_messages
from proxyapp.errors import BadRequest
from proxyapp.neutral.messages import ImagePart
from proxyapp.neutral.messages import Message
from proxyapp.neutral.messages import TextPart
from proxyapp.neutral.messages import ThinkingPart
from proxyapp.neutral.messages import ToolCall
from proxyapp.neutral.messages import ToolResult

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n").decode()


def decoded(*messages):
    return decode_messages({"messages": list(messages)})


def call(name, arguments=None, **more):
    return {"function": {"name": name, "arguments": arguments or {}}, **more}


def turn(*calls):
    return {"role": "assistant", "content": "", "tool_calls": list(calls)}


def result(content, **more):
    return {"role": "tool", "content": content, **more}


def answers(*messages):
    """Give what each result says and the call it was brought to."""
    return [
        (part.call_id, part.content[0].text)
        for message in decoded(*messages)
        for part in message.content
        if isinstance(part, ToolResult)
    ]


@pytest.mark.parametrize(
    ("written", "role"),
    [("user", "user"), ("System", "system"), ("ASSISTANT", "assistant")],
)
def test_a_role_may_be_written_in_any_case(written, role):
    said = {"role": written, "content": "hi"}
    assert decoded(said) == (Message(role, (TextPart("hi"),)),)


def test_no_messages_are_none():
    assert decode_messages({}) == decode_messages({"messages": None}) == ()


@pytest.mark.parametrize(
    "message", [{"role": "user"}, {"role": "user", "content": None}]
)
def test_a_message_may_be_empty(message):
    assert decoded(message) == (Message("user"),)


def test_images_follow_the_text():
    (message,) = decoded({"role": "user", "content": "see", "images": [PNG]})
    url = f"data:image/png;base64,{PNG}"
    assert message.content == (TextPart("see"), ImagePart(url))


def test_thinking_comes_before_what_it_led_to():
    (message,) = decoded({"role": "assistant", "content": "b", "thinking": "a"})
    assert message.content == (ThinkingPart("a"), TextPart("b"))


def test_calls_without_ids_are_given_different_ones():
    first, second = decoded(turn(call("f"), call("g")))[0].content
    assert first.id != second.id
    assert first.id
    assert (first.name, second.name) == ("f", "g")


def test_calls_of_two_turns_have_different_ids():
    found = decoded(turn(call("f")), result("1"), turn(call("f")), result("2"))
    ids = {p.id for m in found for p in m.content if isinstance(p, ToolCall)}
    assert len(ids) == 2


def test_a_call_keeps_the_id_it_has():
    (part,) = decoded(turn(call("f", id="abc")))[0].content
    assert part.id == "abc"


def test_arguments_become_text():
    (part,) = decoded(turn(call("f", {"x": [1, "é"]})))[0].content
    assert json.loads(part.arguments) == {"x": [1, "é"]}


def test_a_result_finds_its_call_by_id():
    found = answers(
        turn(call("f", id="a"), call("f", id="b")),
        result("second", tool_call_id="b"),
        result("first", tool_call_id="a"),
    )
    assert found == [("b", "second"), ("a", "first")]


@pytest.mark.parametrize("field", ["tool_name", "name"])
def test_a_result_finds_its_call_by_name(field):
    found = answers(
        turn(call("f", id="a"), call("g", id="b")),
        result("of g", **{field: "g"}),
        result("of f", **{field: "f"}),
    )
    assert found == [("b", "of g"), ("a", "of f")]


def test_a_result_without_either_answers_the_next_call():
    found = answers(
        turn(call("f", id="a"), call("g", id="b")), result("1"), result("2")
    )
    assert found == [("a", "1"), ("b", "2")]


def test_two_results_of_one_name_answer_two_calls():
    found = answers(
        turn(call("f", id="a"), call("f", id="b")),
        result("1", tool_name="f"),
        result("2", tool_name="f"),
    )
    assert found == [("a", "1"), ("b", "2")]


def test_an_answered_call_is_not_answered_again():
    found = answers(
        turn(call("f", id="a"), call("f", id="b"), call("g", id="c")),
        result("1", tool_call_id="b"),
        result("2", tool_call_id="b"),
        result("3", tool_call_id="b"),
        result("4", tool_call_id="b"),
    )
    assert found == [("b", "1"), ("a", "2"), ("c", "3"), ("b", "4")]


def test_a_result_without_a_call_keeps_its_own_id():
    assert answers(result("1", tool_call_id="lost")) == [("lost", "1")]


def test_a_result_knows_the_name_of_its_tool():
    message = decoded(turn(call("f", id="a")), result("1"))[1]
    assert message == Message("tool", (ToolResult("a", (TextPart("1"),), name="f"),))


def test_a_result_may_hold_images():
    (message,) = decoded(result("", images=[PNG]))
    assert isinstance(message.content[0].content[0], ImagePart)


@pytest.mark.parametrize(
    ("message", "fault"),
    [
        ("hi", r"'messages\[0\]' must be an object"),
        ({"content": "hi"}, r"'messages\[0\]\.role' must be one of: system"),
        ({"role": "robot"}, r"'messages\[0\]\.role' must be one of"),
        (
            {"role": "user", "content": ["hi"]},
            r"'messages\[0\]\.content' must be a str",
        ),
        ({"role": "assistant", "thinking": 1}, r"'messages\[0\]\.thinking'"),
        (turn("f"), r"tool_calls\[0\]\.function\.name' is required"),
        (turn({"function": {}}), r"tool_calls\[0\]\.function\.name' is required"),
        (result("1", tool_name=1), r"'messages\[0\]\.tool_name' must be a string"),
    ],
)
def test_a_fault_is_told_with_its_place(message, fault):
    with pytest.raises(BadRequest, match=fault):
        decoded(message)


def test_messages_must_be_a_list():
    with pytest.raises(BadRequest, match="'messages' must be an array"):
        decode_messages({"messages": "hi"})
