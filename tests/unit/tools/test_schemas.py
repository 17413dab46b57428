"""A schema is repaired by all rules, until none finds anything."""

import json

import pytest

from proxyapp.errors import BadRequest
from proxyapp.tools.record import Recorder
from proxyapp.tools.schemas import SchemaRepairer
from proxyapp.wire import jsons
from tests.unit.tools.corpus import doubling
from tests.unit.tools.corpus import nested


def parameters(schema):
    record = Recorder("t")
    result = SchemaRepairer().parameters(schema, record, "tools[0].parameters")
    return result, {repair.rule for repair in record.repairs}


def reply(schema):
    record = Recorder("")
    result = SchemaRepairer().reply(schema, record, "schema")
    return result, {repair.rule for repair in record.repairs}


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object"},
        {"type": "object", "properties": {"x": {"type": "array", "items": [{}]}}},
        {"type": "object", "properties": {"x": {"const": None}}, "x-order": 5},
        {"type": "object", "properties": {"x": {"type": "number", "multipleOf": 5}}},
        {"type": "object", "additionalProperties": {"type": "integer"}},
        {"type": "object", "patternProperties": {"^(a+)+$": {}}},
        nested(100),
    ],
)
def test_a_valid_schema_passes_untouched(schema):
    result, rules = parameters(schema)
    assert rules == set()
    assert json.dumps(result) == json.dumps(schema)


def test_what_one_rule_brings_another_repairs():
    merged = {"allOf": [{"type": "String", "minLength": 5}, {"maxLength": 2}]}
    result, rules = parameters({"type": "object", "properties": {"x": merged}})
    assert result["properties"]["x"] == {"type": "string"}
    assert rules == {"all-of-merged", "type-name", "count-crossed"}


def test_a_schema_used_in_two_ways_needs_one_repair():
    schema = {
        "type": "object",
        "if": {"allOf": [{"$ref": "#/$defs/a~1b"}]},
        "$defs": {"a/b": {"properties": {"x": {}}, "required": ["y"]}},
    }
    result, rules = parameters(schema)
    assert rules
    assert parameters(result) == (result, set())


def test_a_keyword_that_a_merge_brings_may_be_malformed():
    merged = {"type": "string", "allOf": [{"oneOf": 5, "minLength": "1"}]}
    result, _ = parameters({"properties": {"x": merged}})
    assert result["properties"]["x"] == {"type": "string", "minLength": 1}


def test_a_target_outside_all_keywords_is_repaired_where_it_lies():
    schema = {
        "type": "object",
        "components": {"Pet": {"type": "dict", "properties": None}},
        "properties": {"pet": {"$ref": "#/components/Pet"}},
    }
    result, _ = parameters(schema)
    assert result["components"]["Pet"] == {"type": "object", "properties": {}}


def test_a_wrapped_root_keeps_its_references():
    schema = {
        "type": "array",
        "items": {"type": "string"},
        "contains": {"$ref": "#/items"},
    }
    result, _ = parameters(schema)
    reference = result["properties"]["input"]["contains"]["$ref"]
    assert result["$defs"][reference.rpartition("/")[2]] == {"type": "string"}


def test_definitions_that_double_are_walked_once():
    _, rules = parameters(doubling(40))
    assert rules == {"all-of-merged"}


def test_a_result_is_a_tree():
    shared = {"type": "array", "items": {"type": "string"}}
    both = {"allOf": [{"$ref": "#/$defs/S"}, {"minItems": 1}]}
    schema = {
        "type": "object",
        "$defs": {"S": shared},
        "properties": {"a": both, "b": {"type": "float"}},
    }
    result, _ = parameters(schema)
    assert result["properties"]["a"]["items"] is not result["$defs"]["S"]["items"]


def test_too_many_properties_are_refused():
    wide = {"properties": {"x": {"properties": {f"p{n}": {} for n in range(901)}}}}
    with pytest.raises(BadRequest, match="900 properties"):
        parameters(wide)


@pytest.mark.parametrize("depth", [400, 511])
def test_a_schema_is_written_or_refused_but_never_both(depth):
    try:
        result, _ = parameters(nested(depth))
    except BadRequest as error:
        written = error.param
    else:
        written = jsons.dumps(result).count(b"properties")
    assert written in ("tools[0].parameters", depth)


def test_the_schema_of_a_reply_may_be_text():
    assert reply('{"type": "integer"}') == ({"type": "integer"}, {"root-text"})


def test_true_allows_any_reply():
    assert reply(True) == ({}, set())


def test_the_root_of_a_reply_need_not_be_an_object():
    assert reply({"type": "str"}) == ({"type": "string"}, {"type-name"})
