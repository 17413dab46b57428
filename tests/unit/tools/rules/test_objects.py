"""Objects have properties that are schemas, and required names that exist."""

import pytest

from proxyapp.tools.rules import objects
from proxyapp.tools.rules.context import Context


def applied(rule, schema, branch=False):
    return rule(schema, Context(schema, branch)), schema


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        (None, {}),
        (5, {}),
        ([], {}),
        (
            [{"name": "a", "type": "string"}, "b", 5],
            {"a": {"type": "string"}, "b": {}},
        ),
    ],
)
def test_properties_become_a_map(given, wanted):
    assert applied(objects.map_properties, {"properties": given}) == (
        True,
        {"properties": wanted},
    )


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        (True, {}),
        (None, {}),
        (5, {}),
        ("string", {"type": "string"}),
        ("Integer", {"type": "integer"}),
        ("The city", {"description": "The city"}),
        (["string", "null"], {"type": ["string", "null"]}),
        ([1], {}),
    ],
)
def test_a_property_becomes_a_schema(given, wanted):
    assert applied(objects.make_properties_schemas, {"properties": {"a": given}}) == (
        True,
        {"properties": {"a": wanted}},
    )


def test_a_property_that_may_not_occur_goes():
    schema = {"properties": {"a": False, "b": {}}}
    assert applied(objects.make_properties_schemas, schema)[1] == {
        "properties": {"b": {}}
    }


def test_required_of_draft_03_moves_up():
    schema = {"properties": {"a": {"required": True}, "b": {"required": False}}}
    assert applied(objects.hoist_required, schema) == (
        True,
        {"properties": {"a": {}, "b": {}}, "required": ["a"]},
    )


def test_a_required_list_of_a_property_is_its_own():
    schema = {"properties": {"a": {"required": ["b"]}}}
    assert applied(objects.hoist_required, schema)[0] is False


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        (True, ["a", "b"]),
        ("a", ["a"]),
        (["a", "a", 5, None], ["a"]),
        ([5], []),
    ],
)
def test_required_becomes_a_list_of_names(given, wanted):
    schema = {"properties": {"a": {}, "b": {}}, "required": given}
    assert applied(objects.list_required, schema)[1]["required"] == wanted


@pytest.mark.parametrize("given", [None, False, "nobody", 5, {}])
def test_required_that_names_nothing_goes(given):
    schema = {"properties": {"a": {}}, "required": given}
    assert applied(objects.list_required, schema) == (True, {"properties": {"a": {}}})


def test_a_required_name_gets_the_property_it_lacks():
    schema = {"properties": {"a": {}}, "required": ["a", "b"]}
    assert applied(objects.define_required, schema)[1]["properties"] == {
        "a": {},
        "b": {},
    }


def test_a_closed_object_requires_only_what_it_allows():
    schema = {
        "properties": {"a": {}},
        "required": ["a", "b"],
        "additionalProperties": False,
    }
    assert applied(objects.define_required, schema)[1]["required"] == ["a"]


def test_a_branch_may_require_what_its_parent_defines():
    schema = {"properties": {"a": {}}, "required": ["b"]}
    assert applied(objects.define_required, schema, branch=True)[0] is False


def test_an_object_without_properties_may_require_names():
    assert applied(objects.define_required, {"required": ["b"]})[0] is False


@pytest.mark.parametrize("given", [None, "string", 5, []])
def test_additional_properties_of_no_meaning_go(given):
    assert applied(objects.check_additional, {"additionalProperties": given}) == (
        True,
        {},
    )


@pytest.mark.parametrize("given", [True, False, {}, {"type": "string"}])
def test_additional_properties_of_meaning_stay(given):
    assert (
        applied(objects.check_additional, {"additionalProperties": given})[0] is False
    )


def test_a_closed_object_of_patterns_is_opened():
    schema = {"patternProperties": {"^x-": {"type": "string"}}}
    closed = {**schema, "additionalProperties": False}
    assert applied(objects.open_patterns, closed) == (
        True,
        {**schema, "additionalProperties": {"type": "string"}},
    )


@pytest.mark.parametrize(
    "schema",
    [
        {"patternProperties": {"x": {}}},
        {"patternProperties": {"x": {}}, "additionalProperties": {}},
        {
            "patternProperties": {"x": {}},
            "additionalProperties": False,
            "properties": {"a": {}},
        },
        {"patternProperties": {"x": True}, "additionalProperties": False},
    ],
)
def test_other_objects_of_patterns_stay(schema):
    assert applied(objects.open_patterns, dict(schema)) == (False, schema)


@pytest.mark.parametrize("name", ["a]b", "\\", 'say "hi"', "a\0b"])
def test_a_name_that_spoils_the_grammar_closes_its_object(name):
    schema = {"properties": {name: {}}, "additionalProperties": True}
    assert applied(objects.close_awkward_names, schema) == (
        True,
        {"properties": {name: {}}},
    )


@pytest.mark.parametrize("name", ["a-b", "^a", "größe", "", "\n", "["])
def test_any_other_name_may_stand_beside_more(name):
    schema = {"properties": {name: {}}, "additionalProperties": True}
    assert applied(objects.close_awkward_names, schema)[0] is False
