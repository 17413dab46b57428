"""Tools come out so that llama-server takes them, and valid ones as they went in."""

import cProfile
import json
import threading

import pytest
from jsonschema import Draft202012Validator

from proxyapp.errors import BadRequest
from proxyapp.neutral.messages import Tool
from proxyapp.tools.repair import Repair
from proxyapp.tools.repair import ToolRepairer
from tests.unit.tools.corpus import CASES
from tests.unit.tools.corpus import doubling
from tests.unit.tools.corpus import HOSTILE
from tests.unit.tools.corpus import many_tools
from tests.unit.tools.corpus import nested
from tests.unit.tools.corpus import nested_arrays
from tests.unit.tools.corpus import tool
from tests.unit.tools.corpus import VSCODE
from tests.unit.tools.grammar import complaints

# Where the repair differs from the one first verified, in text or in meaning. Each
# of these was sent to the same server, and answered with valid arguments.
DIFFERENT = {
    # The definitions stay, and the reference is spelled so that it is found.
    "ref_escaped_pointer",
    "ref_defs_nested_wrong_root",
    "ref_self_loop",
    # The server reads these as they are; what it ignores is kept.
    "pattern_huge_repeat",
    "maxlength_10000",
    "array_max_int",
    "nested_repeat_mult",
    # As much of the minimum is kept as the server takes.
    "minlength_3000",
    "array_min_5000",
    # The pattern stays beside the properties it allows.
    "pattern_properties_addl_false",
    # The same bound, in the keyword of today's drafts.
    "int_excl_bool",
    # "x" is no bound, and the schema was invalid with it.
    "num_min_string",
}


@pytest.fixture
def repairer():
    return ToolRepairer()


def parameters_of(repaired):
    return [json.loads(json.dumps(dict(tool.parameters))) for tool in repaired.tools]


def verified(case):
    tools = case["tools"] if case["repaired"] is None else case["repaired"]
    return [tool["function"] for tool in tools or ()]


@pytest.mark.parametrize("name", sorted(CASES))
def test_the_server_takes_every_repaired_case(repairer, name):
    repaired = repairer.repair(CASES[name]["tools"])
    assert [complaints(parameters) for parameters in parameters_of(repaired)] == [
        [] for _ in repaired.tools
    ]


@pytest.mark.parametrize("name", sorted(CASES.keys() - DIFFERENT))
def test_the_repair_is_the_one_that_was_verified(repairer, name):
    repaired = repairer.repair(CASES[name]["tools"])
    wanted = verified(CASES[name])
    assert parameters_of(repaired) == [function["parameters"] for function in wanted]
    assert [t.name for t in repaired.tools] == [f["name"] for f in wanted]


@pytest.mark.parametrize("name", sorted(DIFFERENT))
def test_a_different_repair_is_a_valid_schema(repairer, name):
    for parameters in parameters_of(repairer.repair(CASES[name]["tools"])):
        Draft202012Validator.check_schema(parameters)


@pytest.mark.parametrize(
    "name", [name for name, c in CASES.items() if c["outcome"] == "HANGS_SERVER"]
)
def test_what_hangs_the_server_is_gone(repairer, name):
    (before,) = [tool["function"]["parameters"] for tool in CASES[name]["tools"]]
    (after,) = parameters_of(repairer.repair(CASES[name]["tools"]))
    assert complaints(before)
    assert complaints(after) == []


@pytest.mark.parametrize("given", VSCODE, ids=lambda tool: tool["function"]["name"])
def test_the_tools_of_a_real_agent_stay_as_they_are(repairer, given):
    (repaired,) = repairer.repair([given]).tools
    wanted = given["function"].get("parameters") or {"type": "object", "properties": {}}
    assert json.dumps(repaired.parameters) == json.dumps(wanted)


