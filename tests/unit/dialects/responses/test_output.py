from proxyapp.dialects.responses.output import MESSAGE
from proxyapp.dialects.responses.output import OpenCall
from proxyapp.dialects.responses.output import OpenProse
from proxyapp.dialects.responses.output import THOUGHT
from proxyapp.dialects.responses.tools import Origin
from proxyapp.neutral.events import TextDelta
from proxyapp.neutral.events import ThinkingDelta
from proxyapp.neutral.events import ToolCallStart


def call(origin):
    """Open a call."""
    return OpenCall(ToolCallStart(0, "c1", origin.function), origin, "fc_1", 0)


def test_prose_holds_deltas_of_its_kind_and_block():
    prose = OpenProse(MESSAGE, 1, "msg_1", 0)
    assert prose.holds(TextDelta(1, b'"a"'))
    assert not prose.holds(TextDelta(2, b'"a"'))
    assert not prose.holds(ThinkingDelta(1, b'"a"'))


def test_the_head_of_a_delta_ends_where_the_text_goes():
    head = OpenProse(THOUGHT, 0, "rs_1", 2).delta_head
    assert head.startswith(b"event: response.reasoning_summary_text.delta\ndata: {")
    assert b'"output_index":2,"summary_index":0' in head
    assert head.endswith(b',"delta":')


def test_a_character_cut_in_two_is_whole_in_the_end():
    prose = OpenProse(MESSAGE, 0, "msg_1", 0)
    prose.pieces += [b'"\\ud83d"', b'"\\ude00"']
    assert prose.text() == "😀"
    assert prose.closing()[0][1]["text"] == "😀"


def test_an_item_has_no_part_until_it_is_written():
    prose = OpenProse(MESSAGE, 0, "msg_1", 0)
    assert prose.item("in_progress", written=False)["content"] == []
    assert prose.item("completed")["content"][0]["text"] == ""


def test_arguments_are_told_as_they_come_and_once_more():
    opened = call(Origin("f"))
    assert opened.delta("{}")[0][1]["delta"] == "{}"
    name, done = opened.closing()[0]
    assert name == "response.function_call_arguments.done"
    assert done["arguments"] == "{}"


def test_a_custom_input_waits_until_it_is_whole():
    opened = call(Origin("p", custom=True))
    assert opened.delta('{"input":') == []
    assert opened.delta('"x"}') == []
    (_, delta), (_, done) = opened.closing()
    assert (delta["delta"], done["input"]) == ("x", "x")
    assert opened.item("completed")["input"] == "x"
