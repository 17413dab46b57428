import pytest

from proxyapp.auth.key import Key
from proxyapp.auth.key import key_entry
from proxyapp.auth.key import read_key
from proxyapp.neutral.scope import EVERYTHING
from proxyapp.neutral.scope import Scope

ENTRY = {"name": "team", "digest": "0a" * 32}


def test_a_key_comes_back_as_it_was_written():
    scope = Scope(("a*", "!*-b"), ("llama",), ("DE",), 1, 2, 3)
    key = Key("team", "0a" * 32, "pxa-abc", 100, 200, scope)
    assert read_key(key_entry(key)) == key


def test_a_key_without_bounds_has_the_scope_of_everything():
    assert read_key(ENTRY).scope is EVERYTHING
    assert read_key({**ENTRY, "scope": {}}).scope is EVERYTHING


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"scope": {"modles": ["a"]}}, "has no 'modles'"),
        ({"until": 5}, "has no 'until'"),
        ({"scope": {"models": "a*"}}, "'models'"),
        ({"scope": {"models": [5]}}, "'models'"),
        ({"scope": {"models": [""]}}, "'models'"),
        ({"scope": {"models": ["!"]}}, "'models'"),
        ({"scope": {"tokens_per_day": -1}}, "'tokens_per_day'"),
        ({"scope": {"tokens_per_day": True}}, "'tokens_per_day'"),
        ({"scope": []}, "'scope'"),
        ({"expires": "never"}, "'expires'"),
        ({"digest": "0A" * 32}, "'digest'"),
        ({"digest": 5}, "'digest'"),
        ({"name": ""}, "'name'"),
        ({"name": "a\nb"}, "'name'"),
    ],
)
def test_a_bound_that_cannot_be_meant_is_not_read_as_none(given, words):
    with pytest.raises(ValueError, match=words):
        read_key({**ENTRY, **given})


@pytest.mark.parametrize("entry", [None, 5, "x", [], [ENTRY]])
def test_a_key_is_a_table(entry):
    with pytest.raises(ValueError, match="no table"):
        read_key(entry)


@pytest.mark.parametrize("field", ["name", "digest"])
def test_a_key_has_a_name_and_a_digest(field):
    with pytest.raises(ValueError, match=f"lacks its {field}"):
        read_key({name: value for name, value in ENTRY.items() if name != field})
