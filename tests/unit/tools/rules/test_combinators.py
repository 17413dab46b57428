"""Combinators say what llama-server can read."""

import pytest

from proxyapp.tools.rules import combinators
from proxyapp.tools.rules.context import Context

STRING = {"type": "string"}
A = {"type": "object", "properties": {"a": STRING}, "required": ["a"]}
B = {"type": "object", "properties": {"b": {}}, "required": ["b"]}


def applied(rule, schema, **root):
    return rule(schema, Context({**schema, **root})), schema


@pytest.mark.parametrize("key", ["allOf", "anyOf", "oneOf"])
@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ([STRING, None, False, 5], [STRING]),
        ([True, "integer"], [{}, {"type": "integer"}]),
        (STRING, [STRING]),
    ],
)
def test_members_become_schemas(key, given, wanted):
    assert applied(combinators.make_members_schemas, {key: given}) == (
        True,
        {key: wanted},
    )


@pytest.mark.parametrize("given", [[], [False], None, 5])
def test_a_combinator_without_members_goes(given):
    assert applied(combinators.make_members_schemas, {"oneOf": given}) == (True, {})


def test_good_members_stay():
    assert (
        applied(combinators.make_members_schemas, {"anyOf": [STRING, {}]})[0] is False
    )


def test_any_of_something_and_anything_is_anything():
    assert applied(combinators.drop_open_any_of, {"anyOf": [STRING, {}]}) == (True, {})
    assert applied(combinators.drop_open_any_of, {"anyOf": [STRING]})[0] is False


def test_an_all_of_in_an_all_of_is_lifted_out():
    schema = {"allOf": [{"allOf": [A], "minProperties": 1}, B]}
    assert applied(combinators.flatten_all_of, schema) == (
        True,
        {"allOf": [{"minProperties": 1}, A, B]},
    )


def test_an_all_of_behind_references_is_lifted_out_once():
    chain = {"Dog": {"allOf": [{"$ref": "#/$defs/Pet"}, A]}, "Pet": {"allOf": [B]}}
    schema = {"allOf": [{"$ref": "#/$defs/Dog"}, {"$ref": "#/$defs/Dog"}]}
    assert applied(combinators.flatten_all_of, schema, **{"$defs": chain})[1] == {
        "allOf": [B, A]
    }


def test_an_all_of_of_too_many_is_left_alone():
    schema = {"allOf": [{"allOf": [A] * 50}]}
    assert applied(combinators.flatten_all_of, schema)[0] is False


def test_a_lone_reference_takes_the_place_of_its_all_of():
    schema = {"description": "d", "allOf": [{"$ref": "#/$defs/S"}]}
    assert applied(combinators.merge_all_of, schema, **{"$defs": {"S": STRING}}) == (
        True,
        {"description": "d", "$ref": "#/$defs/S"},
    )


@pytest.mark.parametrize(
    ("schema", "wanted"),
    [
        ({"type": "string", "allOf": [{"minLength": 1}]}, {**STRING, "minLength": 1}),
        ({"allOf": [STRING, {"maxLength": 5}]}, {**STRING, "maxLength": 5}),
        (
            {"type": "object", "allOf": [{"minProperties": 1}]},
            {"type": "object", "minProperties": 1},
        ),
        (
            {"allOf": [{"$ref": "#/$defs/S"}, {"minLength": 1}]},
            {**STRING, "minLength": 1},
        ),
    ],
)
def test_an_all_of_over_no_properties_is_merged(schema, wanted):
    definitions = {"S": STRING}
    assert applied(combinators.merge_all_of, schema, **{"$defs": definitions}) == (
        True,
        wanted,
    )


@pytest.mark.parametrize(
    "schema",
    [
        {"allOf": [A, B]},
        {"type": "integer", "allOf": [{"minimum": 1}]},
        {"properties": {}, "allOf": [{"if": {}, "then": {}}]},
        {"allOf": [{"enum": [1, 2]}, {"enum": [2, 3]}]},
        {"anyOf": [STRING], "allOf": [{"minLength": 1}]},
        {"allOf": [{"anyOf": [A, B]}]},
    ],
)
def test_an_all_of_that_the_server_reads_or_ignores_stays(schema):
    assert applied(combinators.merge_all_of, dict(schema)) == (False, schema)


def test_the_properties_of_all_of_join_their_objects():
    schema = {"properties": {"c": {}}, "required": ["c"], "allOf": [A, B]}
    assert applied(combinators.hoist_all_of, schema) == (
        True,
        {
            "properties": {"c": {}, "a": STRING, "b": {}},
            "required": ["c", "a", "b"],
        },
    )


def test_a_member_that_says_more_stays_for_it():
    more = {**A, "minProperties": 2}
    schema = {"properties": {}, "allOf": [more]}
    assert applied(combinators.hoist_all_of, schema)[1] == {
        "properties": {"a": STRING},
        "required": ["a"],
        "allOf": [more],
    }
    assert applied(combinators.hoist_all_of, schema)[0] is False


def test_conditions_in_all_of_stay():
    schema = {"properties": {"a": {}}, "allOf": [{"if": {}, "then": {}}]}
    assert applied(combinators.hoist_all_of, schema)[0] is False


def test_alternatives_that_only_require_are_dropped():
    properties = {"a": {}, "b": {}}
    schema = {
        "type": "object",
        "properties": properties,
        "anyOf": [{"required": ["a"]}, {"required": ["b"]}],
    }
    assert applied(combinators.drop_object_alternatives, schema) == (
        True,
        {"type": "object", "properties": properties},
    )


def test_alternatives_that_lack_what_is_required_give_up_their_properties():
    schema = {"properties": {"c": {}}, "required": ["c"], "oneOf": [A, A]}
    assert applied(combinators.drop_object_alternatives, schema) == (
        True,
        {"properties": {"c": {}, "a": STRING}, "required": ["c", "a"]},
    )


@pytest.mark.parametrize(
    "schema",
    [
        {"properties": {"a": {}}, "anyOf": [A, B]},
        {"anyOf": [{"required": ["a"]}]},
        {"properties": {"a": {}}, "anyOf": [STRING, A]},
        {"properties": {"a": {}}, "required": ["a"], "anyOf": [A]},
    ],
)
def test_alternatives_that_hide_nothing_stay(schema):
    assert applied(combinators.drop_object_alternatives, dict(schema)) == (
        False,
        schema,
    )
