"""A watch on the worker's loop: what holds it up holds up every stream at once."""

import sys
import time
from pathlib import PurePath
from types import FrameType
from typing import Any

import gevent
from gevent import monkey

from proxyapp.observe.log import log_trouble

_TICK = 0.05
_STALL = 0.1
"""Seconds of delay that are told of."""

_LOOK = 0.25
"""Seconds without a tick after which the thread looks what runs."""

_FRAMES = 6


class StallWatch:
    """Measure how late the loop's ticks are, and say what ran when they were late.

    The loop cannot see what it is busy with, so a thread of the system's own, which
    gevent does not know of, looks from outside. ``longest`` is in seconds.
    """

    def __init__(self) -> None:
        self.longest = 0.0
        self._ticked = time.monotonic()
        self._spent = time.process_time()
        self._seen = ""
        self._timer: Any = None

    def start(self) -> None:
        """Watch the loop of the calling thread for as long as the process lives."""
        self._timer = gevent.get_hub().loop.timer(_TICK, _TICK)
        self._timer.start(self.tick)
        watched = monkey.get_original("_thread", "get_ident")()
        sleep = monkey.get_original("time", "sleep")
        start = monkey.get_original("_thread", "start_new_thread")
        start(self._look_again_and_again, (watched, sleep))

    def tick(self) -> None:
        """Take the time since the last tick."""
        now, spent = time.monotonic(), time.process_time()
        late = now - self._ticked - _TICK
        if late > _STALL:
            self.longest = max(self.longest, late)
            # Much less busy than late: the machine, not the gateway, was slow.
            busy = round((spent - self._spent) * 1000)
            told = {"ms": round(late * 1000), "busy_ms": busy}
            where = {"at": self._seen} if self._seen else {}
            log_trouble("the worker stood still", **told, **where)
        self._ticked, self._spent, self._seen = now, spent, ""

    def _look_again_and_again(self, watched: int, sleep: Any) -> None:
        while True:
            sleep(_LOOK / 2)
            if time.monotonic() - self._ticked > _LOOK and not self._seen:
                self._seen = whereabouts(sys._current_frames().get(watched))


def whereabouts(frame: FrameType | None) -> str:
    """Name the innermost functions of a stack, without a value of any of them."""
    told: list[str] = []
    while frame is not None and len(told) < _FRAMES:
        code = frame.f_code
        name = PurePath(code.co_filename).name
        told.append(f"{name}:{frame.f_lineno}:{code.co_name}")
        frame = frame.f_back
    return " < ".join(told)
