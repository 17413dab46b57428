import pytest

from proxyapp.neutral.messages import ImagePart
from proxyapp.neutral.messages import Message
from proxyapp.neutral.messages import TextPart
from proxyapp.neutral.messages import ThinkingPart
from proxyapp.neutral.messages import Tool


def test_the_text_of_a_message_joins_its_text_parts_only():
    parts = (ThinkingPart("hm"), TextPart("a"), ImagePart("data:,"), TextPart("b"))
    assert Message("assistant", parts).text == "ab"


def test_a_message_without_parts_has_no_text():
    assert Message("user").text == ""


def test_a_tool_without_parameters_takes_an_object():
    assert Tool("look").parameters == {"type": "object", "properties": {}}


def test_two_tools_do_not_share_their_default_parameters():
    assert Tool("a").parameters is not Tool("b").parameters


def test_messages_cannot_be_changed():
    with pytest.raises(AttributeError):
        Message("user").role = "system"
