"""Running totals: requests and tokens of the last minute, tokens and costs of today."""

import time
from collections import Counter
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from proxyapp.observe.clock import day_around
from proxyapp.observe.clock import wall_clock
from proxyapp.threads import real_lock

_SPAN = 60


class Leaving(NamedTuple):
    """Requests and tokens that are forgotten in so many seconds."""

    seconds: int
    requests: int
    tokens: int


class _Minute:
    """What one key did in the last minute, second by second."""

    __slots__ = ("_seconds", "requests", "tokens")

    def __init__(self) -> None:
        self._seconds: deque[list[int]] = deque()
        self.requests = 0
        self.tokens = 0

    def count(self, second: int, requests: int, tokens: int) -> None:
        seconds = self._seconds
        if seconds and seconds[-1][0] >= second:
            seconds[-1][1] += requests
            seconds[-1][2] += tokens
        else:
            seconds.append([second, requests, tokens])
        self.requests += requests
        self.tokens += tokens

    def forget(self, before: int) -> None:
        while self._seconds and self._seconds[0][0] <= before:
            _, requests, tokens = self._seconds.popleft()
            self.requests -= requests
            self.tokens -= tokens

    def leaving(self, second: int) -> list[Leaving]:
        return [
            Leaving(max(1, at + _SPAN - second), requests, tokens)
            for at, requests, tokens in self._seconds
        ]


class Totals:
    """Totals by key, kept in memory; any thread may count and ask.

    The minute runs on the monotonic clock, so a clock that is set leaves it alone. The
    day is that of the wall clock.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = wall_clock,
    ) -> None:
        self._clock = clock
        self._wall = wall
        self._lock = real_lock()
        self._minutes: dict[str, _Minute] = {}
        self._begin, self._end = day_around(wall())
        self._tokens: Counter[str] = Counter()
        self._premium = 0.0

    def count(
        self, key: str, requests: int, tokens: int, premium: float, age: float = 0.0
    ) -> None:
        """Count what a key did ``age`` seconds ago, earlier today."""
        second = int(self._clock() - max(age, 0.0))
        with self._lock:
            self._turn_page()
            if age < _SPAN:
                self._minute(key).count(second, requests, tokens)
            self._tokens[key] += tokens
            self._premium += premium

    def premium_today(self) -> float:
        """Give the premium requests that were charged today."""
        with self._lock:
            self._turn_page()
            return self._premium

    def tokens_today(self, key: str) -> int:
        """Give the tokens a key read and wrote today."""
        with self._lock:
            self._turn_page()
            return self._tokens[key]

    def last_minute(self, key: str) -> tuple[int, int]:
        """Give a key's requests and tokens of the last 60 seconds."""
        second = int(self._clock())
        with self._lock:
            minute = self._minute(key)
            minute.forget(second - _SPAN)
            return minute.requests, minute.tokens

    def leaving(self, key: str) -> list[Leaving]:
        """Give what a key did in the last minute, by when it is forgotten."""
        second = int(self._clock())
        with self._lock:
            minute = self._minute(key)
            minute.forget(second - _SPAN)
            return minute.leaving(second)

    def _minute(self, key: str) -> _Minute:
        minute = self._minutes.get(key)
        if minute is None:
            minute = self._minutes[key] = _Minute()
        return minute

    def _turn_page(self) -> None:
        now = self._wall()
        if not self._begin <= now < self._end:
            self._begin, self._end = day_around(now)
            self._tokens.clear()
            self._premium = 0.0
