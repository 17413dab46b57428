import pytest

from proxyapp.dialects.responses.tools import ClientTools
from proxyapp.dialects.responses.tools import Origin
from proxyapp.dialects.responses.tools import read_choice
from proxyapp.dialects.responses.tools import read_tools
from proxyapp.errors import BadRequest
from proxyapp.neutral.request import ToolChoice
from proxyapp.tools.repair import Repair
from proxyapp.tools.repair import RepairedTools
from proxyapp.tools.repair import ToolRepairer

WAIT = {"type": "function", "name": "wait", "description": "Wait."}
PATCH = {"type": "custom", "name": "patch"}
AGENTS = {"type": "namespace", "name": "agents", "tools": [WAIT, PATCH]}


def choose(choice, *tools, repaired=None):
    """Read a choice among tools."""
    read = read_tools({"tools": list(tools)})
    repaired = repaired or ToolRepairer().repair(read.functions)
    return read_choice({"tool_choice": choice}, read, repaired)


def test_a_function_is_passed_on_as_it_came():
    tools = read_tools({"tools": [WAIT]})
    assert tools.functions == [WAIT]
    assert tools.origin("wait") == Origin("wait")


def test_a_tool_in_chats_shape_is_read():
    nested = {"type": "function", "function": {"name": "wait"}}
    tools = read_tools({"tools": [nested]})
    assert tools.functions == [nested]
    assert tools.echo[0]["name"] == "wait"


def test_a_custom_tool_becomes_a_function_of_one_string():
    tools = read_tools({"tools": [PATCH]})
    assert tools.functions[0]["parameters"]["required"] == ["input"]
    assert tools.origin("patch") == Origin("patch", custom=True)


def test_a_grammar_is_shown_in_the_description():
    form = {"type": "grammar", "syntax": "lark", "definition": "start: x"}
    tools = read_tools({"tools": [{**PATCH, "description": "P.", "format": form}]})
    words = tools.functions[0]["description"]
    assert words.startswith("P.\n\n")
    assert words.endswith("lark grammar:\nstart: x")


def test_a_namespace_becomes_functions_of_one_list():
    tools = read_tools({"tools": [AGENTS]})
    names = [function["name"] for function in tools.functions]
    assert names == ["agents__wait", "agents__patch"]
    assert tools.origin("agents__wait") == Origin("wait", "agents")
    assert tools.origin("agents__patch") == Origin("patch", "agents", custom=True)


def test_a_name_that_holds_its_namespace_stays():
    assert Origin("mcp__git__log", "mcp__git__").function == "mcp__git__log"
    assert Origin("log", "mcp__git__").function == "mcp__git__log"


def test_an_unknown_function_is_its_own_origin():
    assert ClientTools().origin("x") == Origin("x")


def test_the_echo_holds_every_key_the_sdk_wants():
    echo = read_tools({"tools": [{"name": "f", "parameters": 1, "strict": 1}]}).echo
    assert echo == [
        {
            "type": "function",
            "name": "f",
            "description": None,
            "parameters": None,
            "strict": None,
        }
    ]


def test_the_echo_of_a_namespace_holds_its_tools():
    echo = read_tools({"tools": [AGENTS]}).echo[0]
    assert (echo["name"], echo["description"]) == ("agents", "")
    assert [tool["type"] for tool in echo["tools"]] == ["function", "custom"]


def test_tools_of_the_input_are_not_echoed():
    more = {"type": "additional_tools", "tools": [WAIT]}
    tools = read_tools({"tools": [PATCH], "input": [more, "x"]})
    assert [function["name"] for function in tools.functions] == ["patch", "wait"]
    assert [tool["name"] for tool in tools.echo] == ["patch"]


def test_a_hosted_tool_is_refused_by_its_place():
    with pytest.raises(BadRequest, match="web_search") as caught:
        read_tools({"tools": [WAIT, {"type": "web_search"}]})
    assert caught.value.param == "tools[1].type"


def test_a_hosted_tool_in_a_namespace_is_refused():
    with pytest.raises(BadRequest) as caught:
        read_tools({"tools": [{**AGENTS, "tools": [{"type": "mcp"}]}]})
    assert caught.value.param == "tools[0].tools[0].type"


def test_a_dropped_tool_is_reported_before_the_repairs():
    tools = read_tools({"tools": [{"type": "web_search"}]}, drop_hosted=True)
    later = Repair("f", "description", "")
    reported = tools.repaired(RepairedTools((), (later,), {}))
    dropped = Repair("web_search", "hosted-tool-dropped", "tools[0]")
    assert reported.repairs == (dropped, later)


@pytest.mark.parametrize(
    "tools",
    [["x"], [None], [{}], [{"type": "custom"}], [{"type": "namespace"}], {}, "x"],
)
def test_what_is_no_tool_is_refused(tools):
    with pytest.raises(BadRequest):
        read_tools({"tools": tools})


@pytest.mark.parametrize("mode", ["auto", "none", "required"])
def test_a_mode_is_a_choice(mode):
    assert choose(mode, WAIT) == ToolChoice(mode)


def test_no_choice_is_automatic():
    assert choose(None, WAIT) == ToolChoice("auto")


def test_a_named_tool_must_be_called():
    choice = {"type": "function", "name": "wait"}
    assert choose(choice, WAIT, PATCH) == ToolChoice("required", ("wait",))


def test_a_tool_in_a_namespace_is_named_without_it():
    choice = {"type": "custom", "name": "patch"}
    assert choose(choice, AGENTS) == ToolChoice("required", ("agents__patch",))


def test_a_renamed_tool_is_chosen_by_the_clients_name():
    read = read_tools({"tools": [{"name": "wa\x00it"}]})
    repaired = ToolRepairer().repair(read.functions)
    choice = {"type": "function", "name": "wa\x00it"}
    found = read_choice({"tool_choice": choice}, read, repaired)
    assert found == ToolChoice("required", (repaired.tools[0].name,))


def test_allowed_tools_limit_the_choice():
    choice = {"type": "allowed_tools", "mode": "required", "tools": [{"name": "wait"}]}
    assert choose(choice, WAIT, PATCH) == ToolChoice("required", ("wait",))


def test_allowed_tools_may_be_left_alone():
    choice = {"type": "allowed_tools", "mode": "auto", "tools": [{"name": "wait"}]}
    assert choose(choice, WAIT, PATCH) == ToolChoice("auto", ("wait",))


@pytest.mark.parametrize(
    "choice",
    ["sometimes", 1, {"type": "web_search"}, {"type": "function", "name": "other"}],
)
def test_an_impossible_choice_is_refused(choice):
    with pytest.raises(BadRequest) as caught:
        choose(choice, WAIT)
    assert caught.value.param == "tool_choice"
