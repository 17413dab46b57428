"""Two schemas that must both hold become one."""

import pytest

from proxyapp.tools.rules.merge import merge_into
from proxyapp.tools.rules.merge import same
from tests.unit.tools.corpus import nested


@pytest.mark.parametrize(
    ("one", "other", "both"),
    [
        ({"type": "string"}, {"minLength": 1}, {"type": "string", "minLength": 1}),
        ({"minLength": 1}, {"minLength": 5}, {"minLength": 5}),
        ({"maxItems": 1}, {"maxItems": 5}, {"maxItems": 1}),
        ({"minimum": None}, {"minimum": 5}, {"minimum": None}),
        ({"required": ["a"]}, {"required": ["b", "a"]}, {"required": ["a", "b"]}),
        ({"enum": [1, True, "a"]}, {"enum": ["a", 1]}, {"enum": [1, "a"]}),
        ({"enum": ["a"]}, {"enum": ["b"]}, {"enum": ["a"]}),
        ({"type": "string"}, {"type": "integer"}, {"type": "string"}),
        ({"allOf": [1]}, {"allOf": [2]}, {"allOf": [1, 2]}),
        ({"properties": {"a": {}}}, {"properties": 5}, {"properties": {"a": {}}}),
    ],
)
def test_keywords_are_combined(one, other, both):
    merge_into(one, other)
    assert one == both


def test_properties_that_differ_must_both_hold():
    schema = {"properties": {"a": {"type": "string"}, "b": {}, "c": {"const": 1}}}
    more = {"a": {"minLength": 1}, "b": {"type": "null"}, "c": {"const": 1}}
    merge_into(schema, {"properties": more})
    assert schema["properties"] == {
        "a": {"allOf": [{"type": "string"}, {"minLength": 1}]},
        "b": {"type": "null"},
        "c": {"const": 1},
    }


def test_what_is_merged_is_not_changed():
    other = {"properties": {"a": {}}, "required": ["a"]}
    merge_into({"properties": {"b": {}}, "required": ["b"]}, other)
    assert other == {"properties": {"a": {}}, "required": ["a"]}


def test_one_is_not_true():
    assert not same(1, True)
    assert same({"a": [1]}, {"a": [1]})


def test_values_too_deep_to_compare_are_not_the_same():
    assert not same(nested(5000), nested(5000))
