"""Connections to one upstream: made by urllib3, kept and written to by us.

What a request costs is mostly what happens around its bytes: urllib3's ``urlopen``,
``http.client``'s header by header sending and the ``email`` package's parsing of the
reply's head are most of a millisecond (docs/bench.md). Here a request is one write.
"""

import socket
import weakref
from collections import deque
from collections.abc import Mapping
from typing import Any

from urllib3 import HTTPConnectionPool
from urllib3 import HTTPSConnectionPool
from urllib3.util import Timeout
from urllib3.util.connection import is_connection_dropped


class SentRequest:
    """A request that went out, and the connection its reply will come on."""

    def __init__(self, pool: "_Sending", connection: Any, reused: bool) -> None:
        self.sock = connection.sock
        self.reused = reused
        self._pool = pool
        self._connection = connection

    def keep(self) -> None:
        """Let the connection serve again."""
        self._pool.idle.append(self._connection)

    def drop(self) -> None:
        """Close the connection."""
        self._connection.close()


class _Sending:
    """A pool whose ``urlopen`` writes the request and leaves the reply to come.

    The newest connection serves first, so that the others can grow old and go: a
    llama-server closes idle ones after five seconds.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.idle: deque[Any] = deque()
        # As urllib3 does for its own: the sockets go when the pool does.
        weakref.finalize(self, _close_all, self.idle)

    def urlopen(
        self,
        method: str,
        url: str,
        body: bytes | None,
        headers: Mapping[str, str],
        timeout: Timeout,
        **_: Any,
    ) -> SentRequest:
        """Send a request whole; ``timeout`` holds for connecting and for each write."""
        connection = self._living()
        reused = connection is not None
        if connection is None:
            connection = self._new_conn()  # type: ignore[attr-defined]
        try:
            if not reused:
                connection.timeout = timeout.connect_timeout
                connection.connect()
            _write(connection.sock, _request(method, url, headers, body), timeout)
        except BaseException:
            connection.close()
            raise
        return SentRequest(self, connection, reused)

    def drop_idle(self) -> None:
        """Close the connections that wait to serve again."""
        _close_all(self.idle)

    def _living(self) -> Any:
        while self.idle:
            connection = self.idle.pop()
            if not _dropped(connection):
                return connection
            connection.close()
        return None


class PlainPool(_Sending, HTTPConnectionPool):  # type: ignore[misc]
    """Connections over TCP."""


class TlsPool(_Sending, HTTPSConnectionPool):  # type: ignore[misc]
    """Connections over TLS; urllib3 checks the certificate as it connects."""


def _close_all(connections: deque[Any]) -> None:
    while connections:
        connections.pop().close()


def _dropped(connection: Any) -> bool:
    """Tell whether the other side has closed a connection meanwhile."""
    sock = connection.sock
    if sock is None or hasattr(sock, "pending"):
        return is_connection_dropped(connection)
    sock.settimeout(0.0)
    try:
        sock.recv(1, socket.MSG_PEEK)
    except BlockingIOError:
        return False
    except OSError:
        return True
    # Either its end, or bytes that nobody asked for.
    return True


def _request(
    method: str, url: str, headers: Mapping[str, str], body: bytes | None
) -> bytes:
    fields = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
    return f"{method} {url} HTTP/1.1\r\n{fields}\r\n".encode("latin-1") + (body or b"")


def _write(sock: Any, data: bytes, timeout: Timeout) -> None:
    """Write in one go; gevent's ``sendall`` asks the kernel a question each time."""
    sock.settimeout(timeout.read_timeout)
    sent = sock.send(data)
    if sent < len(data):
        sock.sendall(memoryview(data)[sent:])
