"""Schemas are found wherever they lie, at any depth."""

import pytest

from proxyapp.errors import BadRequest
from proxyapp.tools.walk import copy_json
from proxyapp.tools.walk import escape
from proxyapp.tools.walk import every_schema
from proxyapp.tools.walk import MAX_DEPTH
from proxyapp.tools.walk import MAX_ENTRIES
from proxyapp.tools.walk import Place
from proxyapp.tools.walk import subschemas
from tests.unit.tools.corpus import nested


def found_in(schema):
    return {
        (place.path, place.branch)
        for place in every_schema(Place(schema, "#", branch=False))
    }


def test_a_copy_shares_nothing_that_can_change():
    value = {"b": [1, {"c": None}], "a": {}}
    copy = copy_json(value, "tools[0].parameters")
    copy["b"][1]["c"] = 2
    copy["a"]["new"] = True
    assert value == {"b": [1, {"c": None}], "a": {}}


def test_a_copy_keeps_the_order_of_its_keys():
    assert list(copy_json({"z": 1, "a": 2, "m": [3, 4]}, "x")) == ["z", "a", "m"]


@pytest.mark.parametrize(
    "value", [nested(MAX_DEPTH), [0] * (MAX_ENTRIES + 1), [[0]] * MAX_ENTRIES]
)
def test_a_value_too_large_is_refused_by_name(value):
    with pytest.raises(BadRequest, match="send a smaller schema") as caught:
        copy_json(value, "tools[3].parameters")
    assert caught.value.param == "tools[3].parameters"


def test_every_kind_of_place_is_found():
    leaf = {"type": "string"}
    schema = {
        "properties": {"a/b": leaf.copy()},
        "items": [leaf.copy()],
        "additionalProperties": leaf.copy(),
        "anyOf": [leaf.copy()],
        "not": leaf.copy(),
        "$defs": {"d": leaf.copy()},
    }
    assert found_in(schema) == {
        ("#", False),
        ("#/properties/a~1b", False),
        ("#/items/0", False),
        ("#/additionalProperties", False),
        ("#/anyOf/0", True),
        ("#/not", True),
        ("#/$defs/d", False),
    }


def test_values_are_no_schemas():
    schema = {"const": {"type": "x"}, "enum": [{"type": "x"}], "default": {"items": {}}}
    assert found_in(schema) == {("#", False)}


def test_booleans_and_nonsense_are_passed_over():
    schema = {"items": True, "properties": {"a": None, "b": False}, "anyOf": "x"}
    assert list(subschemas(Place(schema, "#", branch=False))) == []


def test_a_schema_in_two_places_is_met_once():
    shared = {"type": "string"}
    schema = {"properties": {"a": shared, "b": shared}}
    assert found_in(schema) == {("#", False), ("#/properties/a", False)}


def test_the_walk_sees_what_is_done_to_a_schema_it_gave():
    schema = {"items": {}}
    walk = every_schema(Place(schema, "#", branch=False))
    next(walk).schema["items"] = {"items": {}}
    assert [place.path for place in walk] == ["#/items", "#/items/items"]


def test_depth_is_no_matter():
    assert len(list(every_schema(Place(nested(3000), "#", branch=False)))) == 3001


def test_a_name_is_escaped_as_json_pointer_asks():
    assert escape("a/b~c") == "a~1b~0c"
