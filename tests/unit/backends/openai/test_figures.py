import pytest

from proxyapp.backends.openai.figures import count
from proxyapp.backends.openai.figures import read_logprobs
from proxyapp.backends.openai.figures import read_timings
from proxyapp.backends.openai.figures import read_usage
from proxyapp.neutral.usage import Timings
from proxyapp.neutral.usage import Usage

RIVAL = {"token": "b", "logprob": -2, "bytes": None}
TOKEN = {"token": "a", "logprob": -0.5, "bytes": [97], "top_logprobs": [RIVAL]}


@pytest.mark.parametrize(
    ("wire", "usage"),
    [
        ({}, Usage()),
        ({"prompt_tokens": 3, "completion_tokens": 2}, Usage(3, 2)),
        ({"prompt_tokens": -1, "completion_tokens": "2"}, Usage()),
        ({"prompt_tokens": None, "prompt_tokens_details": None}, Usage()),
        (
            {
                "prompt_tokens": 9,
                "prompt_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 2},
                "completion_tokens": 5,
                "completion_tokens_details": {"reasoning_tokens": 3},
            },
            Usage(9, 5, 4, 2, 3),
        ),
        (
            {
                "prompt_tokens": 1,
                "prompt_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 2},
                "completion_tokens_details": {"reasoning_tokens": 3},
            },
            Usage(6, 3, 4, 2, 3),
        ),
        ({"prompt_tokens_details": [1], "completion_tokens_details": "x"}, Usage()),
    ],
)
def test_usage_is_read_and_odd_counts_are_none(wire, usage):
    assert read_usage(wire) == usage


@pytest.mark.parametrize("odd", [None, "long", True, -1, [2]])
def test_timings_are_read(odd):
    assert read_timings({"prompt_ms": 2, "predicted_ms": odd}) == Timings(2.0, 0.0)


@pytest.mark.parametrize("odd", [None, "1", True, -1, 1.0, [1]])
def test_an_odd_count_is_none(odd):
    assert (count(2), count(odd)) == (2, 0)


def test_log_probabilities_are_read():
    assert read_logprobs({"content": [TOKEN], "refusal": None}) == {"content": [TOKEN]}


def test_what_a_server_adds_to_a_token_stays():
    token = {**TOKEN, "id": 7}
    assert read_logprobs({"content": [token]}) == {"content": [token]}


@pytest.mark.parametrize(
    "entry", [None, "a", [], {}, {"token": "a"}, {"token": 1, "logprob": 1}]
)
def test_a_token_that_is_none_is_left_out(entry):
    odd = {**TOKEN, "top_logprobs": [entry, RIVAL]}
    assert read_logprobs({"content": [entry, odd]}) == {"content": [TOKEN]}


@pytest.mark.parametrize(
    ("field", "odd", "read"),
    [
        ("bytes", "a", None),
        ("bytes", [True], None),
        ("bytes", [[97]], None),
        ("top_logprobs", None, []),
        ("top_logprobs", {}, []),
    ],
)
def test_odd_lists_of_a_token_are_left_out(field, odd, read):
    token = {**TOKEN, field: odd}
    assert read_logprobs({"content": [token]}) == {"content": [{**TOKEN, field: read}]}


def test_the_lists_of_completions_are_read():
    lists = {
        "tokens": ["a", "b"],
        "token_logprobs": [None, -0.5],
        "top_logprobs": [None, {"b": -0.5}],
        "text_offset": [0, 1],
    }
    assert read_logprobs(lists) == lists


@pytest.mark.parametrize("odd", [None, "a", [TOKEN], {}, {"content": 1}])
def test_there_may_be_no_log_probabilities(odd):
    assert read_logprobs(odd) is None
