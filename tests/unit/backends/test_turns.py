from proxyapp.backends.turns import parts_of
from proxyapp.backends.turns import results_in_order
from proxyapp.neutral.messages import Message
from proxyapp.neutral.messages import TextPart
from proxyapp.neutral.messages import ToolCall
from proxyapp.neutral.messages import ToolResult

CALL = Message("assistant", (ToolCall("c", "ls", "{}"),))
RESULT = ToolResult("c", (TextPart("a.txt"),))
QUESTION = Message("user", (TextPart("hi"),))


def test_a_result_stands_behind_its_call():
    turns = [CALL, QUESTION, Message("tool", (RESULT,))]
    assert results_in_order(turns) == [CALL, Message("tool", (RESULT,)), QUESTION]


def test_a_missing_result_is_filled_in():
    filled = results_in_order([CALL])[1].content[0]
    assert filled == ToolResult("c", (TextPart("No result provided"),))


def test_a_result_without_a_call_becomes_words():
    (orphan,) = results_in_order([Message("tool", (RESULT,))])
    assert (orphan.role, orphan.text) == ("user", "[tool result c] a.txt")


def test_parts_are_found_by_their_kind():
    assert list(parts_of([QUESTION, CALL], ToolCall)) == [ToolCall("c", "ls", "{}")]
