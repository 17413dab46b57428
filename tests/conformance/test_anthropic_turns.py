"""Anthropic's messages, the request's side: how a conversation reaches the model."""

import pytest

from tests.conformance.anthropic_calls import assistant
from tests.conformance.anthropic_calls import CALL
from tests.conformance.anthropic_calls import LS
from tests.conformance.anthropic_calls import refused
from tests.conformance.anthropic_calls import result
from tests.conformance.anthropic_calls import sent
from tests.conformance.anthropic_calls import text
from tests.conformance.anthropic_calls import user

PNG = "iVBORw0KGgo="
IMAGE = {
    "type": "image",
    "source": {"type": "base64", "media_type": "image/png", "data": PNG},
}
URL_IMAGE = {"type": "image", "source": {"type": "url", "url": "http://127.0.0.1/x"}}


def document(kind, **source):
    return {"type": "document", "title": "T", "source": {"type": kind, **source}}


def roles(body):
    return [message["role"] for message in body["messages"]]


@pytest.mark.conformance("C-125")
@pytest.mark.parametrize(
    ("system", "expected"),
    [
        ("Be brief.", "Be brief."),
        ([text("One."), text("Two.")], "One.\n\nTwo."),
    ],
)
def test_a_system_prompt_is_a_string_or_blocks(gateway, upstream, system, expected):
    body = sent(gateway, upstream, system=system)
    assert body["messages"][0] == {"role": "system", "content": expected}


@pytest.mark.conformance("C-125")
def test_an_empty_system_prompt_is_none(gateway, upstream):
    assert roles(sent(gateway, upstream, system=[])) == ["user"]


@pytest.mark.conformance("C-125")
def test_cache_control_goes_no_further(gateway, upstream):
    cached = {"cache_control": {"type": "ephemeral"}}
    tools = [{**LS, **cached}]
    words = [text("hi", **cached)]
    sent(gateway, upstream, user(words), system=[text("One.", **cached)], tools=tools)
    assert b"cache_control" not in upstream.generations[-1].body


@pytest.mark.conformance("C-126")
def test_claude_codes_billing_block_does_not_change_the_prompt(gateway, upstream):
    def prompt(cch):
        billing = text(f"x-anthropic-billing-header: cc_version=2; cch={cch};")
        sent(gateway, upstream, system=[billing, text("Be brief.")])
        return upstream.generations[-1].body

    assert prompt("11111") == prompt("22222")


@pytest.mark.conformance("C-126")
def test_a_system_prompt_of_the_billing_block_alone_is_none(gateway, upstream):
    billing = text("x-anthropic-billing-header: cch=1;")
    assert roles(sent(gateway, upstream, system=[billing])) == ["user"]


@pytest.mark.conformance("C-127")
def test_a_system_message_may_come_later(gateway, upstream):
    late = {"role": "system", "content": "Mind the gap."}
    body = sent(gateway, upstream, user("a"), assistant("b"), late, user("c"))
    assert roles(body) == ["user", "assistant", "user"]
    assert "Mind the gap." in body["messages"][2]["content"]


@pytest.mark.conformance("C-127")
def test_a_late_system_message_stays_where_it_is_as_the_conversation_grows(
    gateway, upstream
):
    late = {"role": "system", "content": "Mind the gap."}
    first = sent(gateway, upstream, user("a"), late)["messages"]
    grown = (user("a"), late, assistant([CALL]), user([result(content="x")]))
    assert sent(gateway, upstream, *grown)["messages"][: len(first)] == first


@pytest.mark.conformance("C-128")
def test_turns_of_one_side_in_a_row_become_one(gateway, upstream):
    turns = (user("a"), user("b"), assistant("c"), assistant("d"), user("e"))
    messages = sent(gateway, upstream, *turns)["messages"]
    assert [(m["role"], m["content"]) for m in messages] == [
        ("user", "a\n\nb"),
        ("assistant", "c\n\nd"),
        ("user", "e"),
    ]


@pytest.mark.conformance("C-129")
def test_a_result_comes_before_the_words_of_its_turn(gateway, upstream):
    turn = user([result(content="bin etc"), text("go on")])
    messages = sent(gateway, upstream, user(), assistant([CALL]), turn)["messages"]
    assert [m["role"] for m in messages] == ["user", "assistant", "tool", "user"]
    assert messages[2]["content"] == "bin etc"
    assert messages[3]["content"] == "go on"


@pytest.mark.conformance("C-130")
def test_results_stand_in_the_order_of_their_calls(gateway, upstream):
    calls = [{**CALL, "id": f"call_{n}"} for n in (1, 2, 3)]
    results = [result(f"call_{n}", content=f"r{n}") for n in (3, 1, 2)]
    turns = (user(), assistant(calls), user(results))
    messages = sent(gateway, upstream, *turns)["messages"]
    answers = [m["content"] for m in messages if m["role"] == "tool"]
    assert answers == ["r1", "r2", "r3"]


@pytest.mark.conformance("C-131")
def test_words_before_a_result_do_not_part_it_from_its_call(gateway, upstream):
    turn = user([text("well"), result(content="r")])
    body = sent(gateway, upstream, user(), assistant([CALL]), turn)
    assert roles(body) == ["user", "assistant", "tool", "user"]


