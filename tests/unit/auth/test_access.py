import pytest

from proxyapp.auth.access import access_in
from proxyapp.errors import Forbidden
from proxyapp.neutral.scope import Access
from proxyapp.neutral.scope import Scope

RULES = {"RU": ("!gpt-*",), "unknown": ("tiny",)}


@pytest.mark.parametrize(
    ("country", "patterns"),
    [("DE", ()), ("RU", (("!gpt-*",),)), ("", (("tiny",),))],
)
def test_a_country_has_rules_for_everybody(country, patterns):
    assert access_in(Scope(), country, RULES) == Access(patterns)


def test_a_keys_own_patterns_hold_beside_them():
    scope = Scope(models=("gpt-*",), backends=("copilot",))
    access = access_in(scope, "RU", RULES)
    assert access == Access((("gpt-*",), ("!gpt-*",)), ("copilot",))


@pytest.mark.parametrize(
    ("patterns", "country", "good"),
    [
        (("!RU",), "", True),
        (("!RU", "!unknown"), "", False),
        (("unknown",), "", True),
        (("!ru",), "RU", False),
    ],
)
def test_a_country_that_nobody_names_has_a_name_too(patterns, country, good):
    scope = Scope(countries=patterns)
    if good:
        assert access_in(scope, country, {}).whole
    else:
        with pytest.raises(Forbidden):
            access_in(scope, country, {})


@pytest.mark.parametrize("country", ["FR", ""])
def test_a_key_for_some_countries_is_no_good_elsewhere(country):
    scope = Scope(countries=("DE", "AT"))
    assert access_in(scope, "DE", {}) == Access()
    with pytest.raises(Forbidden, match=country or "unknown"):
        access_in(scope, country, {})
