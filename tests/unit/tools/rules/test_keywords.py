"""Keywords have values that JSON Schema allows, or go."""

import pytest
from jsonschema import Draft202012Validator

from proxyapp.tools.rules import keywords
from proxyapp.tools.rules.context import Context


def applied(rule, schema):
    return rule(schema, Context(schema)), schema


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("title", 5),
        ("description", None),
        ("format", 7),
        ("$schema", {}),
        ("$id", "a#b"),
        ("$anchor", "1 a"),
        ("uniqueItems", "yes"),
        ("deprecated", 1),
        ("multipleOf", 0),
        ("multipleOf", True),
        ("examples", "x"),
        ("not", None),
        ("if", []),
        ("contains", "string"),
        ("dependentRequired", {"a": "b"}),
        ("dependentRequired", {"a": ["b", "b"]}),
        ("dependencies", {"a": 5}),
        ("$vocabulary", {"a": 1}),
    ],
)
def test_a_malformed_keyword_goes(key, value):
    schema = {"type": "object", key: value}
    assert applied(keywords.remove_malformed_keyword, schema) == (
        True,
        {"type": "object"},
    )


@pytest.mark.parametrize(
    "schema",
    [
        {"title": "", "description": "d", "$comment": "c", "format": "x"},
        {"$id": "https://example.com/s#", "$anchor": "a-1", "multipleOf": 0.1},
        {"not": True, "if": {}, "unevaluatedProperties": False},
        {"dependencies": {"a": ["b"], "c": True}, "dependentRequired": {"a": []}},
        {"examples": [], "uniqueItems": False, "readOnly": True},
    ],
)
def test_what_json_schema_allows_stays(schema):
    Draft202012Validator.check_schema(schema)
    assert applied(keywords.remove_malformed_keyword, dict(schema)) == (False, schema)


@pytest.mark.parametrize("key", keywords.SCHEMA_MAP_KEYWORDS)
def test_what_is_no_schema_leaves_its_map(key):
    schema = {key: {"a": {}, "b": True, "c": "text", "d": None}}
    assert applied(keywords.clean_schema_maps, schema) == (
        True,
        {key: {"a": {}, "b": True}},
    )


@pytest.mark.parametrize("value", [None, [], "x"])
def test_a_map_that_is_none_goes(value):
    assert applied(keywords.clean_schema_maps, {"$defs": value}) == (True, {})
