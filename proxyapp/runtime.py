"""The only place that knows whether the process runs on greenlets or on threads.

gunicorn's gevent worker patches ``socket`` before it loads the application; tests and
``flask run`` use ordinary threads. Both get the same three things here: a task beside
the request, a wait for bytes that also ticks, and (under gevent) an eye on the client.
"""

import contextlib
import datetime
import random
import select
import socket
import ssl
import threading
import time
import weakref
from collections.abc import Callable
from typing import Any
from typing import ClassVar
from typing import Generic
from typing import Protocol
from typing import TypeVar

import gevent
from gevent import monkey
from gevent.socket import socket as GeventSocket

T = TypeVar("T")


class ClientGone(gevent.GreenletExit):  # type: ignore[misc]
    """The client closed its connection.

    Not an Exception, which somebody on the way might take for a failure; and of the
    one kind that gunicorn's gevent worker passes over without a log line.
    """


class Readiness(Protocol):
    """A wait for a socket's bytes."""

    def receive(self, size: int) -> bytes | None:
        """Return what has arrived, ``b""`` at the end, or None after a tick."""

    def close(self) -> None:
        """Give up the socket."""


def cooperative() -> bool:
    """Tell whether blocking calls switch greenlets here."""
    return bool(monkey.is_module_patched("socket"))


def readiness(sock: socket.socket, tick: float) -> Readiness:
    """Make a wait for ``sock`` that returns at least every other ``tick`` seconds.

    The socket is made non-blocking for as long.
    """
    sock.settimeout(0.0)
    return _HubWait(sock, tick) if cooperative() else _PollWait(sock, tick)


class _Wait:
    """What both waits share: reading what is there."""

    def __init__(self, sock: Any) -> None:
        # Below gevent's socket lies the bare one, whose recv is one call less. Below
        # a TLS socket lies ciphertext; and it may hold decrypted bytes that no poll
        # shows, so it is asked first.
        self._recv = sock._sock.recv if type(sock) is GeventSocket else sock.recv
        self._ask_first = hasattr(sock, "pending")

    def receive(self, size: int) -> bytes | None:
        if self._ask_first:
            data = self._read(size)
            if data is not None:
                return data
        while self._ready():
            data = self._read(size)
            if data is not None:
                return data
        return None

    def _read(self, size: int) -> bytes | None:
        try:
            return self._recv(size)  # type: ignore[no-any-return]
        except (BlockingIOError, ssl.SSLWantReadError):
            return None
        except OSError:
            return b""

    def _ready(self) -> bool:
        raise NotImplementedError


class _PollWait(_Wait):
    def __init__(self, sock: socket.socket, tick: float) -> None:
        super().__init__(sock)
        self._tick = tick * 1000
        self._poll = select.poll()
        self._poll.register(sock, select.POLLIN)

    def _ready(self) -> bool:
        return bool(self._poll.poll(self._tick))

    def close(self) -> None:
        pass


