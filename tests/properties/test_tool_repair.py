"""Repair is safe on anything, changes nothing twice, and nothing that is valid."""

import json

import pytest
from hypothesis import assume
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from proxyapp.errors import BadRequest
from proxyapp.errors import BrokenToolCall
from proxyapp.tools.arguments import clean_history_arguments
from proxyapp.tools.arguments import complete_arguments
from proxyapp.tools.repair import ToolRepairer
from tests.unit.tools.grammar import complaints

NAMES = st.sampled_from(["a", "b", "type", "items", "x y", "é", "]", "$ref", ""])
TYPES = ("string", "integer", "number", "boolean", "array", "object", "null")
REFERENCES = ("#", "#/$defs/A", "#/$defs/B~1C", "#/properties/a", "#/items", "#A", "x")

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(["", "string", "Float", "^a{5,2}$", "any", "a"])
)
anything = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3)
    ),
    max_leaves=8,
)


words = st.text("ab ,:{}[]#é", max_size=5)
plain_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(-9, 9) | words,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3)
    ),
    max_leaves=8,
)


def keywords_over(inner):
    """Make schemas whose keywords mostly, but not always, have the right form."""
    members = st.lists(inner, max_size=3)
    named = st.dictionaries(NAMES, inner, max_size=3)
    counts = st.integers(0, 5) | st.sampled_from([1999, 2001, 2**31, "3", 1.0, None])
    bounds = st.integers(-9, 9) | st.sampled_from([2**53, -(2**60), True, 1e300, "5"])
    definitions = st.fixed_dictionaries({}, optional={"A": inner, "B/C": inner})
    forms = {
        "type": st.sampled_from(TYPES) | st.lists(st.sampled_from(TYPES), max_size=3),
        "properties": named,
        "required": st.lists(NAMES, max_size=3) | st.just(True),
        "items": inner | members,
        "prefixItems": members,
        **dict.fromkeys(("allOf", "anyOf", "oneOf"), members),
        "additionalProperties": inner | st.booleans(),
        "$defs": definitions,
        "$ref": st.sampled_from(REFERENCES),
        "$anchor": st.just("A"),
        **dict.fromkeys(("minLength", "maxLength", "minItems", "maxItems"), counts),
        **dict.fromkeys(("minimum", "maximum", "exclusiveMinimum"), bounds),
        "pattern": st.sampled_from(["^a{5,2}$", "(", "^[a-z]+$", "\\d", "^(a|)*$"]),
        "nullable": st.just(True),
        "enum": st.lists(scalars, max_size=2),
        "const": scalars,
        "description": st.just("d"),
    }
    optional = {key: form | scalars for key, form in forms.items()}
    return st.fixed_dictionaries({}, optional=optional)


schemas = st.recursive(st.just({}) | scalars, keywords_over, max_leaves=12)


def valid_over(inner):
    """Make valid schemas, of what llama-server reads or ignores."""
    strings = st.fixed_dictionaries(
        {"type": st.just("string")},
        optional={
            "minLength": st.integers(0, 3),
            "maxLength": st.integers(3, 9),
            "pattern": st.sampled_from(["^[a-z]+$", "\\d+", "^(?!x).*$"]),
            "format": st.sampled_from(["date", "uri"]),
            "not": st.just({"enum": ["a"]}),
        },
    )
    integers = st.fixed_dictionaries(
        {"type": st.just("integer")},
        optional={"minimum": st.integers(-9, 0), "maximum": st.integers(0, 10**15)},
    )
    plain = st.sampled_from(
        [{}, {"type": "boolean"}, {"enum": ["a", 1, None]}, {"const": {"a": 1}}]
    )
    arrays = st.fixed_dictionaries(
        {"type": st.just("array")},
        optional={"items": inner, "maxItems": st.integers(1, 9)},
    )
    objects = st.dictionaries(NAMES, inner, max_size=3).map(
        lambda properties: {
            "type": "object",
            "properties": properties,
            "required": sorted(properties)[:1],
            "additionalProperties": False,
        }
    )
    alternatives = st.lists(strings | integers, min_size=1, max_size=3).map(
        lambda members: {"anyOf": members, "title": "t"}
    )
    return strings | integers | plain | arrays | objects | alternatives


valid_properties = st.dictionaries(
    NAMES, st.recursive(st.just({"type": "null"}), valid_over, max_leaves=6), max_size=4
)


def tool(schema):
    return [{"name": "t", "parameters": schema}]


def wire(repaired):
    return json.loads(json.dumps(dict(repaired.tools[0].parameters)))


@given(anything)
def test_tools_are_read_or_refused_as_no_list(tools):
    if tools is None or isinstance(tools, list | dict):
        repaired = ToolRepairer().repair(tools)
        assert all(tool.parameters["type"] == "object" for tool in repaired.tools)
    else:
        with pytest.raises(BadRequest, match="tools must be a list"):
            ToolRepairer().repair(tools)


@pytest.mark.reliability("R-053")
@given(anything | schemas)
def test_any_schema_comes_out_so_that_the_server_takes_it(schema):
    assume(schema is not None)
    parameters = wire(ToolRepairer().repair(tool(schema)))
    assert complaints(parameters) == []


@given(anything | schemas)
def test_a_repaired_schema_is_valid_json_schema(schema):
    parameters = wire(ToolRepairer().repair(tool(schema)))
    assume("items" not in str(parameters) or not _has_tuple(parameters))
    Draft202012Validator.check_schema(parameters)


def _has_tuple(value):
    if isinstance(value, dict):
        tuples = isinstance(value.get("items"), list)
        return tuples or any(map(_has_tuple, value.values()))
    return isinstance(value, list) and any(map(_has_tuple, value))


@given(anything | schemas)
def test_a_repaired_schema_needs_no_repair(schema):
    assume(schema is not None)
    parameters = wire(ToolRepairer().repair(tool(schema)))
    again = ToolRepairer().repair(tool(parameters))
    assert again.repairs == ()
    assert json.dumps(wire(again)) == json.dumps(parameters)


@given(valid_properties)
def test_a_valid_schema_is_not_changed(properties):
    schema = {"type": "object", "properties": properties, "x-order": 1}
    Draft202012Validator.check_schema(schema)
    repaired = ToolRepairer().repair(tool(schema))
    assert repaired.repairs == ()
    assert json.dumps(wire(repaired)) == json.dumps(schema)


@given(schemas)
def test_the_schema_of_a_reply_needs_one_repair_at_most(schema):
    repaired, _ = ToolRepairer().repair_schema(schema)
    repaired = json.loads(json.dumps(repaired))
    assert complaints(repaired) == []
    assert ToolRepairer().repair_schema(repaired) == (repaired, ())


@given(st.dictionaries(words, plain_values, max_size=4))
def test_arguments_in_pythons_spelling_are_read(value):
    assert json.loads(complete_arguments(repr(value), None)) == value


@given(st.dictionaries(NAMES, anything, max_size=4), st.integers(1, 40))
def test_what_is_left_of_cut_arguments_says_nothing_new(value, cut):
    text = json.dumps(value)[:-cut]
    try:
        completed = json.loads(complete_arguments(text, None))
    except BrokenToolCall:
        return
    assert all(key in value for key in completed)
    assert all(text.count(json.dumps(key)) for key in completed)


@given(st.text(max_size=60) | anything)
def test_the_arguments_of_a_past_call_are_always_an_object(value):
    assert isinstance(json.loads(clean_history_arguments(value)), dict)
