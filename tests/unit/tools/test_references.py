"""References end as ones that llama-server follows, or are gone."""

import copy
import socket

import pytest

from proxyapp.tools.record import Recorder
from proxyapp.tools.references import repair_references
from proxyapp.tools.references import target_of

STRING = {"type": "string"}


def repaired(schema):
    record = Recorder("t")
    schema = copy.deepcopy(schema)
    repair_references(schema, record)
    return schema, [repair.rule for repair in record.repairs]


@pytest.mark.parametrize(
    "schema",
    [
        {"$defs": {"A": STRING}, "properties": {"x": {"$ref": "#/$defs/A"}}},
        {"definitions": {"A": STRING}, "items": {"$ref": "#/definitions/A"}},
        {"$defs": {"N": {"properties": {"next": {"$ref": "#/$defs/N"}}}}},
        {"components": {"Pet": STRING}, "items": {"$ref": "#/components/Pet"}},
        {"anyOf": [STRING], "items": {"$ref": "#/anyOf/0"}},
        {"properties": {"$ref": STRING}},
        {"$dynamicAnchor": "n", "properties": {"x": {"$dynamicRef": "#n"}}},
    ],
)
def test_a_reference_that_the_server_follows_stays(schema):
    assert repaired(schema) == (schema, [])


@pytest.mark.parametrize(
    "reference",
    [
        "#/$defs/Nope",
        "https://example.com/schema.json",
        "file:///etc/passwd",
        "other.json#/A",
        "#nowhere",
        "",
        "#/properties",
        "#/required",
        5,
        None,
        ["#"],
    ],
)
def test_a_reference_to_nothing_goes_and_what_stands_beside_it_stays(reference):
    schema = {"properties": {"x": {"$ref": reference, "description": "d"}}}
    assert repaired(schema) == (
        {"properties": {"x": {"description": "d"}}},
        ["reference-unresolved"],
    )


def test_nothing_is_fetched(monkeypatch):
    monkeypatch.setattr(socket, "socket", None)
    schema = {"items": {"$ref": "http://127.0.0.1:9/x.json"}}
    assert repaired(schema) == ({"items": {}}, ["reference-unresolved"])


@pytest.mark.parametrize(
    ("reference", "definitions"),
    [
        ("#/$defs/a~1b", {"a/b": STRING}),
        ("#/$defs/a%20b", {"a b": STRING}),
        ("#/$defs/t~0e", {"t~e": STRING}),
        ("#named", {"x": {"$anchor": "named", **STRING}}),
    ],
)
def test_another_spelling_is_pointed_at_a_plain_definition(reference, definitions):
    schema = {"$defs": definitions, "properties": {"x": {"$ref": reference}}}
    result, rules = repaired(schema)
    found = target_of(result, result["properties"]["x"]["$ref"])
    assert found["type"] == "string"
    assert rules == ["reference-respelled"]


def test_definitions_beside_the_reference_are_found():
    local = {"$ref": "#/$defs/A", "$defs": {"A": STRING}}
    result, rules = repaired({"properties": {"x": local}})
    assert target_of(result, result["properties"]["x"]["$ref"]) == STRING
    assert rules == ["reference-respelled"]


def test_the_root_is_a_definition_of_its_own():
    schema = {"properties": {"child": {"$ref": "#"}}, "$defs": {"A": STRING}}
    result, _ = repaired(schema)
    alias = target_of(result, result["properties"]["child"]["$ref"])
    assert alias == {"properties": {"child": {"$ref": "#/$defs/root"}}}


def test_a_reference_by_the_documents_own_name_is_found():
    schema = {
        "$id": "https://example.com/s",
        "$defs": {"A": STRING},
        "items": {"$ref": "https://example.com/s#/$defs/A"},
    }
    result, _ = repaired(schema)
    assert target_of(result, result["items"]["$ref"]) == STRING


def test_two_references_to_one_place_share_a_definition():
    both = {"a": {"$ref": "#/$defs/p~1q"}, "b": {"$ref": "#/$defs/p~1q"}}
    result, _ = repaired({"$defs": {"p/q": STRING}, "properties": both})
    assert result["properties"]["a"] == result["properties"]["b"]
    assert list(result["$defs"]) == ["p/q", "p-q"]


@pytest.mark.parametrize(
    ("definitions", "left"),
    [
        ({"A": {"$ref": "#/$defs/A"}}, {"A": {}}),
        ({"A": {"anyOf": [STRING, {"$ref": "#/$defs/A"}]}}, {"A": {"anyOf": [STRING]}}),
        ({"A": {"allOf": [STRING, {"$ref": "#/$defs/A"}]}}, {"A": {"allOf": [STRING]}}),
        (
            {"A": {"$ref": "#/$defs/B"}, "B": {"$ref": "#/$defs/A"}},
            {"A": {"$ref": "#/$defs/B"}, "B": {}},
        ),
        ({"A": {"$dynamicAnchor": "n", "$dynamicRef": "#n"}}, None),
    ],
)
def test_a_loop_with_no_value_between_is_cut(definitions, left):
    result, rules = repaired({"$defs": definitions, "items": {"$ref": "#/$defs/A"}})
    assert result["$defs"] == (left or {"A": {"$dynamicAnchor": "n"}})
    assert rules == ["reference-loop"]


def test_many_references_between_few_definitions_are_gone_through_quickly():
    everywhere = {"anyOf": [{"$ref": f"#/$defs/d{n}"} for n in range(20)]}
    schema = {"$defs": {f"d{n}": copy.deepcopy(everywhere) for n in range(20)}}
    result, rules = repaired(schema)
    assert set(rules) == {"reference-loop"}
    assert repaired(result) == (result, [])


def test_a_token_may_be_an_index():
    root = {"anyOf": [STRING, True]}
    assert target_of(root, "#/anyOf/0") == STRING
    assert target_of(root, "#/anyOf/1") is None
    assert target_of(root, "#/anyOf/9") is None
