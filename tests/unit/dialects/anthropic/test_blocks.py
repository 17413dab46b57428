import pytest

from proxyapp.dialects.anthropic.blocks import assistant_parts
from proxyapp.dialects.anthropic.blocks import system_parts
from proxyapp.dialects.anthropic.blocks import user_parts
from proxyapp.errors import BadRequest
from proxyapp.neutral.messages import ImagePart
from proxyapp.neutral.messages import TextPart
from proxyapp.neutral.messages import ThinkingPart
from proxyapp.neutral.messages import ToolCall
from proxyapp.neutral.messages import ToolResult

BILLING = {"type": "text", "text": "x-anthropic-billing-header: cch=1;"}
BASE64 = {"type": "base64", "media_type": "image/png", "data": "AAAA"}
IMAGE = {"type": "image", "source": BASE64}


def text(words):
    return {"type": "text", "text": words}


def document(source, **fields):
    return {"type": "document", "source": source, **fields}


@pytest.mark.parametrize("content", [None, "", [], [text("")]])
def test_nothing_said_is_no_part(content):
    assert user_parts(content, "at") == []


def test_a_string_is_a_text():
    assert user_parts("hi", "at") == [TextPart("hi")]


def test_texts_in_a_row_are_set_apart():
    blocks = [text("a"), text(""), text("b"), IMAGE, text("c")]
    image = ImagePart("data:image/png;base64,AAAA")
    assert user_parts(blocks, "at") == [TextPart("a\n\nb"), image, TextPart("c")]


def test_a_strange_block_is_named_by_its_place_and_kind():
    with pytest.raises(BadRequest, match=r"^at\.1\.type: 'video'"):
        user_parts([text("a"), {"type": "video"}], "at")


@pytest.mark.parametrize(
    ("content", "place"),
    [
        (5, "at"),
        ([5], "at.0"),
        ([{"type": "text"}], "at.0.text"),
        ([{"type": "text", "text": 5}], "at.0.text"),
        ([{"type": "image"}], "at.0.source"),
        ([{"type": "image", "source": {"type": "base64"}}], "at.0.source.media_type"),
        ([{"type": "image", "source": {"type": "url"}}], "at.0.source"),
        ([{"type": "tool_result"}], "at.0.tool_use_id"),
    ],
)
def test_what_is_missing_is_named(content, place):
    with pytest.raises(BadRequest) as raised:
        user_parts(content, "at")
    assert raised.value.param == place
    assert raised.value.message.startswith(place)


def test_a_document_has_its_title_and_context_before_it():
    source = {"type": "text", "media_type": "text/plain", "data": "words"}
    block = document(source, title="T", context="C")
    assert user_parts([block], "at") == [TextPart("[T]\n[C]\n\nwords")]


def test_a_document_may_hold_images():
    block = document({"type": "content", "content": [text("see"), IMAGE]})
    image = ImagePart("data:image/png;base64,AAAA")
    assert user_parts([block], "at") == [TextPart("see"), image]


@pytest.mark.parametrize(
    "source",
    [
        {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0="},
        {"type": "base64", "media_type": "text/plain", "data": "/w=="},
        {"type": "text"},
        {"type": "url", "url": "http://127.0.0.1/"},
    ],
)
def test_a_document_that_is_no_text_is_refused(source):
    with pytest.raises(BadRequest, match=r"^at\.0\.source: "):
        user_parts([document(source)], "at")


def test_a_search_result_is_text_with_its_origin():
    block = {"type": "search_result", "title": "T", "source": "S"}
    parts = user_parts([{**block, "content": [text("found")]}], "at")
    assert parts == [TextPart("[T]\n[S]\n\nfound")]


def test_a_result_holds_texts_and_images():
    content = [text("a"), text("b"), IMAGE]
    block = {"type": "tool_result", "tool_use_id": "c", "content": content}
    image = ImagePart("data:image/png;base64,AAAA")
    (result,) = user_parts([{**block, "is_error": True}], "at")
    assert result == ToolResult("c", (TextPart("a\n\nb"), image), is_error=True)


def test_a_system_prompt_is_a_part_a_block():
    blocks = [BILLING, text("One."), text(""), text("Two.")]
    assert system_parts(blocks, "at") == [TextPart("One."), TextPart("Two.")]


def test_a_system_prompt_holds_text_only():
    with pytest.raises(BadRequest, match=r"^at\.0\.type: 'image'"):
        system_parts([IMAGE], "at")


def test_the_model_thought_spoke_and_called():
    blocks = [
        {"type": "thinking", "thinking": "hm", "signature": "Eq"},
        {"type": "redacted_thinking", "data": "AAAA"},
        text("I look."),
        {"type": "tool_use", "id": "c", "name": "ls", "input": {"path": "/"}},
    ]
    assert assistant_parts(blocks, "at") == [
        ThinkingPart("hm", "Eq"),
        ThinkingPart("", "AAAA", redacted=True),
        TextPart("I look."),
        ToolCall("c", "ls", '{"path":"/"}'),
    ]


def test_a_signature_without_words_is_kept():
    block = {"type": "thinking", "thinking": "", "signature": "Eq"}
    assert assistant_parts([block], "at") == [ThinkingPart("", "Eq")]


def test_our_own_signature_is_taken_off():
    block = {"type": "thinking", "thinking": "hm", "signature": "gw1.00"}
    assert assistant_parts([block], "at") == [ThinkingPart("hm")]


@pytest.mark.parametrize("thinking", ["", None, 5])
def test_thinking_without_words_is_no_part(thinking):
    assert assistant_parts([{"type": "thinking", "thinking": thinking}], "at") == []


@pytest.mark.parametrize("kind", ["server_tool_use", "web_search_tool_result"])
def test_traces_of_the_providers_own_tools_are_left_out(kind):
    assert assistant_parts([{"type": kind}, text("a")], "at") == [TextPart("a")]


def test_such_traces_are_no_users():
    with pytest.raises(BadRequest):
        user_parts([{"type": "server_tool_use"}], "at")
