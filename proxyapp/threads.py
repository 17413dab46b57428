"""Real threads, also under gevent, for work that would hold up every request.

gunicorn's gevent worker replaces ``threading`` by greenlets, so a database that waits
for a lock would stop the whole process. What runs on a thread from here must stay away
from greenlets: no logging, no lock but ``real_lock``, no ``time.sleep``.
"""

import atexit
from collections.abc import Callable
from typing import Any

from gevent import monkey


def real_lock() -> Any:
    """Make a lock between real threads; hold it for microseconds only."""
    return monkey.get_original("_thread", "allocate_lock")()


class Background:
    """One call, made again and again on a thread of its own, and once more at the end.

    Nothing happens before ``start``. The end of the process stops it in good order.
    The call must raise nothing.
    """

    def __init__(self, call: Callable[[], None], interval: float) -> None:
        self._call = call
        self._interval = interval
        self._guard = real_lock()
        self._halt = real_lock()
        self._ended = real_lock()
        self.running = False

    def start(self) -> None:
        """Begin, if it has not begun; never before the worker process was forked."""
        with self._guard:
            if self.running:
                return
            self.running = True
            self._halt.acquire()
            self._ended.acquire()
            atexit.register(self.stop)
            monkey.get_original("_thread", "start_new_thread")(self._run, ())

    def _run(self) -> None:
        try:
            while True:
                self._call()
                # A real lock is the only wait with a limit that is not a greenlet's.
                if self._halt.acquire(True, self._interval):
                    break
            self._call()
        finally:
            self._ended.release()

    def stop(self, seconds: float = 2.0) -> bool:
        """End it after a last call; False if that took longer than ``seconds``."""
        with self._guard:
            if not self.running:
                return True
            self.running = False
            atexit.unregister(self.stop)
            self._halt.release()
        ended = bool(self._ended.acquire(True, seconds))
        if ended:
            self._ended.release()
            self._halt.release()
        return ended
