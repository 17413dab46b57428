from proxyapp.neutral.events import MessageEnd
from proxyapp.neutral.events import MessageStart
from proxyapp.neutral.events import TextDelta
from proxyapp.neutral.events import ThinkingDelta
from proxyapp.neutral.events import ToolCallDelta
from proxyapp.neutral.events import ToolCallStart
from proxyapp.neutral.messages import TextPart
from proxyapp.neutral.messages import ThinkingPart
from proxyapp.neutral.messages import ToolCall
from proxyapp.neutral.usage import Timings
from proxyapp.neutral.usage import Usage
from proxyapp.relay.fold import Fold
from proxyapp.relay.fold import fold

START, END = MessageStart("", "m"), MessageEnd("stop")


def one(*events):
    (choice,) = fold([START, *events, END]).choices
    return choice


def test_a_reply_without_content_has_no_blocks():
    reply = fold([START, END])
    assert (reply.choices[0].blocks, reply.choices[0].text) == ([], "")
    assert (reply.usage, reply.timings) == (Usage(), None)


def test_blocks_stand_in_their_order():
    choice = one(
        ThinkingDelta(0, b'"h"'),
        ThinkingDelta(0, b'"m"', signature="sig"),
        TextDelta(1, b'"a"'),
        TextDelta(1, b'"b"'),
        ToolCallStart(2, "c", "look"),
        ToolCallDelta(2, '{"x"'),
        ToolCallDelta(2, ":1}"),
        TextDelta(4, b'"d"'),
    )
    assert choice.blocks == [
        ThinkingPart("hm", "sig"),
        TextPart("ab"),
        ToolCall("c", "look", '{"x":1}'),
        TextPart("d"),
    ]


def test_a_choice_gives_its_text_its_reasoning_and_its_calls():
    choice = one(
        ThinkingDelta(0, b'"hm"'),
        TextDelta(1, b'"a"'),
        ToolCallStart(2, "c", "look"),
        TextDelta(3, b'"b"'),
    )
    assert (choice.text, choice.thinking) == ("ab", "hm")
    assert choice.calls == [ToolCall("c", "look", "")]


def test_two_blocks_of_one_kind_stay_two():
    assert one(TextDelta(0, b'"a"'), TextDelta(1, b'"b"')).blocks == [
        *(TextPart("a"), TextPart("b")),
    ]


def test_an_emoji_cut_in_two_is_whole_again():
    assert one(TextDelta(0, rb'"\ud83d"'), TextDelta(0, rb'"\ude00"')).text == "😀"


def test_a_half_that_stays_alone_is_replaced():
    assert (
        one(TextDelta(0, rb'"a\ud83d"'), TextDelta(1, rb'"\ude00"')).text
        == "a\ufffd\ufffd"
    )


def test_the_end_tells_why_it_stopped_and_what_it_took():
    end = MessageEnd("length", Usage(3, 2), Timings(1.0, 2.0), 0, "###")
    reply = fold([START, end])
    choice = reply.choices[0]
    assert (choice.stop_reason, choice.stop_sequence) == ("length", "###")
    assert (reply.usage, reply.timings) == (Usage(3, 2), Timings(1.0, 2.0))


def test_choices_are_kept_apart_and_sorted():
    reply = fold(
        [
            *(MessageStart("", "m", 1), START),
            *(TextDelta(0, b'"b"', 1), TextDelta(0, b'"a"')),
            *(TextDelta(0, b'"B"', 1), TextDelta(0, b'"A"')),
            *(MessageEnd("length", Usage(1, 1), choice=1), END),
        ]
    )
    assert [(c.index, c.text, c.stop_reason) for c in reply.choices] == [
        *((0, "aA", "stop"), (1, "bB", "length")),
    ]
    assert reply.usage == Usage(1, 1)


def test_logprobs_are_collected_in_order():
    choice = one(
        TextDelta(0, b'"a"', logprobs={"content": [1]}),
        TextDelta(0, b'"b"'),
        TextDelta(0, b'"c"', logprobs={"content": [2]}),
    )
    assert choice.logprobs == [{"content": [1]}, {"content": [2]}]


def test_events_may_come_in_any_portions():
    folding = Fold()
    folding.add([START])
    folding.add([])
    folding.add([TextDelta(0, b'"a"')])
    folding.add([TextDelta(0, b'"b"'), END])
    assert folding.reply() == fold(
        [START, TextDelta(0, b'"a"'), TextDelta(0, b'"b"'), END]
    )
