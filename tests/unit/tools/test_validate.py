"""The cheap check agrees with JSON Schema's own metaschema."""

import pytest
from jsonschema import Draft202012Validator
from jsonschema import SchemaError

from proxyapp.tools.validate import SchemaChecker


@pytest.fixture(scope="module")
def checker():
    return SchemaChecker()


@pytest.mark.parametrize(
    "schema",
    [
        {},
        {"type": "object", "properties": {"a": {}}, "required": ["a"]},
        {"type": ["string", "null"], "enum": ["a", None], "pattern": "x"},
        {
            "anyOf": [{}],
            "minItems": 0,
            "multipleOf": 0.5,
            "additionalProperties": False,
        },
        {"unknown": 5, "examples": [1], "$defs": {"a": True}},
    ],
)
def test_a_valid_schema_has_no_fault(checker, schema):
    Draft202012Validator.check_schema(schema)
    assert checker.check(schema) is None


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "float"},
        {"type": []},
        {"type": ["string", "string"]},
        {"type": None},
        {"required": "a"},
        {"required": ["a", "a"]},
        {"properties": []},
        {"properties": {"a": None}},
        {"anyOf": []},
        {"items": 5},
        {"minLength": -1},
        {"maxItems": "5"},
        {"minimum": "5"},
        {"exclusiveMinimum": True},
        {"multipleOf": 0},
        {"title": 5},
        {"uniqueItems": "yes"},
        {"$defs": {"a": "b"}},
        {"dependentRequired": {"a": "b"}},
    ],
)
def test_an_invalid_schema_has_one(checker, schema):
    with pytest.raises(SchemaError):
        Draft202012Validator.check_schema(schema)
    assert checker.check(schema)


def test_the_servers_own_demands_are_checked_too(checker):
    assert checker.check({"properties": {"a": True}})
    assert checker.check({"enum": []})


def test_draft_07_tuples_pass(checker):
    assert checker.check({"items": [{"type": "string"}]}) is None


def test_the_schemas_inside_are_not_judged(checker):
    assert checker.check({"properties": {"a": {"type": "float"}}}) is None
