"""The only place that knows whether the process runs on greenlets or on threads.

gunicorn's gevent worker patches ``socket`` before it loads the application; tests and
``flask run`` use ordinary threads. Both get the same three things here: a task beside
the request, a wait for bytes that also ticks, and (under gevent) an eye on the client.
"""

import contextlib
import datetime
import select
import socket
import threading
from collections.abc import Callable
from collections.abc import Iterator
from typing import Any
from typing import Generic
from typing import Protocol
from typing import TypeVar

import gevent
from gevent import monkey

T = TypeVar("T")


class ClientGone(BaseException):
    """The client closed its connection.

    Not an Exception: ``requests`` and ``urllib3`` wrap or retry those.
    """


class Readiness(Protocol):
    """A wait for a socket's bytes."""

    def wait(self) -> bool:
        """Return True when bytes (or the end) can be read, False after a tick."""

    def close(self) -> None:
        """Give up the socket."""


def cooperative() -> bool:
    """Tell whether blocking calls switch greenlets here."""
    return bool(monkey.is_module_patched("socket"))


def readiness(sock: socket.socket, tick: float) -> Readiness:
    """Make a wait for ``sock`` that returns at least every ``tick`` seconds."""
    return _HubWait(sock, tick) if cooperative() else _PollWait(sock, tick)


class _PollWait:
    def __init__(self, sock: socket.socket, tick: float) -> None:
        self._tick = tick * 1000
        self._poll = select.poll()
        self._poll.register(sock, select.POLLIN)

    def wait(self) -> bool:
        return bool(self._poll.poll(self._tick))

    def close(self) -> None:
        pass


class _HubWait:
    """One io watcher and one repeating timer a stream, so a token costs no timer."""

    def __init__(self, sock: socket.socket, tick: float) -> None:
        self._hub = gevent.get_hub()
        self._greenlet = gevent.getcurrent()
        self._io = self._hub.loop.io(sock.fileno(), 1)
        self._timer = self._hub.loop.timer(tick, tick)
        self._waiting = False
        self._timer.start(self._wake, False)

    def _wake(self, ready: bool) -> None:
        if self._waiting:
            self._waiting = False
            self._greenlet.switch(ready)

    def wait(self) -> bool:
        self._greenlet = gevent.getcurrent()
        self._io.start(self._wake, True)
        self._waiting = True
        try:
            return bool(self._hub.switch())
        finally:
            self._waiting = False
            self._io.stop()

    def close(self) -> None:
        self._io.stop()
        self._io.close()
        self._timer.stop()
        self._timer.close()


class Task(Generic[T]):
    """One call that runs beside the request that needs its result."""

    def __init__(self, call: Callable[[], T], discard: Callable[[T], None]) -> None:
        self._call = call
        self._discard = discard
        self._done = threading.Event()
        self._cancelled = False
        self._result: T | None = None
        self._error: BaseException | None = None
        self._greenlet: Any = None
        if cooperative():
            self._greenlet = gevent.spawn(self._run)
        else:
            threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        try:
            self._result = self._call()
        except BaseException as error:  # noqa: BLE001 - the waiter re-raises it
            self._error = error
        self._done.set()
        if self._cancelled and self._result is not None:
            self._discard(self._result)

    def wait(self, seconds: float) -> bool:
        """Wait for the end of the call; False when the time is over first."""
        return self._done.wait(seconds)

    def result(self) -> T:
        """Give the finished call's value, or raise what it raised."""
        if self._error is not None:
            raise self._error
        return self._result  # type: ignore[return-value]

    def cancel(self) -> None:
        """Stop the call, or have its result discarded when it comes."""
        self._cancelled = True
        if self._greenlet is not None:
            self._greenlet.kill(block=False)


class Departure:
    """An eye on one client's socket: when it closes, its request ends at once.

    It must start after the request body is read and before the upstream is asked, or
    a silent prefill hides the departure (measured: the upstream then runs to its end).
    Only gunicorn's gevent worker hands out the socket; elsewhere this does nothing.
    """

    def __init__(self, sock: Any) -> None:
        self._io: Any = None
        self._sock = sock
        if sock is not None and cooperative():
            self._greenlet = gevent.getcurrent()
            self._io = gevent.get_hub().loop.io(sock.fileno(), 1)
            self._io.start(self._readable)

    def _readable(self) -> None:
        try:
            peeked = self._sock._sock.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except BlockingIOError:
            return
        except OSError:
            peeked = b""
        self.stop()
        if not peeked:
            gevent.kill(self._greenlet, ClientGone())

    def stop(self) -> None:
        """Look no longer."""
        if self._io is not None:
            self._io.stop()
            self._io.close()
            self._io = None


@contextlib.contextmanager
def deadline(seconds: float, error: Exception) -> Iterator[None]:
    """Raise ``error`` inside the block after ``seconds``; only greenlets can."""
    if not cooperative():
        yield
        return
    with gevent.Timeout(seconds, error):
        yield


def unix_time() -> int:
    """Give the wall clock's seconds since 1970, for stamps that clients see."""
    return int(datetime.datetime.now(datetime.UTC).timestamp())