@pytest.mark.reliability("R-053")
@pytest.mark.parametrize("name", sorted(HOSTILE))
def test_a_hostile_schema_is_repaired_or_open(repairer, name):
    (parameters,) = parameters_of(repairer.repair([tool(HOSTILE[name])]))
    assert parameters["type"] == "object"
    assert complaints(parameters) == []
    Draft202012Validator.check_schema(parameters)


@pytest.mark.parametrize("nothing", [None, []])
def test_no_tools_are_no_tools(repairer, nothing):
    assert repairer.repair(nothing).tools == ()


@pytest.mark.parametrize("tools", [5, True, "get_weather", 1.5])
def test_what_is_no_list_is_refused(repairer, tools):
    with pytest.raises(BadRequest, match="tools must be a list") as caught:
        repairer.repair(tools)
    assert caught.value.param == "tools"


def test_a_schema_nested_too_deeply_is_refused_by_name(repairer):
    with pytest.raises(BadRequest) as caught:
        repairer.repair([tool({}), tool(nested(5000), name="deep")])
    assert caught.value.param == "tools[1].parameters"


@pytest.mark.parametrize("schema", [nested(20), nested(100), nested_arrays(200)])
def test_a_deeply_nested_schema_is_served(repairer, schema):
    (repaired,) = repairer.repair([tool({"properties": {"x": schema}})]).tools
    assert repaired.parameters["properties"]["x"]["type"] == schema["type"]


def test_an_object_of_too_many_properties_is_refused(repairer):
    wide = {"type": "object", "properties": {f"p{n}": {} for n in range(901)}}
    with pytest.raises(BadRequest, match="900 properties") as caught:
        repairer.repair([tool(wide)])
    assert caught.value.param == "tools[0].parameters"


@pytest.mark.reliability("R-053")
def test_references_that_double_do_not_grow(repairer):
    (parameters,) = parameters_of(repairer.repair([tool(doubling(30))]))
    assert len(json.dumps(parameters)) < 3000


@pytest.mark.reliability("R-053")
def test_a_schema_that_would_be_endless_written_out_becomes_open(repairer):
    mutual = {"items": {"allOf": [{"$ref": "#/$defs/b"}, {"minItems": 1}]}}
    steps = {
        f"s{n}": {
            "type": "array",
            "items": {
                "anyOf": [
                    {"allOf": [{"$ref": f"#/$defs/s{n + 1}"}, {"minItems": 1}]},
                    {"allOf": [{"$ref": f"#/$defs/s{n + 1}"}, {"minItems": 2}]},
                ]
            },
        }
        for n in range(25)
    }
    schema = {
        "type": "object",
        "$defs": {**steps, "s25": {"type": "array"}, "b": mutual},
        "properties": {"x": {"$ref": "#/$defs/s0"}},
    }
    repaired = repairer.repair([tool(schema)])
    assert "unrepairable-schema" in {repair.rule for repair in repaired.repairs}
    assert parameters_of(repaired) == [{"type": "object"}]


def test_many_tools_cost_nothing_in_repairs(repairer):
    repaired = repairer.repair(many_tools(60, 8))
    assert len(repaired.tools) == 60
    assert repaired.repairs == ()


def test_each_repair_names_tool_rule_and_place(repairer):
    schema = {"type": "object", "properties": {"a/b": {"type": "float"}}}
    repaired = repairer.repair([tool(schema)])
    place = "#/properties/a~1b"
    assert repaired.repairs == (Repair("get_weather", "type-name", place),)


def test_the_second_of_two_names_is_numbered_and_mapped_back(repairer):
    one, other = tool({"properties": {"a": {}}}), tool({"properties": {"b": {}}})
    repaired = repairer.repair([one, other, other])
    assert [t.name for t in repaired.tools] == ["get_weather", "get_weather_2"]
    assert repaired.client_names == {"get_weather_2": "get_weather"}
    assert Repair("get_weather", "duplicate-dropped", "") in repaired.repairs


def test_a_number_is_not_given_twice(repairer):
    tools = [tool({"title": title}, name="f") for title in "ab"]
    repaired = repairer.repair([*tools, tool({}, name="f_2")])
    assert [t.name for t in repaired.tools] == ["f", "f_3", "f_2"]
    assert repaired.client_names == {"f_3": "f"}


