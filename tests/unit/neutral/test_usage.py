import pytest

from proxyapp.neutral.usage import estimate_tokens
from proxyapp.neutral.usage import Usage


def test_the_total_is_prompt_and_completion():
    assert Usage(input=10, output=3, cache_read=4, reasoning=2).total == 13


def test_fresh_input_leaves_out_what_a_cache_served_or_stored():
    assert Usage(input=10, cache_read=4, cache_write=3).fresh_input == 3


def test_fresh_input_is_never_negative():
    assert Usage(input=1, cache_read=4).fresh_input == 0


@pytest.mark.parametrize(
    ("characters", "tokens"), [(0, 1), (1, 1), (4, 1), (5, 2), (4000, 1000)]
)
def test_four_characters_are_a_token(characters, tokens):
    assert estimate_tokens(characters) == tokens
