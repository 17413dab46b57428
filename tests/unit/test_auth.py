import pytest

from proxyapp.auth import key_digest
from proxyapp.auth import KeyRing
from proxyapp.auth import new_key
from proxyapp.errors import Unauthorized

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
