import pytest

from proxyapp.dialects.anthropic.tools import allows_parallel
from proxyapp.dialects.anthropic.tools import tool_choice
from proxyapp.dialects.anthropic.tools import tool_definitions
from proxyapp.errors import BadRequest
from proxyapp.neutral.request import ToolChoice

SCHEMA = {"type": "object", "properties": {}}
TOOL = {"name": "ls", "description": "List", "input_schema": SCHEMA}


@pytest.mark.parametrize("tools", [None, []])
def test_no_tools_are_none(tools):
    assert tool_definitions({"tools": tools}) == []


def test_a_tool_keeps_what_a_model_can_use():
    extra = {"type": "custom", "cache_control": {}, "defer_loading": True}
    assert tool_definitions({"tools": [{**TOOL, **extra}]}) == [TOOL]


def test_the_wish_for_eager_arguments_is_kept():
    eager = {**TOOL, "eager_input_streaming": True}
    assert tool_definitions({"tools": [eager]}) == [eager]


def test_a_tool_of_an_unknown_type_with_a_schema_is_the_clients_own():
    assert tool_definitions({"tools": [{**TOOL, "type": "new_2027"}]}) == [TOOL]


@pytest.mark.parametrize("kind", ["web_search_20250305", "bash_20250124", "new_2027"])
def test_a_tool_that_runs_elsewhere_is_refused_by_its_place(kind):
    tools = [TOOL, {"type": kind, "name": "x"}]
    with pytest.raises(BadRequest, match=rf"^tools\.1: .*'{kind}'"):
        tool_definitions({"tools": tools})


def test_a_tool_of_anthropics_is_refused_with_a_schema_too():
    with pytest.raises(BadRequest, match="computer_20250124"):
        tool_definitions({"tools": [{**TOOL, "type": "computer_20250124"}]})


def test_what_is_no_tool_is_refused_by_its_place():
    with pytest.raises(BadRequest, match=r"^tools\.0: "):
        tool_definitions({"tools": ["ls"]})


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (None, ToolChoice()),
        ({"type": "auto"}, ToolChoice("auto")),
        ({"type": "any"}, ToolChoice("required")),
        ({"type": "none"}, ToolChoice("none")),
        ({"type": "tool", "name": "ls"}, ToolChoice("required", ("ls",))),
    ],
)
def test_the_choice_is_read(choice, expected):
    assert tool_choice({"tool_choice": choice}) == expected


@pytest.mark.parametrize(
    ("choice", "place"),
    [
        ({"type": "some"}, "tool_choice.type"),
        ({"type": "tool"}, "tool_choice.name"),
        ("auto", "tool_choice"),
    ],
)
def test_a_choice_that_cannot_be_read_is_named(choice, place):
    with pytest.raises(BadRequest) as raised:
        tool_choice({"tool_choice": choice})
    assert raised.value.param == place


def test_tools_run_in_parallel_unless_the_choice_forbids_it():
    once = {"type": "auto", "disable_parallel_tool_use": True}
    assert allows_parallel({})
    assert allows_parallel({"tool_choice": {"type": "auto"}})
    assert not allows_parallel({"tool_choice": once})
