"""How much a key may use: by the minute and by the day."""

import datetime
from collections.abc import Iterator
from typing import Protocol

from proxyapp.errors import BudgetSpent
from proxyapp.errors import TooManyRequests
from proxyapp.neutral.record import Caller
from proxyapp.neutral.scope import Scope


class Usage(Protocol):
    """What a key used so far, at all workers; a minute is the last 60 seconds."""

    def requests_last_minute(self, key: str) -> int:
        """Count its requests."""

    def tokens_last_minute(self, key: str) -> int:
        """Count its tokens, read and written."""

    def tokens_today(self, key: str) -> int:
        """Count its tokens since midnight."""

    def frees_in(self, key: str, requests: int = 0, tokens: int = 0) -> int:
        """Give the seconds until the last minute holds less than this of each."""


def check_limits(caller: Caller, usage: Usage) -> None:
    """Raise TooManyRequests or BudgetSpent if a caller's key has had its share."""
    scope, key = caller.scope, caller.key
    if not scope.limited:
        return
    if scope.tokens_per_day and usage.tokens_today(key) >= scope.tokens_per_day:
        raise BudgetSpent(
            f"The key '{key}' has used its {scope.tokens_per_day:,} tokens of today; it"
            " may go on after midnight.",
            retry_after=str(until_midnight()),
        )
    for limit, what, used in _minute(scope, key, usage):
        if used >= limit:
            wait = max(1, usage.frees_in(key, **{what: limit}))
            raise TooManyRequests(
                f"The key '{key}' may use {limit:,} {what} a minute; ask again in"
                f" {wait} s.",
                retry_after=str(wait),
            )


def _minute(scope: Scope, key: str, usage: Usage) -> Iterator[tuple[int, str, int]]:
    """Yield each limit of a minute, what it counts, and what is used of it."""
    if scope.requests_per_minute:
        used = usage.requests_last_minute(key)
        yield scope.requests_per_minute, "requests", used
    if scope.tokens_per_minute:
        used = usage.tokens_last_minute(key)
        yield scope.tokens_per_minute, "tokens", used


def limit_headers(caller: Caller, usage: Usage) -> dict[str, str]:
    """Tell what is left of a caller's minute, in the headers that OpenAI's have.

    The reset is when all of the minute is free again, written as OpenAI does: ``1m0s``.
    """
    left = list(_minute(caller.scope, caller.key, usage))
    if not left:
        return {}
    reset = _duration(usage.frees_in(caller.key, requests=1, tokens=1))
    headers = {}
    for limit, what, used in left:
        headers[f"x-ratelimit-limit-{what}"] = str(limit)
        headers[f"x-ratelimit-remaining-{what}"] = str(max(0, limit - used))
        headers[f"x-ratelimit-reset-{what}"] = reset
    return headers


def _duration(seconds: int) -> str:
    minutes, rest = divmod(seconds, 60)
    return f"{minutes}m{rest}s" if minutes else f"{rest}s"


def until_midnight() -> int:
    """Give the seconds left of the day, where the gateway runs; at least 1."""
    now = datetime.datetime.now().astimezone()
    tomorrow = now.date() + datetime.timedelta(days=1)
    midnight = datetime.datetime.combine(tomorrow, datetime.time()).astimezone()
    return max(1, round((midnight - now).total_seconds()))
