"""A scripted server on a real socket: its lifetime, its connections, its queue.

It runs in plain threads on 127.0.0.1 and closes everything when the ``with`` block
ends. What it serves is up to the class that inherits from it.
"""

from __future__ import annotations

import socket
import threading
from types import TracebackType
from typing import Any
from typing import Self

from tests.fakes.answers import Answer
from tests.fakes.answers import Request
from tests.fakes.connection import Connection
from tests.fakes.connection import Head
from tests.fakes.connection import PeerGone


class Service:
    """A server; ``requests`` are those it received, ``errors`` its own failures.

    ``busy`` is how many requests are being answered now.
    """

    def __init__(self) -> None:
        self.requests: list[Any] = []
        self.errors: list[BaseException] = []
        self.connections = 0
        self.busy = 0
        self.port = 0
        self._answers: dict[Any, list[list[Any]]] = {}
        self._live: dict[int, Connection] = {}
        self._threads: list[threading.Thread] = []
        self._lock = threading.RLock()
        self._listener: socket.socket | None = None

    # ------------------------------------------------------------ lifetime

    def __enter__(self) -> Self:
        self.accept()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.refuse()
        for thread in self._threads:
            thread.join(5)
        if kind is None and self.errors:
            raise self.errors[0]

    @property
    def url(self) -> str:
        """The base URL."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def active(self) -> int:
        """How many connections are open now."""
        with self._lock:
            return len(self._live)

    def accept(self) -> None:
        """Listen; after ``refuse`` on the same port again."""
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self.port))
        listener.listen(256)
        self.port = listener.getsockname()[1]
        self._listener = listener
        self._start(self._accept_all, listener)

    def refuse(self) -> None:
        """Go down: refuse connections and drop the open ones."""
        listener, self._listener = self._listener, None
        if listener is None:
            return
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        with self._lock:
            live = list(self._live.values())
        for connection in live:
            connection.interrupt()

    def _start(self, target: Any, *arguments: Any) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    # ------------------------------------------------------------- answers

    def _enqueue(self, key: Any, answer: Any) -> None:
        """Queue an answer under a key."""
        with self._lock:
            self._answers.setdefault(key, []).append([answer, 0])

    def _queued(self, key: Any) -> Any:
        """Take the next answer of a key; each is used once, the last one repeats."""
        with self._lock:
            queue = self._answers.get(key, [])
            if len(queue) > 1 and queue[0][1]:
                queue.pop(0)
            if not queue:
                return None
            queue[0][1] += 1
            return queue[0][0]

    def reset(self) -> None:
        """Forget queued answers and recorded requests."""
        with self._lock:
            self._answers.clear()
            self.requests.clear()

    def forget(self) -> None:
        """Forget recorded requests and threads that have ended, not the answers."""
        with self._lock:
            self.requests.clear()
            self._threads[:] = [one for one in self._threads if one.is_alive()]

    # ------------------------------------------------------------- serving

    def _accept_all(self, listener: socket.socket) -> None:
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            with self._lock:
                self.connections += 1
                number = self.connections
                connection = Connection(sock)
                self._live[number] = connection
            if self._listener is not listener:
                connection.interrupt()
            self._start(self._serve, connection, number)

    def _serve(self, connection: Connection, number: int) -> None:
        last: Request | None = None
        count = 0
        try:
            while connection.open and self._listener is not None:
                head = connection.read_request()
                if head is None:
                    break
                count += 1
                last = self._received(head)
                last.number, last.connection = count, number
                with self._lock:
                    self.requests.append(last)
                self._answer(connection, last)
                last.completed.set()
        except PeerGone:
            pass
        except Exception as error:  # noqa: BLE001 (a broken script must fail the test)
            self.errors.append(error)
        finally:
            # What this side closed is not the peer's leaving.
            if last is not None and connection.open:
                last.mark_closed()
            connection.close()
            with self._lock:
                del self._live[number]

    def _answer(self, connection: Connection, request: Request) -> None:
        with self._lock:
            self.busy += 1
        try:
            self._choose(request).send(connection, request)
        finally:
            with self._lock:
                self.busy -= 1

    def _received(self, head: Head) -> Request:
        """Give the record of a request that has just arrived."""
        path, _, query = head.target.partition("?")
        return Request(head.method, path, query, head.headers, head.body)

    def _choose(self, request: Any) -> Answer:
        """Pick the answer to a request."""
        raise NotImplementedError
