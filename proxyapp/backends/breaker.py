"""Whether it is worth trying to connect to a server that does not answer.

A connection that is refused costs nothing, and is tried anew each time: a server that
was started a second ago serves at once. One that nobody answers costs every request
the whole connect timeout, and clients that retry pile up behind it.
"""

import math
import time
from collections.abc import Callable

_FAILURES = 5
_WITHIN = 30.0
"""So many failures in a row within so many seconds, and nobody tries for a while."""

_FIRST = 1.0
_LONGEST = 8.0
"""Seconds until somebody tries again: twice as long after each try that failed."""

SLOW = 0.25
"""Seconds that a failure must take to count."""


class Breaker:
    """Let requests through to a server until connections to it keep timing out.

    After that one request at a time is let through, to try. What the server answers,
    an error or not, is never a failure here.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failures = 0
        self._since = 0.0
        self._pause = _FIRST
        self._closed_until: float | None = None

    @property
    def broken(self) -> bool:
        """Tell whether the server is taken for dead."""
        return self._closed_until is not None

    def wait(self) -> int:
        """Give the whole seconds until a request may try; 0 lets this one through."""
        if self._closed_until is None:
            return 0
        now = self._clock()
        if now < self._closed_until:
            return math.ceil(self._closed_until - now)
        # This one tries; should it never tell how that went, another may soon.
        self._closed_until = now + _LONGEST
        return 0

    def connected(self) -> None:
        """Say that a connection came about."""
        if self._failures:
            self._failures = 0
            self._closed_until = None
            self._pause = _FIRST

    def failed(self, seconds: float) -> None:
        """Say that none did, and how long that took."""
        now = self._clock()
        if self._closed_until is not None:
            # A refusal is an answer, too: the machine is there again.
            self._pause = min(self._pause * 2, _LONGEST) if seconds >= SLOW else _FIRST
            self._closed_until = now + self._pause
            return
        if seconds < SLOW:
            return
        if now - self._since > _WITHIN:
            self._failures, self._since = 0, now
        self._failures += 1
        if self._failures >= _FAILURES:
            self._closed_until = now + self._pause
