import pytest

from proxyapp.neutral.scope import Access
from proxyapp.neutral.scope import admits
from proxyapp.neutral.scope import Scope


@pytest.mark.parametrize(
    ("patterns", "name", "let_in"),
    [
        ((), "a", True),
        (("a*",), "ab", True),
        (("a*",), "b", False),
        (("!a*",), "ab", False),
        (("!a*",), "b", True),
        (("a*", "!*-big"), "a-big", False),
        (("a*", "!*-big"), "a-small", True),
        (("!*",), "a", False),
        (("A*",), "a", False),
        (("!A*",), "a", False),
        (("!a*",), "A", False),
    ],
)
def test_patterns_let_in_and_keep_out(patterns, name, let_in):
    assert admits(patterns, (name,)) is let_in


def test_a_thing_is_known_by_any_of_its_names():
    assert admits(("b/*",), ("a", "b/a"))
    assert not admits(("!b/*",), ("a", "b/a"))


def test_every_set_of_patterns_must_let_in():
    access = Access((("qwen*",), ("!*-big",)), backends=("llama",))
    assert access.admits(("qwen-small",), "llama")
    assert not access.admits(("qwen-big",), "llama")
    assert not access.admits(("phi",), "llama")
    assert not access.admits(("qwen-small",), "copilot")


def test_without_patterns_nothing_is_kept_out():
    assert Access().whole
    assert not Access((("a",),)).whole
    assert not Access(backends=("a",)).whole


@pytest.mark.parametrize(
    ("scope", "limited"),
    [
        (Scope(), False),
        (Scope(models=("a",)), False),
        (Scope(requests_per_minute=1), True),
        (Scope(tokens_per_minute=1), True),
        (Scope(tokens_per_day=1), True),
    ],
)
def test_a_scope_knows_whether_it_has_limits(scope, limited):
    assert scope.limited is limited
