import pytest

from proxyapp.backends.openai.messages import encode_messages
from proxyapp.neutral.messages import AudioPart
from proxyapp.neutral.messages import ImagePart
from proxyapp.neutral.messages import Message
from proxyapp.neutral.messages import TextPart
from proxyapp.neutral.messages import ThinkingPart
from proxyapp.neutral.messages import ToolCall
from proxyapp.neutral.messages import ToolResult
from proxyapp.settings.schema import Compat

IMAGE = ImagePart("data:image/png;base64,AA==")
IMAGE_WIRE = {"type": "image_url", "image_url": {"url": IMAGE.url}}


def said(role, *parts):
    return Message(role, tuple(TextPart(p) if isinstance(p, str) else p for p in parts))


def asked(*ids):
    return said("assistant", *(ToolCall(call_id, "look", "{}") for call_id in ids))


def answered(call_id, *content, is_error=False):
    parts = tuple(TextPart(c) if isinstance(c, str) else c for c in content)
    return Message("tool", (ToolResult(call_id, parts, is_error),))


def encoded(*messages, late_system="keep", **compat):
    return encode_messages(messages, Compat(late_system=late_system, **compat))


def outline(wire):
    """Give each message as its role and its content, or the ids of its calls."""
    return [
        (m["role"], m.get("tool_call_id") or ids_of(m) or m["content"]) for m in wire
    ]


def ids_of(message):
    return [call["id"] for call in message.get("tool_calls", [])]


# ------------------------------------------------------------------- contents


def test_text_is_written_as_a_string():
    assert encoded(said("user", "a", "b")) == [{"role": "user", "content": "ab"}]


def test_a_message_without_content_is_an_empty_string():
    assert encoded(said("user")) == [{"role": "user", "content": ""}]


def test_images_and_audio_are_written_as_parts():
    detailed = ImagePart("data:,x", "low")
    (wire,) = encoded(said("user", "see", IMAGE, detailed, AudioPart("UklG", "wav")))
    assert wire["content"] == [
        {"type": "text", "text": "see"},
        IMAGE_WIRE,
        {"type": "image_url", "image_url": {"url": "data:,x", "detail": "low"}},
        {"type": "input_audio", "input_audio": {"data": "UklG", "format": "wav"}},
    ]


def test_a_part_a_user_cannot_write_is_left_out():
    (wire,) = encoded(said("user", "a", IMAGE, ThinkingPart("hm")))
    assert wire["content"] == [{"type": "text", "text": "a"}, IMAGE_WIRE]


def test_a_name_is_kept():
    message = Message("user", (TextPart("a"),), "ann")
    assert encoded(message) == [{"role": "user", "content": "a", "name": "ann"}]


# --------------------------------------------------------------------- calls


def test_calls_are_written_with_their_arguments_as_text():
    first, _ = encoded(said("assistant", "Let me look.", ToolCall("c", "look", "{}")))
    assert first == {
        "role": "assistant",
        "content": "Let me look.",
        "tool_calls": [
            {
                "id": "c",
                "type": "function",
                "function": {"name": "look", "arguments": "{}"},
            }
        ],
    }


def test_calls_without_text_have_no_content():
    assert encoded(asked("c"))[0]["content"] is None


def test_a_result_follows_its_call():
    wire = encoded(asked("c"), answered("c", "a", "b"))
    assert wire[1:] == [{"role": "tool", "tool_call_id": "c", "content": "ab"}]


def test_results_are_put_in_the_order_of_their_calls():
    wire = encoded(asked("a", "b"), answered("b", "2"), answered("a", "1"))
    assert [m["content"] for m in wire[1:]] == ["1", "2"]


def test_results_that_stand_elsewhere_are_brought_to_their_calls():
    wire = encoded(
        *(asked("a"), said("user", "and?"), answered("b", "2")),
        *(asked("b"), answered("a", "1")),
    )
    assert outline(wire) == [
        *(("assistant", ["a"]), ("tool", "a"), ("user", "and?")),
        *(("assistant", ["b"]), ("tool", "b")),
    ]


