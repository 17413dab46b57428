import pytest

from proxyapp.neutral.events import MessageEnd
from proxyapp.neutral.events import MessageStart
from proxyapp.neutral.events import TextDelta
from proxyapp.neutral.events import ThinkingDelta
from proxyapp.neutral.events import ToolCallDelta
from proxyapp.neutral.events import ToolCallStart
from tests.grammar import check_order

START, END = MessageStart("", "m"), MessageEnd("stop")
TEXT, CALL = TextDelta(0, b'"a"'), ToolCallStart(1, "call_1", "look")


@pytest.mark.parametrize(
    "events",
    [
        [START, END],
        [START, ThinkingDelta(0, b'""'), TextDelta(1, b'"a"'), END],
        [START, TEXT, TEXT, CALL, ToolCallDelta(1, "{"), ToolCallDelta(1, "}"), END],
        [START, TEXT, CALL, TextDelta(4, b'"b"'), END],
        [START, MessageStart("", "m", 1), END, MessageEnd("stop", choice=1)],
    ],
)
def test_a_reply_in_order_has_no_violations(events):
    assert check_order(events) == []


@pytest.mark.parametrize(
    ("events", "violation"),
    [
        ([], "there are no events"),
        ([START, TEXT], "a choice has no end"),
        ([START, MessageStart("", "m", 1), END], "a choice has no end"),
        ([TEXT, END], "the first event is no start"),
        ([START, START, END], "a second start"),
        ([START, END, TEXT], "an event follows the end"),
        ([START, END, END], "an event follows the end"),
        ([START, TextDelta(1, b'"a"'), TEXT, END], "the index goes down"),
        (
            [START, CALL, ToolCallStart(1, "b", "c"), END],
            "a call starts in an open block",
        ),
        ([START, ToolCallDelta(0, ""), END], "arguments come without their start"),
        (
            [START, TEXT, ToolCallDelta(0, ""), END],
            "arguments come without their start",
        ),
        ([START, TEXT, ThinkingDelta(0, b'""'), END], "a block changes its kind"),
        ([START, CALL, TextDelta(1, b'""'), END], "a block changes its kind"),
        ([START, TextDelta(0, b'"'), END], "the text is no JSON string"),
        ([START, TextDelta(0, b"1"), END], "the text is no JSON string"),
        (
            [START, ToolCallStart(0, "", "x"), END],
            "a call has no name, or no id of its own",
        ),
        (
            [START, ToolCallStart(0, "x", ""), END],
            "a call has no name, or no id of its own",
        ),
        (
            [START, CALL, ToolCallStart(2, "call_1", "x"), END],
            "a call has no name, or no id of its own",
        ),
    ],
)
def test_a_reply_out_of_order_is_found_out(events, violation):
    assert check_order(events) == [violation]
