from proxyapp.dialects.anthropic.signature import foreign
from proxyapp.dialects.anthropic.signature import sign


def test_the_same_thinking_has_the_same_signature():
    assert sign("hm") == sign("hm")
    assert sign("hm") != sign("ha")


def test_a_signature_says_whose_it_is():
    assert sign("hm").startswith("gw1.")


def test_our_own_signature_goes_no_further():
    assert foreign(sign("hm")) == ""


def test_a_foreign_signature_is_kept():
    assert foreign("EqQBCkYIBxgCKkD") == "EqQBCkYIBxgCKkD"
