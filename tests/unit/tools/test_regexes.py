r"""Patterns are judged by reading: each of these was sent to llama-server 0c1e570."""

import pytest

from proxyapp.tools.regexes import fault_of

WORKS = [
    *("^[a-z]{3}$", "^/[a-z/]+$", "^[äöü]+$", "^a|b$", "^$", "^(a|)$", "^(a?)*$"),
    *("^(a*)*$", "^a+?b$", "^a??$", "^[]$", "^[a-]$", "^\\x41$", "^[\\u0061-z]$"),
    *("^a{,3}$", "^a{0,0}$", "^[a-z]{0,2000}$", "^[a-z]{1,5000}$", '^[^"]+$'),
    *("^(([a-z]{1,100}){1,100})$", "^[{5,2}]$", "^.*$", "^[ -~]+$", "^a\\$$"),
]
IGNORED = [
    *("^\\d+\\w*\\s?$", "^(?!foo).*$", "\\p{L}+", "^\\p{L}{2,4}$", "^[\\w.-]+@x$"),
    *("^(?<year>a)$", "^]$", "^}$", "^a{1$", "^a{x}$", "^a\\{5,2}$", "abc", "^\\cA$"),
    *("(a+)+$", "^(?i)a$", "^a$b$", "", "^", "[a-z]*" * 40),
]
INVALID = [
    "(",
    "^(abc$",
    "^a)$",
    "^[a$",
    "^*a$",
    "^a|*$",
    "^{2}$",
    "\\",
    "a{5,2}",
    "a**",
]
HANGS = ["^a{5,2}$", "^(?:a{3,1})$", "^a{ 5, 2 }$", "^a{+5,2}$", "^(([a-z]{2,1}))$"]
REFUSED = [
    *("^(a|)*$", "^(|a)+$", "^()*$", "^(a||b)*$", "^[z-a]$", "^é+$", "^a\\$", "^\\$"),
    *("^([a-z]{0,2000}b)?$", "^(([a-z]{0,1000}b)([a-z]{0,1000}c))?$"),
]
BREAKS_JSON = [
    '^"$',
    '^\\"$',
    "^a\\\\b$",
    "^a\nb$",
    "^\\t$",
    '^[a"]$',
    "^[\\\\]$",
    "^a\0$",
]
TOO_COSTLY = [
    "^((([a-z]{1,100}){1,100}){1,100})$",
    f"^{'[a-z]*' * 100}$",
    f"^{'a?' * 100}$",
    "^(a?){1000}$",
]


@pytest.mark.parametrize("pattern", WORKS)
def test_a_pattern_that_works_stays(pattern):
    assert fault_of(pattern) is None


@pytest.mark.parametrize("pattern", IGNORED)
def test_a_pattern_that_the_server_ignores_stays(pattern):
    assert fault_of(pattern) is None


@pytest.mark.parametrize("pattern", INVALID)
def test_a_pattern_that_is_none_goes(pattern):
    assert fault_of(pattern) == "pattern-invalid"


@pytest.mark.parametrize("pattern", HANGS)
def test_a_pattern_that_hangs_the_server_goes(pattern):
    assert fault_of(pattern) is not None


@pytest.mark.parametrize("pattern", REFUSED)
def test_a_pattern_that_the_server_refuses_goes(pattern):
    assert fault_of(pattern) == "pattern-refused"


@pytest.mark.parametrize("pattern", BREAKS_JSON)
def test_a_pattern_that_would_write_broken_json_goes(pattern):
    assert fault_of(pattern) == "pattern-breaks-json"


@pytest.mark.parametrize("pattern", ["^[a-z]{2001}$", "^(ab){2001,}$"])
def test_a_pattern_that_repeats_too_often_goes(pattern):
    assert fault_of(pattern) == "pattern-repeats-too-often"


@pytest.mark.parametrize("pattern", TOO_COSTLY)
def test_a_pattern_that_keeps_the_server_busy_goes(pattern):
    assert fault_of(pattern) == "pattern-too-costly"


@pytest.mark.parametrize("part", ["(", "[", "{", "a{1,", "\\", "a?", "|", "é"])
def test_a_long_pattern_is_not_read(part):
    assert fault_of(part * 3000) == "pattern-too-long"
