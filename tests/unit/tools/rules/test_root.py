"""The parameters of a tool are an object, whatever stood there."""

import pytest

from proxyapp.tools.record import Recorder
from proxyapp.tools.rules import root as rules

CITY = {"city": {"type": "string"}}
SCHEMA = {"type": "object", "properties": CITY}
EMPTY = {"type": "object", "properties": {}}


def noted(rule, value):
    record = Recorder("t")
    return rule(value, record), [repair.rule for repair in record.repairs]


@pytest.mark.parametrize("value", [None, True, False, 5, [], "", "no schema", "[1]"])
def test_what_is_no_schema_takes_no_arguments(value):
    assert noted(rules.read_root, value) == (EMPTY, ["root-missing"])


def test_json_text_is_read():
    text = '{"type": "object", "properties": {"city": {"type": "string"}}}'
    assert noted(rules.read_root, text) == (SCHEMA, ["root-text"])


def test_a_list_of_named_schemas_is_read():
    given = [{"name": "city", "type": "string"}]
    assert noted(rules.read_root, given) == (SCHEMA, ["root-list"])


@pytest.mark.parametrize("key", ["input_schema", "inputSchema", "parameters"])
def test_a_schema_in_a_wrapper_is_freed(key):
    assert noted(rules.unwrap, {key: SCHEMA}) == (SCHEMA, ["root-nested"])


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        (CITY, SCHEMA),
        ({"city": "string"}, SCHEMA),
        (
            {"city": {"type": "string"}, "zip": {}},
            {**SCHEMA, "properties": {**CITY, "zip": {}}},
        ),
        ({"required": ["city"], **CITY}, {**SCHEMA, "required": ["city"]}),
        (
            {"type": {"type": "string"}},
            {**EMPTY, "properties": {"type": {"type": "string"}}},
        ),
        (
            {"title": {"type": "string"}},
            {**EMPTY, "properties": {"title": {"type": "string"}}},
        ),
    ],
)
def test_bare_properties_are_wrapped(given, wanted):
    assert noted(rules.unwrap, given) == (wanted, ["root-bare-properties"])


@pytest.mark.parametrize(
    "schema",
    [
        {},
        SCHEMA,
        {"properties": CITY},
        {"type": "object", "x-meta": {"type": "string"}},
        {"x-meta": {"type": "string"}},
        {"items": {"type": "string"}},
        {"description": "string"},
        {"$ref": "#/$defs/a", "$defs": {"a": {}}},
        {"anyOf": [SCHEMA]},
        {"settings": {"deep": 5}},
        {"parameters": SCHEMA, "type": "object"},
    ],
)
def test_anything_else_is_no_bare_map(schema):
    assert noted(rules.unwrap, dict(schema)) == (schema, [])


@pytest.mark.parametrize(
    "given", [{"type": ["object"]}, {"type": ["object", "null"]}, {}]
)
def test_the_type_becomes_object(given):
    result, notes = noted(rules.make_object, {**given, "properties": CITY})
    assert (result, notes) == (SCHEMA, ["root-type"])
    assert next(iter(result)) == "type"


def test_an_empty_schema_takes_no_arguments():
    assert noted(rules.make_object, {}) == (EMPTY, ["root-type"])


def test_an_open_object_stays_open():
    assert noted(rules.make_object, {"type": "object"}) == ({"type": "object"}, [])


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "string"},
        {"type": ["string", "null"]},
        {"type": "array", "items": {}},
        {"enum": ["a"]},
        {"const": 5},
        {"anyOf": [SCHEMA, {"type": "string"}]},
        {"oneOf": [{"enum": [1]}]},
    ],
)
def test_a_root_of_another_type_becomes_the_input(schema):
    result, notes = noted(rules.make_object, dict(schema))
    assert result == {
        "type": "object",
        "properties": {"input": schema},
        "required": ["input"],
    }
    assert notes == ["root-not-object"]


def test_definitions_stay_at_the_root():
    schema = {"type": "array", "items": {"$ref": "#/$defs/a"}, "$defs": {"a": {}}}
    result, _ = noted(rules.make_object, schema)
    assert result["$defs"] == {"a": {}}
    assert "$defs" not in result["properties"]["input"]


def test_the_target_of_a_root_reference_becomes_the_root():
    schema = {"$ref": "#/$defs/P", "$defs": {"P": SCHEMA}}
    assert noted(rules.make_object, schema) == (
        {"$defs": {"P": SCHEMA}, **SCHEMA},
        ["root-reference"],
    )


def test_the_properties_of_all_of_come_into_sight():
    schema = {"type": "object", "allOf": [{**SCHEMA, "required": ["city"]}]}
    assert noted(rules.make_object, schema) == (
        {**SCHEMA, "required": ["city"]},
        ["root-all-of"],
    )


def test_the_properties_of_alternatives_come_into_sight_and_those_stay():
    other = {"type": "object", "properties": {"city": {"type": "integer"}, "zip": {}}}
    schema = {"type": "object", "anyOf": [SCHEMA, other]}
    result, notes = noted(rules.make_object, dict(schema))
    both = {"anyOf": [{"type": "string"}, {"type": "integer"}]}
    assert result == {**schema, "properties": {"city": both, "zip": {}}}
    assert notes == ["root-alternatives"]
    assert noted(rules.make_object, result)[1] == []


def test_alternatives_that_no_object_fits_go():
    schema = {
        "type": "object",
        "properties": CITY,
        "anyOf": [SCHEMA, {"type": "null"}],
        "oneOf": [{"type": "string"}],
        "enum": ["a"],
        "const": 5,
    }
    assert noted(rules.make_object, schema) == (
        {**SCHEMA, "anyOf": [SCHEMA]},
        ["root-other-types"],
    )
