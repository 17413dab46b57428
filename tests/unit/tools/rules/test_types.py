"""Types are spelled as JSON Schema spells them."""

import pytest

from proxyapp.tools.rules import types
from proxyapp.tools.rules.context import Context


def applied(rule, schema):
    return rule(schema, Context(schema)), schema


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("String", "string"),
        (" object ", "object"),
        ("int", "integer"),
        ("float", "number"),
        ("dict", "object"),
        ("list", "array"),
        ("file", "string"),
        ("bool", "boolean"),
        (["string", "None"], ["string", "null"]),
        (["string", "string"], ["string"]),
        (["str", "String"], ["string"]),
    ],
)
def test_a_synonym_is_renamed(given, wanted):
    assert applied(types.rename_type, {"type": given}) == (True, {"type": wanted})


@pytest.mark.parametrize(
    "given", ["any", "", "mixed", None, 5, {"foo": 1}, [], ["string", "any"], [{}]]
)
def test_a_type_that_means_nothing_goes(given):
    assert applied(types.rename_type, {"type": given}) == (True, {})


@pytest.mark.parametrize("given", ["string", "null", ["string", "null"], ["array"]])
def test_a_good_type_stays(given):
    assert applied(types.rename_type, {"type": given}) == (False, {"type": given})


@pytest.mark.parametrize(
    ("schema", "wanted"),
    [
        ({"type": "string"}, {"type": ["string", "null"]}),
        ({"type": ["string"]}, {"type": ["string", "null"]}),
        ({"type": "null"}, {"type": ["null"]}),
        ({"anyOf": [{"type": "x"}]}, {"anyOf": [{"type": "x"}, {"type": "null"}]}),
        (
            {"type": "string", "enum": ["a"]},
            {"type": ["string", "null"], "enum": ["a", None]},
        ),
    ],
)
def test_nullable_becomes_the_null_type(schema, wanted):
    assert applied(types.allow_null, {**schema, "nullable": True}) == (True, wanted)


@pytest.mark.parametrize(
    "schema", [{"nullable": True}, {"type": "string", "nullable": False}]
)
def test_nullable_that_says_nothing_stays(schema):
    assert applied(types.allow_null, dict(schema)) == (False, schema)


@pytest.mark.parametrize("value", [[], None, {"a": 1}, "a"])
def test_an_enum_without_values_goes(value):
    assert applied(types.remove_empty_enum, {"enum": value}) == (True, {})


def test_an_enum_with_values_stays():
    schema = {"enum": ["a", "a", None, {}]}
    assert applied(types.remove_empty_enum, schema)[0] is False


def test_types_are_read_however_they_are_spelled():
    assert types.types_of({"type": ["Int", "null", 5]}) == {"integer", "null"}
    assert types.types_of({}) == frozenset()