def test_a_missing_result_is_filled_in():
    wire = encoded(asked("a", "b"), answered("b", "2"), said("user", "go on"))
    assert outline(wire) == [
        *(("assistant", ["a", "b"]), ("tool", "a"), ("tool", "b"), ("user", "go on")),
    ]
    assert wire[1]["content"] == "No result provided"


def test_a_result_without_a_call_becomes_text_of_the_user():
    wire = encoded(said("user", "hi"), answered("x", "42"))
    assert outline(wire)[1] == ("user", "[tool result x] 42")


def test_a_second_result_of_one_call_becomes_text_of_the_user():
    wire = encoded(asked("a"), answered("a", "1"), answered("a", "2"))
    assert outline(wire)[1:] == [("tool", "a"), ("user", "[tool result a] 2")]


def test_calls_that_share_an_id_get_their_results_in_order():
    wire = encoded(asked("a"), answered("a", "1"), asked("a"), answered("a", "2"))
    assert [m["content"] for m in wire[1::2]] == ["1", "2"]


def test_text_in_a_tool_message_becomes_the_users():
    wire = encoded(asked("a"), said("tool", "stray"), answered("a", "1"))
    assert outline(wire) == [("assistant", ["a"]), ("tool", "a"), ("user", "stray")]


def test_an_image_in_a_result_is_shown_behind_all_results():
    wire = encoded(
        *(asked("a", "b"), answered("a", IMAGE), answered("b", "done")),
    )
    assert outline(wire)[1:] == [("tool", "a"), ("tool", "b"), ("user", [IMAGE_WIRE])]
    assert wire[1]["content"] == "(see attached image)"


def test_an_image_beside_text_in_a_result_leaves_the_text_alone():
    wire = encoded(asked("a"), answered("a", "a chart", IMAGE))
    assert [m["content"] for m in wire[1:]] == ["a chart", [IMAGE_WIRE]]


@pytest.mark.parametrize(
    ("text", "written"),
    [("no such file", "Error: no such file"), ("Error: gone", "Error: gone")],
)
def test_a_failed_result_says_so_once(text, written):
    wire = encoded(asked("a"), answered("a", text, is_error=True))
    assert wire[1]["content"] == written


def test_an_empty_result_is_an_empty_string():
    assert encoded(asked("a"), answered("a"))[1]["content"] == ""


# ------------------------------------------------------------------ reasoning


def test_reasoning_is_sent_back_in_the_turn_in_progress():
    thought = said(
        "assistant", ThinkingPart("h"), ThinkingPart("m"), ToolCall("c", "x", "{}")
    )
    wire = encoded(said("user", "hi"), thought, answered("c", "1"))
    assert wire[1]["reasoning_content"] == "hm"


def test_reasoning_of_earlier_turns_is_left_out():
    thought = said("assistant", ThinkingPart("hm"), "hello")
    wire = encoded(said("user", "hi"), thought, said("user", "and?"))
    assert wire[1] == {"role": "assistant", "content": "hello"}


def test_a_reminder_does_not_end_the_turn_in_progress():
    thought = said("assistant", ThinkingPart("hm"), ToolCall("c", "x", "{}"))
    turns = (said("user", "hi"), thought, answered("c", "1"), said("system", "Mind."))
    wire = encoded(*turns, late_system="fold")
    assert wire[1]["reasoning_content"] == "hm"
    assert wire[-1]["role"] == "user"


def test_reasoning_goes_under_the_name_the_server_knows():
    thought = said("assistant", ThinkingPart("hm"), "hello")
    assert encoded(thought, reasoning_field="reasoning")[0]["reasoning"] == "hm"


# -------------------------------------------------------------- system messages


