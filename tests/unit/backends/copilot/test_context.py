import pytest

from proxyapp.backends.copilot.context import encode_context
from proxyapp.backends.copilot.models import COMPLETIONS
from proxyapp.backends.copilot.models import CopilotModel
from proxyapp.backends.copilot.models import MESSAGES
from proxyapp.backends.copilot.models import RESPONSES
from proxyapp.errors import BadRequest
from proxyapp.neutral.messages import AudioPart
from proxyapp.neutral.messages import ImagePart
from proxyapp.neutral.messages import Message
from proxyapp.neutral.messages import TextPart
from proxyapp.neutral.messages import ThinkingPart
from proxyapp.neutral.messages import Tool
from proxyapp.neutral.messages import ToolCall
from proxyapp.neutral.messages import ToolResult
from proxyapp.neutral.request import ChatRequest
from proxyapp.neutral.request import ToolChoice

MODEL = CopilotModel("claude-x", MESSAGES)
ASKED = Message("user", (TextPart("hi"),))
CALLED = Message("assistant", (ToolCall("c|1", "ls", '{"path":"/"}'),))
ANSWERED = Message("tool", (ToolResult("c|1", (TextPart("a.txt"),)),))
ITEM = '{"type":"reasoning"}'


def encode(*messages, model=MODEL, **fields):
    return encode_context(ChatRequest("m", messages, **fields), model)


def said(*messages, **fields):
    return encode(*messages, **fields)["messages"]


@pytest.mark.conformance("C-201")
def test_system_messages_are_joined_apart_from_the_conversation():
    first, second = (Message("system", (TextPart(t),)) for t in ("A", "B"))
    context = encode(first, ASKED, second)
    assert context["systemPrompt"] == "A\n\nB"
    assert [message["role"] for message in context["messages"]] == ["user"]


@pytest.mark.conformance("C-202")
def test_a_result_names_its_tool_and_its_call():
    *_, call, result = said(ASKED, CALLED, ANSWERED)
    assert call["content"] == [
        {"type": "toolCall", "id": "c_1", "name": "ls", "arguments": {"path": "/"}}
    ]
    assert result == {
        "role": "toolResult",
        "toolCallId": "c_1",
        "toolName": "ls",
        "content": [{"type": "text", "text": "a.txt"}],
        "isError": False,
    }


def test_words_beside_results_begin_no_turn_of_their_own():
    reminder = Message("user", (TextPart("go on"),), same_turn=True)
    *_, last = said(ASKED, CALLED, ANSWERED, reminder)
    assert last["role"] == "toolResult"
    assert [part["text"] for part in last["content"]] == ["a.txt", "go on"]


def test_words_after_results_are_the_users():
    *_, last = said(ASKED, CALLED, ANSWERED, ASKED)
    assert last == {"role": "user", "content": [{"type": "text", "text": "hi"}]}


def test_what_the_model_said_in_a_row_is_one_message():
    thought = Message("assistant", (ThinkingPart("hm", "Eq"),))
    words = Message("assistant", (TextPart("I look."), TextPart("")))
    _, turn, _ = said(ASKED, thought, words, CALLED, ANSWERED)
    assert [part["type"] for part in turn["content"]] == [
        "thinking",
        "text",
        "toolCall",
    ]


@pytest.mark.conformance("C-204")
@pytest.mark.parametrize(
    ("api", "signature", "sent"),
    [
        (MESSAGES, "EqQB", True),
        (MESSAGES, "", False),
        (MESSAGES, ITEM, False),
        (MESSAGES, "reasoning_text", False),
        (RESPONSES, ITEM, True),
        (RESPONSES, "EqQB", False),
        (COMPLETIONS, "reasoning_text", True),
        (COMPLETIONS, "EqQB", False),
        (COMPLETIONS, ITEM, False),
    ],
)
def test_a_thought_goes_to_those_who_can_read_its_signature(api, signature, sent):
    turn = Message("assistant", (ThinkingPart("hm", signature), TextPart("a")))
    _, wire = said(ASKED, turn, model=CopilotModel("m", api))
    thought = {"type": "thinking", "thinking": "hm", "thinkingSignature": signature}
    assert (thought in wire["content"]) is sent
    assert {"type": "text", "text": "a"} in wire["content"]


def test_a_redacted_thought_is_marked():
    turn = Message("assistant", (ThinkingPart("", "AAAA", redacted=True),))
    assert said(ASKED, turn)[1]["content"] == [
        {
            "type": "thinking",
            "thinking": "",
            "thinkingSignature": "AAAA",
            "redacted": True,
        }
    ]


def test_an_image_goes_as_its_bytes():
    turn = Message("user", (ImagePart("data:image/png;base64,AAAA"),))
    image = {"type": "image", "mimeType": "image/png", "data": "AAAA"}
    assert said(turn) == [{"role": "user", "content": [image]}]


def test_an_image_for_a_model_that_sees_none_is_refused():
    turn = Message("user", (ImagePart("data:image/png;base64,AAAA"),))
    with pytest.raises(BadRequest, match="takes no images"):
        encode(turn, model=CopilotModel("m", COMPLETIONS, images=False))


@pytest.mark.parametrize("url", ["https://x/y.png", "data:text/plain;base64,AA"])
def test_what_is_no_image_in_base64_is_refused(url):
    with pytest.raises(BadRequest, match="base64"):
        encode(Message("user", (ImagePart(url),)))


def test_audio_is_refused():
    with pytest.raises(BadRequest, match="audio"):
        encode(Message("user", (AudioPart("AA", "wav"),)))


@pytest.mark.parametrize(
    ("choice", "names"),
    [
        (ToolChoice(), ["a", "b"]),
        (ToolChoice("none"), []),
        (ToolChoice("required", ("b",)), ["b"]),
    ],
)
def test_the_choice_says_which_tools_are_shown(choice, names):
    context = encode(ASKED, tools=(Tool("a"), Tool("b")), tool_choice=choice)
    assert [tool["name"] for tool in context.get("tools", [])] == names
