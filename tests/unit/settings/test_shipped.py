import re

import pytest
from jsonschema import Draft202012Validator

from proxyapp.settings.layer import Layer
from proxyapp.settings.rules import break_rules
from proxyapp.settings.shipped import defaults
from proxyapp.settings.shipped import defaults_text
from proxyapp.settings.shipped import schema


def tables(node):
    inner = node.values() if isinstance(node, dict) else node
    found = [node] if isinstance(node, dict) else []
    for value in inner:
        if isinstance(value, dict | list):
            found += tables(value)
    return found


def test_the_schema_is_a_valid_schema():
    assert Draft202012Validator.check_schema(schema()) is None


def test_the_schema_accepts_the_defaults():
    assert list(Draft202012Validator(schema()).iter_errors(defaults())) == []


def test_the_defaults_break_no_rule():
    assert break_rules(Layer(defaults(), str)) == []


def test_the_schema_says_in_words_what_each_pattern_means():
    wordless = [
        table
        for table in tables(schema())
        if isinstance(table.get("pattern"), str) and "x-expected" not in table
    ]
    assert wordless == []


def test_every_default_has_a_comment_above_it():
    lines = defaults_text().splitlines()
    settings = [n for n, line in enumerate(lines) if re.match(r"\w+ = ", line)]
    assert [lines[n] for n in settings if not lines[n - 1].startswith("# ")] == []


def test_the_defaults_are_found_from_any_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert defaults()["server"]["listen_port"] == 11434


@pytest.mark.parametrize("caller", ["first", "second"])
def test_each_caller_gets_defaults_of_its_own(caller):
    values = defaults()
    values["models"]["aliases"][caller] = "changed"
    assert list(values["models"]["aliases"]) == [caller]
