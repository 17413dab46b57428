"""Arrays have items that llama-server reads."""

import pytest

from proxyapp.tools.rules import arrays
from proxyapp.tools.rules.context import Context

STRING = {"type": "string"}


def applied(rule, schema):
    return rule(schema, Context(schema)), schema


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ({"items": True}, {}),
        ({"items": None}, {}),
        ({"items": []}, {}),
        ({"items": 5}, {}),
        ({"items": False}, {"maxItems": 0}),
        ({"items": "string"}, {"items": STRING}),
        ({"items": [True, STRING]}, {"items": [{}, STRING]}),
        ({"prefixItems": [STRING], "items": False}, {"prefixItems": [STRING]}),
    ],
)
def test_items_become_a_schema(given, wanted):
    assert applied(arrays.make_items_schema, given) == (True, wanted)


@pytest.mark.parametrize("items", [{}, STRING, [STRING, {}]])
def test_items_that_the_server_reads_stay(items):
    assert applied(arrays.make_items_schema, {"items": items})[0] is False


@pytest.mark.parametrize("given", [[], None, {}, "x"])
def test_a_prefix_that_is_no_list_goes(given):
    assert applied(arrays.make_prefix_schemas, {"prefixItems": given}) == (True, {})


def test_the_members_of_a_prefix_become_schemas():
    schema = {"prefixItems": [STRING, True, None]}
    assert applied(arrays.make_prefix_schemas, schema)[1]["prefixItems"] == [
        STRING,
        {},
        {},
    ]


def test_a_prefix_and_a_rest_become_one():
    schema = {"prefixItems": [STRING], "items": {"type": "integer"}}
    assert applied(arrays.join_tuple_and_rest, schema) == (
        True,
        {"items": {"anyOf": [STRING, {"type": "integer"}]}},
    )


def test_a_prefix_alone_stays():
    schema = {"prefixItems": [STRING]}
    assert applied(arrays.join_tuple_and_rest, schema)[0] is False
