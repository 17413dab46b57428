import pytest

from proxyapp.auth.key import Key
from proxyapp.auth.ring import key_digest
from proxyapp.auth.ring import key_prefix
from proxyapp.auth.ring import KeyRing
from proxyapp.auth.ring import new_key
from proxyapp.errors import Unauthorized
from proxyapp.neutral.scope import Scope

RING = KeyRing([key_digest("other"), key_digest("secret")])


def test_an_empty_ring_lets_everyone_in():
    KeyRing([]).check({})


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "Bearer secret"},
        {"Authorization": "bearer   secret "},
        {"x-api-key": "secret"},
        {"x-api-key": " secret "},
        {"Authorization": "Bearer wrong", "x-api-key": "secret"},
        {"Authorization": "Bearer secret", "x-api-key": "wrong"},
        {"Authorization": "Bearer ", "x-api-key": "secret"},
    ],
)
def test_a_known_key_in_either_header_passes(headers):
    RING.check(headers)


@pytest.mark.parametrize(
    ("headers", "words"),
    [
        ({}, "A key is needed."),
        ({"Authorization": "Bearer "}, "A key is needed."),
        ({"Authorization": "Bearer"}, "A key is needed."),
        ({"Authorization": "Basic c2VjcmV0"}, "A key is needed."),
        ({"Authorization": "secret"}, "A key is needed."),
        ({"x-api-key": " "}, "A key is needed."),
        ({"Authorization": "Bearer wrong"}, "The key is not known."),
        ({"x-api-key": "Secret"}, "The key is not known."),
        ({"x-api-key": key_digest("secret")}, "The key is not known."),
        ({"x-api-key": "s\u00e9cret"}, "The key is not known."),
    ],
)
def test_anyone_else_is_told_what_is_missing(headers, words):
    with pytest.raises(Unauthorized, match=words) as caught:
        RING.check(headers)
    assert caught.value.headers == {"WWW-Authenticate": "Bearer"}


def test_a_refusal_does_not_repeat_the_key():
    with pytest.raises(Unauthorized) as caught:
        RING.check({"x-api-key": "hunter2"})
    assert "hunter2" not in caught.value.message


def test_a_digest_is_sha256_in_lower_case_hex():
    expected = "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b"
    assert key_digest("secret") == expected


def test_a_new_key_is_long_and_never_the_same():
    first, second = new_key(), new_key()
    assert first.startswith("pxa-")
    assert len(first) == len("pxa-") + 43
    assert first != second


def test_a_new_key_opens_the_ring_that_holds_its_digest():
    key = new_key()
    KeyRing([key_digest(key)]).check({"Authorization": f"Bearer {key}"})


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "Bearer secret", "x-api-key": "for upstream"},
        {"Authorization": "Bearer for upstream", "x-api-key": "secret"},
    ],
)
def test_what_is_no_key_of_ours_may_be_meant_for_a_backend(headers):
    assert RING.check(headers).credential == "for upstream"


def test_a_key_of_ours_is_never_meant_for_a_backend():
    assert RING.check({"x-api-key": "secret"}).credential == ""


NAMED = Key("team", key_digest("named"), scope=Scope(models=("a",)))
OLD = Key("old", key_digest("expired"), expires=100)


class File:
    def __init__(self, *keys):
        self.keys = {key.digest: key for key in keys} if keys != (None,) else None

    def current(self):
        return self.keys


def ring(*keys, required="auto"):
    return KeyRing([], File(*keys), required, now=lambda: 100)


def test_a_named_key_tells_who_calls_and_what_they_may():
    caller = ring(NAMED).check({"x-api-key": "named"})
    assert (caller.key, caller.scope) == ("team", NAMED.scope)


@pytest.mark.reliability("R-043")
def test_a_key_that_expired_is_as_unknown_as_any():
    words = []
    for key in ("expired", "never-made"):
        with pytest.raises(Unauthorized) as refused:
            ring(NAMED, OLD).check({"x-api-key": key})
        words.append(refused.value.message)
    assert words[0] == words[1]


def test_where_the_last_key_was_revoked_nobody_gets_in():
    with pytest.raises(Unauthorized):
        ring().check({})


def test_without_a_file_everyone_gets_in():
    assert ring(None).check({}).key == ""


def test_keys_can_be_switched_off():
    caller = ring(NAMED, required="never").check({"x-api-key": "named"})
    assert (caller.key, caller.credential) == ("", "named")


def test_keys_can_be_insisted_on():
    with pytest.raises(Unauthorized):
        ring(None, required="always").check({})


@pytest.mark.reliability("R-043")
def test_a_key_has_far_more_than_128_bits_and_shows_too_few_of_them():
    key = new_key()
    assert len(key) - len("pxa-") >= 43
    assert len(key_prefix(key)) <= 10


@pytest.mark.reliability("R-041")
def test_a_key_that_was_made_here_is_never_meant_for_a_backend():
    revoked = {"x-api-key": "secret", "Authorization": f"Bearer {new_key()}"}
    assert RING.check(revoked).credential == ""
    off = KeyRing([], required="never")
    assert off.check({"x-api-key": new_key()}).credential == ""
