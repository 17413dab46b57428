import pytest

from proxyapp.neutral.events import MessageEnd
from proxyapp.neutral.events import MessageStart
from proxyapp.neutral.events import TextDelta
from proxyapp.neutral.events import ThinkingDelta
from proxyapp.neutral.events import ToolCallDelta
from proxyapp.neutral.events import ToolCallStart
from proxyapp.neutral.usage import Usage
from proxyapp.relay.fold import fold
from proxyapp.relay.stages import ClientNames
from proxyapp.relay.stages import FirstCallOnly
from proxyapp.relay.stages import NoThinking
from proxyapp.relay.stages import StopStrings
from proxyapp.relay.stages import VisibleThinking
from proxyapp.wire import jsons
from tests.grammar import check_order

START = MessageStart("", "m")


def text(piece, index=0, choice=0):
    return TextDelta(index, jsons.dumps(piece), choice)


def thought(piece, index=0, choice=0):
    return ThinkingDelta(index, jsons.dumps(piece), choice)


def call(index, name="look", choice=0):
    return [
        *(
            ToolCallStart(index, f"c{index}", name, choice),
            ToolCallDelta(index, "{}", choice),
        ),
    ]


def end(reason="stop", **fields):
    return MessageEnd(reason, **fields)


def through(stage, *events):
    """Send a reply's events one batch each; give what comes out, in good order."""
    told = []
    for event in [START, *events]:
        told += stage([event])
        if isinstance(told[-1:] and told[-1], MessageEnd):
            break
    assert check_order(told) == []
    return told[1:]


# --------------------------------------------------------------- FirstCallOnly


def test_calls_after_the_first_are_dropped():
    events = [text("a"), *call(1), *call(2), text("b", 3), *call(4), end()]
    assert through(FirstCallOnly(), *events) == [
        *(text("a"), *call(1), text("b", 3), end()),
    ]


def test_each_choice_has_a_first_call():
    stage = FirstCallOnly()
    events = [*call(0), *call(0, choice=1), *call(1, choice=1)]
    assert stage(events) == [*call(0), *call(0, choice=1)]


# ------------------------------------------------------------------- NoThinking


def test_reasoning_is_dropped():
    events = [thought("hm"), text("a", 1), thought("hm", 2), *call(3), end()]
    assert through(NoThinking(), *events) == [text("a", 1), *call(3), end()]


# -------------------------------------------------------------- VisibleThinking


def test_reasoning_becomes_a_quotation():
    told = through(
        VisibleThinking(), thought("a\nb"), thought("\nc"), text("d", 1), end()
    )
    assert fold([START, *told]).choices[0].text == "> a\n> b\n> c\n\nd"


def test_text_without_reasoning_stays_as_it_is():
    assert through(VisibleThinking(), text("a"), end()) == [text("a"), end()]


def test_the_blank_line_comes_once():
    told = through(VisibleThinking(), thought("a"), text("b", 1), text("c", 1), end())
    assert fold([START, *told]).choices[0].text == "> a\n\nbc"


def test_reasoning_before_a_call_is_followed_by_the_call():
    told = through(VisibleThinking(), thought("a"), *call(1), end())
    assert told == [text("> a"), *call(1), end()]


def test_each_choice_has_its_own_quotation():
    stage = VisibleThinking()
    told = stage([thought("a"), thought("b", choice=1), text("c", 1, choice=1)])
    assert [event.choice for event in told] == [0, 1, 1, 1]


# ------------------------------------------------------------------ ClientNames


def test_calls_get_the_names_the_client_used():
    stage = ClientNames({"look_2": "look"})
    events = [*call(0, "look_2"), *call(1, "read"), end()]
    assert through(stage, *events) == [*call(0, "look"), *call(1, "read"), end()]


# ------------------------------------------------------------------ StopStrings


def stopped(stops, *pieces):
    """Give the text a client sees, and the stop string it is told."""
    told = through(StopStrings(stops), *map(text, pieces), end("length"))
    choice = fold([START, *told]).choices[0]
    return choice.text, choice.stop_sequence


