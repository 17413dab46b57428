"""Broken JSON is read where nothing has to be guessed."""

import json

import pytest

from proxyapp.tools.syntax import guessed
from proxyapp.tools.syntax import MAX_CHARACTERS
from proxyapp.tools.syntax import read
from proxyapp.tools.syntax import repaired_object
from proxyapp.tools.syntax import Unreadable


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ('{"a": [[], {}],}', '{"a":[[],{}]}'),
        ('{"a": [[1], [2', None),
        ('{"a": [1, [2]', '{"a":[1,[2]]}'),
        ('{"a": {"b": 1}, "c": [],}', '{"a":{"b":1},"c":[]}'),
        ('{"a": [1, 2}', '{"a":[1,2]}'),
        ('{"a": 1 "b": [2 3]}', '{"a":1,"b":[2,3]}'),
        ("{'a': 1,,}", '{"a":1}'),
        ('{"a": [[]] "b": 1}', None),
        ("{null: 1}", '{"null":1}'),
        ('{"a" 1}', None),
        ("{}{}", None),
    ],
)
def test_only_marks_change(text, wanted):
    if wanted is None:
        with pytest.raises(Unreadable):
            repaired_object(text)
    else:
        assert repaired_object(text) == wanted


def test_a_string_keeps_its_spelling():
    text = '{"a": "\\u00e9\\/\\n", "b": "é",}'
    assert repaired_object(text) == '{"a":"\\u00e9\\/\\n","b":"é"}'


def test_a_key_must_be_a_string_or_a_word():
    with pytest.raises(Unreadable):
        repaired_object("{5: 1,}")


@pytest.mark.parametrize(
    "text", ["", "x", "[1,]", "{" * 101, "{" + " " * MAX_CHARACTERS]
)
def test_what_is_no_object_is_not_read(text):
    with pytest.raises(Unreadable):
        repaired_object(text)


def test_a_guess_may_fail():
    assert guessed("[" * 5000) is None
    assert guessed('{"a": "b') == {"a": "b"}


def test_what_is_not_json_reads_as_none():
    assert read("{") is None
    assert read("5") == 5
    assert json.loads("5") == 5
