"""The worker that gunicorn runs: its gevent worker, with a better beginning and end.

What is different, and why (each measured):

* an idle keep-alive connection would hold up the stop for the whole graceful timeout;
* a reply that outlives that timeout would be cut without a word;
* SIGINT would cut every reply at once;
* clients that send slowly could fill every seat, and nobody else would be served;
* descriptors that run out would fill the log with traces.
"""

import errno
import time
from typing import Any

import gevent
from gevent.pool import Pool
from gevent.server import StreamServer
from gunicorn.workers.base_async import AsyncWorker
from gunicorn.workers.ggevent import GeventWorker

from proxyapp.errors import ShuttingDown
from proxyapp.observe.log import log_trouble
from proxyapp.runtime import Arrival
from proxyapp.runtime import Departure
from proxyapp.worker.connections import Waiting
from proxyapp.worker.linger import linger
from proxyapp.worker.stalls import StallWatch

_TICK = 0.25
_LAST_WORDS = 1.5
"""Seconds before its end that a stopping worker ends what still runs, in words."""

_SETTLED = 0.5
"""Seconds that anybody may wait or send, however crowded it is."""

_RESERVE = 64
_NONE_LEFT = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}


class Server(StreamServer):  # type: ignore[misc]
    """A listener that waits a moment when the system has no descriptor left."""

    def __init__(self, worker: "GatewayWorker", *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._worker = worker

    def do_read(self) -> Any:
        """Accept one connection; None when there is none to be had."""
        try:
            return super().do_read()
        except OSError as error:
            if error.errno not in _NONE_LEFT:
                raise
        self._worker.exhausted()
        self.stop_accepting()
        self._timer = self.loop.timer(_TICK)
        self._timer.start(self._start_accepting_if_started)
        return None


class GatewayWorker(GeventWorker):  # type: ignore[misc]
    """One worker process."""

    alive: bool
    # Set when the application is there: see tuning.
    patience = 60.0
    stalls: StallWatch | None = None

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.waiting = Waiting()
        self._hurried = False
        self._asked_to_stop = 0.0
        self._told_of_exhaustion = float("-inf")

    # ------------------------------------------------------------------- serving

    def run(self) -> None:
        """Serve until a signal says otherwise, then end in good order."""
        pool = Pool(self.worker_connections)
        servers = [self._listen(listener, pool) for listener in self.sockets]
        while self.alive:
            self.notify()
            self._make_room(pool)
            gevent.sleep(_TICK)
        for server in servers:
            server.close()
        self._drain(pool)

    def _listen(self, listener: Any, pool: Pool) -> Server:
        listener.setblocking(1)

        def serve(client: Any, address: Any) -> None:
            self.handle(listener, client, address)

        server = Server(self, listener, handle=serve, spawn=pool)
        if self.cfg.workers > 1:
            # Leave some for the others.
            server.max_accept = 1
        server.start()
        return server

    def handle(self, listener: Any, client: Any, addr: Any) -> None:
        """Serve one connection to its end."""
        # For reads there are shorter limits; this one is for writes.
        client.settimeout(self.patience)
        self.waiting.add(client)
        try:
            AsyncWorker.handle(self, listener, client, addr)
        finally:
            self.waiting.discard(client)

    def handle_request(self, listener_name: Any, req: Any, sock: Any, addr: Any) -> Any:
        """Serve one request; StopIteration ends its connection."""
        self.waiting.discard(sock)
        try:
            return super().handle_request(listener_name, req, sock, addr)
        except TimeoutError:
            raise StopIteration from None
        finally:
            self.waiting.add(sock)
            if req.must_close:
                linger(sock)

    def _make_room(self, pool: Pool) -> None:
        """Keep a few seats free, at the expense of those who use theirs least."""
        reserve = max(1, min(_RESERVE, self.worker_connections // 10))
        lacking = reserve - pool.free_count()
        if lacking > 0:
            lacking -= self.waiting.end(_SETTLED, lacking)
        if lacking > 0:
            Arrival.give_up(lacking, _SETTLED)

    def exhausted(self) -> None:
        """Give descriptors back where that costs least, and say so now and then."""
        closed = self.waiting.end(_SETTLED)
        now = time.monotonic()
        if now - self._told_of_exhaustion >= 1.0:
            self._told_of_exhaustion = now
            log_trouble("no file descriptor is left; see ulimit -n", closed=closed)

    # ------------------------------------------------------------------ stopping

    def handle_exit(self, sig: int, frame: Any) -> None:
        """Stop when running replies have ended (SIGTERM)."""
        now = time.monotonic()
        # A terminal's Ctrl-C reaches a worker twice: from it and from the parent.
        self._hurried = not self.alive and now - self._asked_to_stop > _SETTLED
        self._asked_to_stop = self._asked_to_stop or now
        self.alive = False

    def handle_quit(self, sig: int, frame: Any) -> None:
        """Stop in the same way (SIGINT, SIGQUIT); who asks twice is in a hurry."""
        self.handle_exit(sig, frame)

    def _drain(self, pool: Pool) -> None:
        until = time.monotonic() + self.cfg.graceful_timeout
        while len(pool) and time.monotonic() < until:
            self.notify()
            self.waiting.end(_TICK)
            # Again and again: something may arrive late, but each is told once.
            if self._hurried or time.monotonic() >= until - _LAST_WORDS:
                Arrival.give_up(len(pool), 0.0)
                Departure.end_all(_farewell)
            gevent.sleep(_TICK / 5)
        if len(pool):
            self.log.warning("Worker graceful timeout (pid:%s)", self.pid)
            pool.kill(block=True, timeout=1)


def _farewell() -> ShuttingDown:
    return ShuttingDown("The gateway is stopping; ask again in a moment.")
