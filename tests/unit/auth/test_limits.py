import pytest

from proxyapp.auth.limits import check_limits
from proxyapp.auth.limits import limit_headers
from proxyapp.auth.limits import until_midnight
from proxyapp.errors import BudgetSpent
from proxyapp.errors import TooManyRequests
from proxyapp.neutral.record import Caller
from proxyapp.neutral.scope import Scope


class Used:
    def __init__(self, requests=0, tokens=0, today=0):
        self.requests_last_minute = lambda key: requests
        self.tokens_last_minute = lambda key: tokens
        self.tokens_today = lambda key: today
        self.frees_in = lambda key, requests=0, tokens=0: 17 * (requests + tokens > 1)


def check(used, **scope):
    check_limits(Caller("team", scope=Scope(**scope)), used)


def test_a_key_without_limits_is_not_even_counted():
    check_limits(Caller("team"), None)


def test_below_its_limits_a_key_may_go_on():
    limits = {"requests_per_minute": 3, "tokens_per_minute": 10, "tokens_per_day": 20}
    check(Used(2, 9, 19), **limits)


@pytest.mark.parametrize(
    ("used", "scope", "words"),
    [
        (Used(requests=3), {"requests_per_minute": 3}, "3 requests a minute"),
        (Used(tokens=4000), {"tokens_per_minute": 4000}, "4,000 tokens a minute"),
    ],
)
def test_a_spent_minute_says_when_it_frees(used, scope, words):
    with pytest.raises(TooManyRequests, match=words) as spent:
        check(used, **scope)
    assert (spent.value.status, spent.value.retry_after) == (429, "17")
    assert (spent.value.code, spent.value.retryable) == ("rate_limit_exceeded", True)


def test_a_wait_is_never_none_at_all():
    used = Used(requests=1)
    with pytest.raises(TooManyRequests) as spent:
        check(used, requests_per_minute=1)
    assert spent.value.retry_after == "1"


def test_what_is_left_is_told_in_openais_words():
    used = Used(requests=2, tokens=70)
    used.frees_in = lambda key, requests=0, tokens=0: 60 * requests * tokens
    scope = Scope(requests_per_minute=5, tokens_per_minute=50)
    assert limit_headers(Caller("team", scope=scope), used) == {
        "x-ratelimit-limit-requests": "5",
        "x-ratelimit-remaining-requests": "3",
        "x-ratelimit-reset-requests": "1m0s",
        "x-ratelimit-limit-tokens": "50",
        "x-ratelimit-remaining-tokens": "0",
        "x-ratelimit-reset-tokens": "1m0s",
    }


@pytest.mark.parametrize(("seconds", "told"), [(0, "0s"), (59, "59s"), (61, "1m1s")])
def test_a_reset_is_written_as_openai_does(seconds, told):
    used = Used()
    used.frees_in = lambda key, requests=0, tokens=0: seconds
    headers = limit_headers(Caller("a", scope=Scope(requests_per_minute=5)), used)
    assert headers["x-ratelimit-reset-requests"] == told


def test_of_a_limit_that_is_none_nothing_is_told():
    assert limit_headers(Caller("team", scope=Scope(tokens_per_day=5)), None) == {}


def test_a_spent_day_is_not_worth_a_retry():
    with pytest.raises(BudgetSpent, match="'team' has used its 20 tokens") as spent:
        check(Used(today=20), tokens_per_day=20)
    assert (spent.value.status, spent.value.code) == (429, "insufficient_quota")
    assert not spent.value.retryable
    assert 1 <= int(spent.value.retry_after) <= 25 * 3600


def test_midnight_is_never_now():
    assert 1 <= until_midnight() <= 25 * 3600
