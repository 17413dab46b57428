"""A value is judged by a stranger's schema without harm."""

import socket

import pytest

from proxyapp.tools.instances import fault_in
from tests.unit.tools.corpus import doubling
from tests.unit.tools.corpus import HOSTILE
from tests.unit.tools.corpus import nested


def test_a_value_that_follows_has_no_fault():
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}}
    assert fault_in({"n": 5}, schema) is None


def test_a_fault_names_keyword_and_place():
    schema = {"properties": {"list": {"items": {"type": "integer"}}}}
    assert fault_in({"list": [1, "x"]}, schema) == "type of list/1 is not met"


def test_a_fault_of_the_whole_is_named_so():
    assert fault_in({}, {"required": ["a"]}) == "required of the arguments is not met"


@pytest.mark.parametrize(
    "schema",
    [
        {"properties": {"x": {"pattern": "^(a+)+$"}}},
        {"properties": {"x": {"$schema": "http://json-schema.org/draft-07/schema#"}}},
        {"patternProperties": {"^(x+)+$": False}, "additionalProperties": False},
        {"properties": {"x": {"format": "regex", "uniqueItems": True}}},
        {"propertyNames": {"pattern": "^(x+)+$"}},
        {
            "$schema": "http://json-schema.org/draft-07/schema#",
            "properties": {"x": {"$ref": "#/definitions/a"}},
            "definitions": {"a": {"pattern": "^(a+)+$"}},
        },
    ],
)
def test_no_expression_of_a_client_is_run(schema, monkeypatch):
    monkeypatch.setattr("re.search", None)
    assert fault_in({"x": "a" * 5000 + "!"}, schema) is None


def test_nothing_is_fetched(monkeypatch):
    monkeypatch.setattr(socket, "socket", None)
    schema = {"properties": {"x": {"$ref": "http://127.0.0.1:9/x.json"}}}
    assert fault_in({"x": 1}, schema) == "the tool's schema cannot be followed"


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#"},
        {"allOf": [{"$ref": "#"}]},
        {"$ref": "#/$defs/none"},
        {"type": "float"},
        {"required": 5},
        {"minimum": "x", "properties": {"x": {"minLength": None}}},
        doubling(40),
        nested(2000),
    ],
)
def test_a_schema_that_cannot_be_judged_is_a_fault(schema):
    assert fault_in({"x": "y"}, schema) == "the tool's schema cannot be followed"


@pytest.mark.parametrize("name", sorted(HOSTILE))
def test_no_hostile_schema_does_harm(name):
    schema = HOSTILE[name] if isinstance(HOSTILE[name], dict) else {}
    assert fault_in({"a": "aaaa"}, schema) in (
        None,
        "the tool's schema cannot be followed",
        *(f"{key} of the arguments is not met" for key in ("type", "const", "enum")),
    )


def test_draft_07_tuples_are_judged_place_by_place():
    schema = {"properties": {"x": {"items": [{"type": "string"}, {"type": "integer"}]}}}
    assert fault_in({"x": ["a", 1]}, schema) is None
    assert fault_in({"x": ["a", "b"]}, schema) == "type of x/1 is not met"


def test_additional_properties_are_judged_where_no_pattern_decides():
    assert fault_in({"a": 1}, {"additionalProperties": False})
    assert fault_in({"a": "x"}, {"additionalProperties": {"type": "integer"}})


def test_the_clients_schema_is_not_changed():
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", "items": {}}
    fault_in({}, schema)
    assert list(schema) == ["$schema", "items"]
