import pytest

from proxyapp.backends.echo import EchoBackend
from proxyapp.errors import NotSupported
from proxyapp.neutral.messages import Message
from proxyapp.neutral.messages import TextPart
from proxyapp.neutral.messages import Tool
from proxyapp.neutral.record import Record
from proxyapp.neutral.request import ChatRequest
from proxyapp.neutral.request import CompletionRequest
from proxyapp.neutral.request import EmbeddingRequest
from proxyapp.neutral.request import Reasoning
from proxyapp.neutral.request import Sampling
from proxyapp.neutral.request import ToolChoice
from proxyapp.relay.fold import fold
from tests.grammar import check_order

ECHO = EchoBackend()
MODEL = ECHO.models()[0]
LOOK = Tool("look", "", {"type": "object", "properties": {}})
FIND = Tool(
    "find",
    "",
    {
        "type": "object",
        "properties": {
            "text": {"type": "string"},
            "depth": {"type": "integer", "minimum": 3},
            "kind": {"enum": ["b", "a"]},
        },
        "required": ["text", "depth", "kind"],
    },
)


def events(said="one two three", **fields):
    message = Message("user", (TextPart(said),))
    request = ChatRequest("echo", (message,), **fields)
    told = [event for batch in ECHO.chat(MODEL, request, Record()) for event in batch]
    assert check_order(told) == []
    return told


def answer(*args, **fields):
    return fold(events(*args, **fields)).choices[0]


def test_it_says_what_it_was_told_word_by_word():
    assert len(events()) == 5
    assert answer().text == "one two three"


def test_it_stops_at_the_token_limit():
    cut = answer(sampling=Sampling(max_tokens=2))
    assert (cut.text, cut.stop_reason) == ("one two ", "length")


def test_it_calls_the_tool_it_is_told_to():
    call = answer("please call find", tools=(LOOK, FIND)).calls[0]
    assert call.name == "find"
    assert call.arguments == '{"text":"please call find","depth":3,"kind":"b"}'


def test_it_calls_no_tool_unasked():
    assert answer(tools=(LOOK,)).calls == []


@pytest.mark.parametrize(
    ("choice", "called"),
    [
        (ToolChoice("required"), ["look"]),
        (ToolChoice("required", ("find",)), ["find"]),
        (ToolChoice("none"), []),
    ],
)
def test_it_obeys_the_choice_of_tools(choice, called):
    calls = answer(tools=(LOOK, FIND), tool_choice=choice).calls
    assert [call.name for call in calls] == called


@pytest.mark.parametrize(
    ("reasoning", "thinks"),
    [(None, False), (Reasoning("high"), True), (Reasoning("none"), False)],
)
def test_it_thinks_when_asked_to(reasoning, thinks):
    assert bool(answer(reasoning=reasoning).thinking) == thinks


def test_it_completes_a_prompt_with_itself():
    batches = ECHO.complete(MODEL, CompletionRequest("echo", "once upon"))
    told = [event for batch in batches for event in batch]
    assert fold(told).choices[0].text == "once upon"


def test_the_same_text_is_the_same_vector():
    vectors = ECHO.embed(MODEL, EmbeddingRequest("echo", ("a", "b", "a"))).vectors
    assert vectors[0] == vectors[2] != vectors[1]
    assert sum(x * x for x in vectors[0]) == pytest.approx(1.0)


def test_it_counts_words():
    request = ChatRequest("echo", (Message("user", (TextPart("a b c"),)),))
    assert ECHO.count(MODEL, request) == 3


def test_it_has_no_other_endpoints():
    with pytest.raises(NotSupported):
        ECHO.forward("files", "GET", "/v1/files", b"", "")


def test_nothing_is_wrong_with_it():
    assert [finding.ok for finding in ECHO.check()] == [True]