def test_leading_system_messages_become_one():
    wire = encoded(said("system", "a"), said("system", ""), said("system", "b"))
    assert wire == [{"role": "system", "content": "a\n\nb"}]


def test_an_empty_system_message_is_left_out():
    assert outline(encoded(said("system", ""), said("user", "hi"))) == [("user", "hi")]


LATE = (said("system", "a"), said("user", "hi"), said("system", "b"), said("user", "x"))


def test_a_late_system_message_may_stay():
    assert outline(encoded(*LATE)) == [
        *(("system", "a"), ("user", "hi"), ("system", "b"), ("user", "x")),
    ]


def test_a_late_system_message_may_join_the_first():
    wire = encoded(*LATE, said("system", ""), late_system="hoist")
    assert outline(wire) == [("system", "a\n\nb"), ("user", "hi\n\nx")]


def test_a_late_system_message_may_become_the_users_where_it_stands():
    wire = encoded(*LATE, late_system="fold")
    reminder = "<system-reminder>\nb\n</system-reminder>"
    assert outline(wire) == [("system", "a"), ("user", f"hi\n\n{reminder}\n\nx")]


def test_a_folded_message_leaves_what_stands_before_it_as_it_was():
    short = encoded(*LATE[:3], late_system="fold")
    longer = encoded(*LATE[:3], said("assistant", "ok"), late_system="fold")
    assert longer[:2] == short


# -------------------------------------------------------------------- one turn


def test_a_lenient_server_gets_messages_as_they_are():
    wire = encoded(said("user", "a"), said("user", "b"))
    assert outline(wire) == [("user", "a"), ("user", "b")]


@pytest.mark.parametrize(
    ("parts", "content"),
    [
        ((("a",), ("b",)), "a\n\nb"),
        (((), ("b",)), "b"),
        (((), ()), ""),
        ((("a",), (IMAGE,)), [{"type": "text", "text": "a"}, IMAGE_WIRE]),
        (((IMAGE,), ("a",)), [IMAGE_WIRE, {"type": "text", "text": "a"}]),
        (((IMAGE,), ()), [IMAGE_WIRE]),
    ],
)
def test_a_strict_server_gets_a_users_messages_in_one(parts, content):
    wire = encoded(*(said("user", *part) for part in parts), late_system="fold")
    assert wire == [{"role": "user", "content": content}]


def test_a_strict_server_gets_an_assistants_messages_in_one():
    wire = encoded(said("assistant", "a"), said("assistant", "b"), late_system="fold")
    assert outline(wire) == [("assistant", "a\n\nb")]


def test_a_strict_server_gets_text_and_the_calls_after_it_in_one():
    wire = encoded(said("assistant", "a"), asked("c"), late_system="fold")
    assert [(m["role"], m["content"]) for m in wire] == [
        *(("assistant", "a"), ("tool", "No result provided")),
    ]
    assert ids_of(wire[0]) == ["c"]


def test_text_after_calls_stays_behind_their_results():
    wire = encoded(asked("c"), said("assistant", "b"), late_system="fold")
    assert [m["role"] for m in wire] == ["assistant", "tool", "assistant"]


def test_reasoning_of_joined_messages_is_joined():
    turns = [said("assistant", ThinkingPart(t), t.upper()) for t in "ab"]
    wire = encoded(*turns, late_system="fold")
    assert wire == [
        {"role": "assistant", "content": "A\n\nB", "reasoning_content": "a\n\nb"}
    ]


def test_the_conversation_given_is_not_changed():
    turns = (said("user", "a"), said("user", IMAGE), asked("c"))
    before = repr(turns)
    encoded(*turns, late_system="fold")
    assert repr(turns) == before


def test_a_long_run_of_messages_is_joined_in_order():
    words = [f"w{number}" for number in range(5_000)]
    (message,) = encoded(*(said("user", word) for word in words), late_system="fold")
    assert message["content"].split("\n\n") == words