class _HubWait(_Wait):
    """One io watcher and one repeating timer a stream, so a token costs no timer.

    ``receive`` stands here whole: it is on the path of every token.
    """

    def __init__(self, sock: socket.socket, tick: float) -> None:
        super().__init__(sock)
        self._switch_to_hub = gevent.get_hub().switch
        self._waiting: Any = None
        self._silent = True
        loop = gevent.get_hub().loop
        self._io = loop.io(sock.fileno(), 1)
        # All streams tick at the same moments, so that a worker wakes for them once.
        self._timer = loop.timer(tick - loop.now() % tick, tick)
        self._timer.start(self._on_tick)

    def _on_tick(self) -> None:
        if self._silent and self._waiting is not None:
            self._waiting.switch(False)
        self._silent = True

    def receive(self, size: int) -> bytes | None:
        if self._ask_first:
            data = self._read(size)
            if data is not None:
                return data
        greenlet = gevent.getcurrent()
        while True:
            self._io.start(greenlet.switch, True)
            self._waiting = greenlet
            try:
                ready = self._switch_to_hub()
            finally:
                self._waiting = None
                self._io.stop()
            if not ready:
                return None
            self._silent = False
            try:
                return self._recv(size)  # type: ignore[no-any-return]
            except (BlockingIOError, ssl.SSLWantReadError):
                continue
            except OSError:
                return b""

    def close(self) -> None:
        for watcher in (self._io, self._timer):
            watcher.stop()
            watcher.close()


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

    # A stopping worker must find every request that still runs, and no request knows
    # its worker; weak, so that one nobody stopped is not kept for ever.
    _watching: ClassVar["weakref.WeakSet[Departure]"] = weakref.WeakSet()

    def __init__(self, sock: Any) -> None:
        self.gone = False
        self._io: Any = None
        self._sock = sock
        if sock is not None and cooperative():
            self._greenlet = gevent.getcurrent()
            self._io = gevent.get_hub().loop.io(sock.fileno(), 1)
            self._io.start(self._readable)
            self._watching.add(self)

    def _readable(self) -> None:
        try:
            peeked = self._sock._sock.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except BlockingIOError:
            return
        except OSError:
            peeked = b""
        self.stop()
        if not peeked:
            self.gone = True
            gevent.kill(self._greenlet, ClientGone())

    def stop(self) -> None:
        """Look no longer."""
        self._watching.discard(self)
        if self._io is not None:
            self._io.stop()
            self._io.close()
            self._io = None

    @classmethod
    def end_all(cls, farewell: Callable[[], Exception]) -> None:
        """Raise an error of its own in every watched request, and only once in each."""
        for departure in list(cls._watching):
            cls._watching.discard(departure)
            gevent.kill(departure._greenlet, farewell())


class Arrival:
    """A request body that is on its way, for at most so many seconds.

    As a context it raises ``late`` when that time is over or when the worker gave up
    on the body; only greenlets can be interrupted.
    """

    _under_way: ClassVar["weakref.WeakSet[Arrival]"] = weakref.WeakSet()

    def __init__(self, sock: Any, seconds: float, late: Exception) -> None:
        self.began = time.monotonic()
        self._sock = sock
        self._late = late
        self._given_up = False
        self._timeout = gevent.Timeout(seconds, late) if cooperative() else None

    def __enter__(self) -> None:
        if self._timeout is not None:
            self._timeout.start()
        if self._sock is not None:
            self._under_way.add(self)

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        self._under_way.discard(self)
        if self._timeout is not None:
            self._timeout.close()
        if self._given_up:
            raise self._late

    @classmethod
    def give_up(cls, count: int, age: float) -> None:
        """End the ``count`` oldest that have taken more than ``age`` seconds."""
        latest = time.monotonic() - age
        old = [arrival for arrival in cls._under_way if arrival.began <= latest]
        for arrival in sorted(old, key=lambda one: one.began)[:count]:
            arrival._given_up = True
            stop_reading(arrival._sock)


def stop_reading(sock: Any) -> None:
    """Let whoever reads from a socket find its end; what is sent still goes out."""
    with contextlib.suppress(OSError):
        # gevent's own shutdown would raise in the reader.
        getattr(sock, "_sock", sock).shutdown(socket.SHUT_RD)


class _Spell:
    """How long one request may have the worker to itself, and since when it has."""

    SECONDS = 0.005
    began: ClassVar[float] = 0.0


def breathe() -> None:
    """Let others run, if nobody has been let for a while.

    For work that a client can make long, between two units of it. Units are to be
    short, and nothing may be half done: others see the same objects.
    """
    if time.monotonic() - _Spell.began > _Spell.SECONDS and cooperative():
        # Not 0: gevent runs fifty such sleeps before it looks at a socket again.
        gevent.sleep(1e-6)
        _Spell.began = time.monotonic()


def new_id() -> str:
    """Make 24 random hex digits: an identity, not a secret, so no system call."""
    return f"{random.getrandbits(96):024x}"


def unix_time() -> int:
    """Give the wall clock's seconds since 1970, for stamps that clients see."""
    return int(datetime.datetime.now(datetime.UTC).timestamp())