def test_a_name_without_its_control_characters_is_mapped_back(repairer):
    repaired = repairer.repair([tool({}, name="a\0b")])
    assert [t.name for t in repaired.tools] == ["ab"]
    assert repaired.client_names == {"ab": "a\0b"}


def test_a_hosted_tool_is_dropped_with_a_record(repairer):
    repaired = repairer.repair([{"type": "web_search"}, tool({"type": "object"})])
    assert len(repaired.tools) == 1
    assert repaired.repairs == (Repair("tools[0]", "hosted-tool-dropped", ""),)


def test_anthropics_eager_streaming_is_kept(repairer):
    given = {"name": "f", "input_schema": {}, "eager_input_streaming": True}
    (repaired,) = repairer.repair([given]).tools
    assert repaired == Tool("f", "", {"type": "object", "properties": {}}, eager=True)


def test_the_clients_own_definition_is_not_changed(repairer):
    given = [tool({"type": "object", "properties": {"x": {"type": "String"}}})]
    before = json.dumps(given)
    repairer.repair(given)
    assert json.dumps(given) == before


def test_the_same_tools_are_repaired_once(repairer):
    first = repairer.repair(many_tools(3, 2))
    assert repairer.repair(many_tools(3, 2)) is first


def test_a_schema_and_tools_of_the_same_text_do_not_meet(repairer):
    schema = {"name": "f"}
    assert repairer.repair(schema).tools[0].name == "f"
    assert repairer.repair_schema(schema) == ({"name": "f"}, ())


def test_the_oldest_result_is_forgotten():
    repairer = ToolRepairer(cache_size=2)
    first = repairer.repair(["a"])
    repairer.repair(["b"])
    assert repairer.repair(["a"]) is first
    repairer.repair(["c"])
    assert repairer.repair(["a"]) is first
    second = repairer.repair(["b"])
    assert repairer.repair(["b"]) is second


def test_threads_may_share_a_repairer(repairer):
    results = []

    def work():
        names = [f"tool_{number % 7}" for number in range(40)]
        results.extend(repairer.repair([name]).tools[0].name for name in names)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(set(results)) == [f"tool_{n}" for n in range(7)]
    assert len(results) == 160


@pytest.mark.parametrize("schema", [None, False, 5, "no schema"])
def test_what_is_no_schema_allows_any_reply(repairer, schema):
    repaired, repairs = repairer.repair_schema(schema)
    assert repaired == {}
    assert [repair.rule for repair in repairs] == ["root-missing"]


def test_the_schema_of_a_reply_keeps_its_type(repairer):
    schema = {"type": "array", "items": {"type": "string"}}
    assert repairer.repair_schema(schema) == (schema, ())


def test_the_schema_of_a_reply_loses_what_hangs_the_server(repairer):
    schema = {"type": "string", "minLength": 5, "maxLength": 2}
    repaired, repairs = repairer.repair_schema(schema)
    assert repaired == {"type": "string"}
    assert repairs == (Repair("", "count-crossed", "#"),)


@pytest.mark.reliability("R-054")
def test_the_schemas_of_an_agent_cost_little():
    def tool(number):
        properties = {
            f"p{n}": {"type": "string", "description": f"Field {n} of {number}."}
            for n in range(8)
        }
        schema = {"type": "object", "properties": properties, "required": ["p0"]}
        return {
            "type": "function",
            "function": {"name": f"t{number}", "parameters": schema},
        }

    def calls(repairer):
        profile = cProfile.Profile()
        profile.runcall(repairer.repair, [tool(number) for number in range(60)])
        return sum(entry.callcount for entry in profile.getstats())

    repairer = ToolRepairer()
    # Half a microsecond each: 50 ms and, as they are remembered by their JSON, far
    # less than 5 ms.
    assert calls(repairer) < 100_000
    assert calls(repairer) < 1_000
