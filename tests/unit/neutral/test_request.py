import pytest

from proxyapp.neutral.request import ChatRequest
from proxyapp.neutral.request import CompletionRequest
from proxyapp.neutral.request import Reasoning
from proxyapp.neutral.request import ToolChoice


@pytest.mark.parametrize(
    ("effort", "off"), [("none", True), ("minimal", False), (None, False)]
)
def test_thinking_is_off_at_no_effort_only(effort, off):
    assert Reasoning(effort).off is off


def test_a_request_asks_for_one_whole_answer_with_any_tool():
    request = ChatRequest("m", ())
    assert (request.n, request.stream, request.parallel_tool_calls) == (1, False, True)
    assert request.tool_choice == ToolChoice("auto", ())


def test_two_requests_do_not_share_their_sampling_fields():
    assert Reasoning() == Reasoning()
    assert ChatRequest("m", ()).sampling.fields == {}


@pytest.mark.parametrize(
    ("prompt", "choices"),
    [("a", 3), ([1, 2], 3), (["a", "b"], 6), ([[1], [2], [3]], 9)],
)
def test_every_prompt_is_asked_as_often(prompt, choices):
    assert CompletionRequest("m", prompt, n=3).choices == choices