@pytest.mark.conformance("C-132")
@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, ""),
        ({"content": None}, ""),
        ({"content": ""}, ""),
        ({"content": "plain"}, "plain"),
        ({"content": []}, ""),
        ({"content": [text("in a block")]}, "in a block"),
        ({"content": [text("seen"), IMAGE]}, "seen"),
        ({"content": [{"type": "tool_reference", "tool_name": "ls"}]}, "[tool: ls]"),
    ],
)
def test_a_result_has_any_content_or_none(gateway, upstream, fields, expected):
    turns = (user(), assistant([CALL]), user([result(**fields)]))
    assert sent(gateway, upstream, *turns)["messages"][2]["content"] == expected


@pytest.mark.conformance("C-133")
def test_the_model_sees_that_a_tool_failed(gateway, upstream):
    failed = result(content="no such file", is_error=True)
    body = sent(gateway, upstream, user(), assistant([CALL]), user([failed]))
    assert body["messages"][2]["content"] == "Error: no such file"


@pytest.mark.conformance("C-134")
def test_an_image_becomes_a_data_url(gateway, upstream):
    body = sent(gateway, upstream, user([text("look"), IMAGE]))
    assert body["messages"][0]["content"] == [
        {"type": "text", "text": "look"},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}},
    ]


@pytest.mark.conformance("C-134")
def test_an_image_at_a_url_is_refused(gateway, upstream):
    words = refused(gateway, user([text("look"), URL_IMAGE]))
    assert words.startswith("messages.0.content.1.source")
    assert upstream.generations == []


@pytest.mark.conformance("C-134")
def test_an_image_in_a_result_reaches_the_model_behind_all_results(gateway, upstream):
    calls = [CALL, {**CALL, "id": "call_2"}]
    results = [result(content=[IMAGE]), result("call_2", content="r2")]
    body = sent(gateway, upstream, user(), assistant(calls), user(results))
    assert roles(body) == ["user", "assistant", "tool", "tool", "user"]
    assert body["messages"][4]["content"][0]["type"] == "image_url"


@pytest.mark.conformance("C-135")
@pytest.mark.parametrize(
    "block",
    [
        document("text", media_type="text/plain", data="the words"),
        document("content", content="the words"),
        document("content", content=[text("the words")]),
        document("base64", media_type="text/plain", data="dGhlIHdvcmRz"),
        {"type": "search_result", "title": "T", "content": [text("the words")]},
    ],
)
def test_a_document_of_text_becomes_text(gateway, upstream, block):
    body = sent(gateway, upstream, user([block]))
    assert body["messages"][0]["content"] == "[T]\n\nthe words"


@pytest.mark.conformance("C-135")
@pytest.mark.parametrize(
    "block",
    [
        document("base64", media_type="application/pdf", data="JVBERi0="),
        document("url", url="http://127.0.0.1/x.pdf"),
        document("file", file_id="file_1"),
    ],
)
def test_any_other_document_is_refused_by_its_place(gateway, block):
    words = refused(gateway, user(), assistant("b"), user([text("c"), block]))
    assert words.startswith("messages.2.content.1.source")


@pytest.mark.conformance("C-136", "C-137")
@pytest.mark.parametrize("signature", ["", "gw1.00", "EqQBCkYIBxgCKkD", None])
def test_earlier_thinking_is_no_part_of_what_was_said(gateway, upstream, signature):
    said = [
        {"type": "thinking", "thinking": "secret", "signature": signature},
        {"type": "redacted_thinking", "data": "AAAA"},
        text("said"),
    ]
    messages = sent(gateway, upstream, user(), assistant(said), user("c"))["messages"]
    assert messages[1]["content"] == "said"


@pytest.mark.conformance("C-137")
def test_thinking_in_the_turn_in_progress_is_sent_as_reasoning(gateway, upstream):
    thought = {"type": "thinking", "thinking": "secret", "signature": "x"}
    turns = (user(), assistant([thought, CALL]), user([result(content="r")]))
    message = sent(gateway, upstream, *turns)["messages"][1]
    assert message["reasoning_content"] == "secret"
    assert message["content"] is None


@pytest.mark.conformance("C-143")
@pytest.mark.parametrize(
    ("given", "expected"), [({}, "{}"), ({"path": "/"}, '{"path":"/"}'), (None, "{}")]
)
def test_an_earlier_call_has_its_arguments_as_text(gateway, upstream, given, expected):
    turns = (user(), assistant([{**CALL, "input": given}]), user([result()]))
    call = sent(gateway, upstream, *turns)["messages"][1]["tool_calls"][0]
    assert call["function"]["arguments"] == expected


@pytest.mark.conformance("C-143")
def test_an_earlier_call_whose_input_is_no_object_is_wrapped(gateway, upstream):
    turns = (user(), assistant([{**CALL, "input": [1, 2]}]), user([result()]))
    call = sent(gateway, upstream, *turns)["messages"][1]["tool_calls"][0]
    assert call["function"]["arguments"].startswith("{")


@pytest.mark.conformance("C-147")
def test_a_begun_answer_is_the_last_message(gateway, upstream):
    messages = sent(gateway, upstream, user(), assistant("The answer is"))["messages"]
    assert messages[-1] == {"role": "assistant", "content": "The answer is"}
