"""How much a key may use: by the minute and by the day."""

import datetime
from typing import Protocol

from proxyapp.errors import BudgetSpent
from proxyapp.errors import TooManyRequests
from proxyapp.neutral.record import Caller


class Usage(Protocol):
    """What a key used so far, at all workers; a minute is the last 60 seconds."""

    def requests_last_minute(self, key: str) -> int:
        """Count its requests."""

    def tokens_last_minute(self, key: str) -> int:
        """Count its tokens, read and written."""

    def tokens_today(self, key: str) -> int:
        """Count its tokens since midnight."""

    def frees_in(self, key: str) -> int:
        """Give the seconds until the oldest of the last minute no longer counts."""


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
    for limit, used, what in (
        (scope.requests_per_minute, usage.requests_last_minute, "requests"),
        (scope.tokens_per_minute, usage.tokens_last_minute, "tokens"),
    ):
        if limit and used(key) >= limit:
            wait = usage.frees_in(key)
            raise TooManyRequests(
                f"The key '{key}' may use {limit:,} {what} a minute; ask again in"
                f" {wait} s.",
                retry_after=str(wait),
            )


def until_midnight() -> int:
    """Give the seconds left of the day, where the gateway runs; at least 1."""
    now = datetime.datetime.now().astimezone()
    tomorrow = now.date() + datetime.timedelta(days=1)
    midnight = datetime.datetime.combine(tomorrow, datetime.time()).astimezone()
    return max(1, round((midnight - now).total_seconds()))
