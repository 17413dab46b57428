"""A rule may follow a reference."""

from proxyapp.tools.rules.context import Context

ROOT = {
    "$defs": {
        "A": {"$ref": "#/$defs/B"},
        "B": {"type": "string"},
        "L": {"$ref": "#/$defs/L"},
    }
}


def test_a_reference_is_followed_to_its_end():
    assert Context(ROOT).follow({"$ref": "#/$defs/A"}) is ROOT["$defs"]["B"]


def test_a_schema_without_a_reference_is_itself():
    schema = {"type": "object"}
    assert Context(ROOT).follow(schema) is schema


def test_what_leads_nowhere_is_empty():
    context = Context(ROOT)
    assert context.follow({"$ref": "#/$defs/none"}) == {}
    assert context.follow({"$ref": "#/$defs/L"}) == {}
    assert context.follow(True) == {}
