"""The table of rules is complete, and in order."""

from proxyapp.tools.rules.table import RULES
from proxyapp.tools.rules.table import rules_for


def test_rule_names_are_distinct_and_short():
    names = [rule.name for rule in RULES]
    assert len(set(names)) == len(names)
    assert max(len(name) for name in names) <= 24


def test_every_rule_says_why_it_is_there():
    assert all(rule.apply.__doc__ for rule in RULES)


def test_a_schema_calls_for_the_rules_of_its_keywords_in_order():
    called = rules_for({"maxLength": 1, "minLength": 2, "type": "string", "x-y": 5})
    order = ["type-name", "count", "count-too-large", "count-crossed"]
    assert [rule.name for rule in called] == order


def test_an_unknown_keyword_calls_for_nothing():
    assert rules_for({"markdownDescription": "x", "const": 5}) == []