@pytest.mark.parametrize(
    ("pieces", "seen"),
    [
        (["abSTOPcd"], "ab"),
        (["ab", "STOP", "cd"], "ab"),
        (["abS", "TO", "Pcd"], "ab"),
        (["ab", "S", "T", "O", "P"], "ab"),
        (["STOP"], ""),
        (["abSTSTOP"], "abST"),
        (["abST", "STOPx"], "abST"),
        (["SSTOP"], "S"),
        (["a", "bSTOP", "STOP"], "ab"),
    ],
)
def test_text_ends_before_the_stop_string_however_it_is_cut(pieces, seen):
    assert stopped(["STOP"], *pieces) == (seen, "STOP")


@pytest.mark.parametrize(
    "pieces", [["abSTO"], ["abS", "TOx"], ["abS", "", "T"], ["STO"], ["ab"], ["S", "S"]]
)
def test_text_without_a_stop_string_comes_whole(pieces):
    assert stopped(["STOP"], *pieces) == ("".join(pieces), None)


@pytest.mark.parametrize("pieces", [["xabc"], ["xa", "bc"], ["x", "a", "b", "c"]])
@pytest.mark.parametrize(
    ("stops", "seen"),
    [
        (["abc", "b"], ("xa", "b")),
        (["b", "abc"], ("xa", "b")),
        (["ab", "b"], ("x", "ab")),
        (["bc", "abc"], ("x", "abc")),
        (["c", "x"], ("", "x")),
    ],
)
def test_the_stop_string_that_is_complete_first_counts(stops, seen, pieces):
    assert stopped(stops, *pieces) == seen


def test_a_reply_that_was_stopped_says_so():
    told = through(StopStrings(["x"]), text("axb"), end("length", usage=Usage(1, 1)))
    assert told[-1] == end("stop", stop_sequence="x")


def test_nothing_comes_behind_a_stop_string():
    events = [text("ax"), text("b"), thought("c", 1), *call(2), end("tool_calls")]
    told = through(StopStrings(["x"]), *events)
    assert told == [text("a"), end("stop", stop_sequence="x")]


def test_a_stop_string_ends_its_own_choice_only():
    stage = StopStrings(["x"], choices=2)
    told = stage([text("ax"), text("b", choice=1), text("c"), text("d", choice=1)])
    assert told == [text("a"), text("b", choice=1), text("d", choice=1)]


def test_a_reply_is_over_when_all_its_choices_were_stopped():
    stage = StopStrings(["x"], choices=2)
    stage([text("ax")])
    assert stage([text("bx", choice=1)]) == [
        text("b", choice=1),
        end("stop", stop_sequence="x"),
        end("stop", stop_sequence="x", choice=1),
    ]


def test_a_stopped_choice_ends_with_those_that_ended_by_themselves():
    stage = StopStrings(["x"], choices=2)
    stage([text("ax")])
    assert stage([end(choice=0), end("length", choice=1)]) == [
        end("stop", stop_sequence="x"),
        end("length", choice=1),
    ]


@pytest.mark.parametrize("next_event", [thought("hm", 2), call(2)[0], end()])
def test_what_was_held_for_nothing_comes_before_the_next_event(next_event):
    stage = StopStrings(["STOP"])
    stage([START, thought("hm", 0)])
    told = [*stage([text("aST", 1)]), *stage([next_event])]
    assert told == [text("a", 1), text("ST", 1), next_event]


def test_text_that_cannot_begin_a_stop_string_is_not_held():
    assert StopStrings(["STOP"])([text("abTO")]) == [text("abTO")]


def test_a_stop_string_of_one_character_holds_nothing():
    assert stopped(["\n"], "a", "b\nc") == ("ab", "\n")


def test_a_stop_string_is_found_in_text_with_escapes():
    assert stopped(["\n\nUser:"], "a\n", "\nUs", "er: b") == ("a", "\n\nUser:")
