"""The only place that knows whether the process runs on greenlets or on threads.

gunicorn's gevent worker patches ``socket`` before it loads the application; tests and
``flask run`` use ordinary threads. Both get the same three things here: a task beside
the request, a wait for bytes that also ticks, and (under gevent) an eye on the client.
"""

import contextlib
import datetime
import gc
import random
import resource
import select
import socket
import ssl
import threading
import weakref
from collections.abc import Callable
from collections.abc import Iterator
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


@contextlib.contextmanager
def deadline(seconds: float, error: Exception) -> Iterator[None]:
    """Raise ``error`` inside the block after ``seconds``; only greenlets can."""
    if not cooperative():
        yield
        return
    with gevent.Timeout(seconds, error):
        yield


def new_id() -> str:
    """Make 24 random hex digits: an identity, not a secret, so no system call."""
    return f"{random.getrandbits(96):024x}"


def unix_time() -> int:
    """Give the wall clock's seconds since 1970, for stamps that clients see."""
    return int(datetime.datetime.now(datetime.UTC).timestamp())


_SMALL = 1 << 16
_DESCRIPTORS = 1 << 16
_LAST_WORDS = 2.5


def tune_worker(worker: Any, farewell: Callable[[], Exception]) -> None:
    """Prepare a new gunicorn worker; its post_worker_init hook calls this once.

    ``farewell`` makes the error that ends a reply which outlives the worker.
    """
    gc.collect()
    # What is loaded by now lives as long as the process: looking through it again
    # and again costs a stream more than it could ever free.
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
    _raise_descriptor_limit()
    if cooperative():
        replace_body_writer()
        gevent.spawn(_end_streams_in_time, worker, farewell)


def _raise_descriptor_limit() -> None:
    """Take what the system allows: a stream needs two, and 1024 is a usual start."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, _DESCRIPTORS)
    if wanted > soft != resource.RLIM_INFINITY:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _end_streams_in_time(worker: Any, farewell: Callable[[], Exception]) -> None:
    """Let a stopping worker's long replies end in words, before they are cut.

    gunicorn cuts what still runs after ``graceful_timeout``, counted from the signal
    and looked at once a second. It goes on accepting for up to a second, so what
    arrives late is told as well.
    """
    while worker.alive:
        gevent.sleep(0.5)
    gevent.sleep(max(0.0, worker.cfg.graceful_timeout - _LAST_WORDS))
    while True:
        Departure.end_all(farewell)
        gevent.sleep(0.25)


def send_body(response: Any, data: bytes) -> None:
    """Send one piece of a body with one system call.

    Stands in for the method of gunicorn's Response that frames a piece. That one goes
    through gevent's ``sendall``, which asks the kernel for the size of its buffer each
    time; for a piece the size of a token that is a tenth of the whole cost.
    """
    piece = b"%X\r\n%b\r\n" % (len(data), data) if response.chunked else data
    sock = response.sock
    # Exactly this class: below a TLS socket lies the bare one.
    if type(sock) is GeventSocket and len(piece) < _SMALL:
        # No contextlib.suppress here: it would cost more than the framing.
        try:  # noqa: SIM105
            piece = piece[sock._sock.send(piece) :]
        except BlockingIOError:
            pass
    if piece:
        sock.sendall(piece)


def replace_body_writer() -> bool:
    """Put ``send_body`` into gunicorn, if its insides are those that are known."""
    from gunicorn.http.wsgi import Response

    code = getattr(getattr(Response, "_emit_body", None), "__code__", None)
    names = (code.co_varnames, set(code.co_names)) if code else ()
    known = (("self", "data"), {"util", "write", "sock", "chunked"})
    if names == known:
        Response._emit_body = send_body
    return names == known
