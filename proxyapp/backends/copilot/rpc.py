"""JSON-RPC 2.0 with the Node process: one JSON object a line, over a Unix socket.

A connection carries one call, so closing it cancels that call and nothing else. What
the other side may say is written down in ``helper/README.md``.
"""

import socket
import struct
from collections.abc import Iterator
from typing import Any

from proxyapp.runtime import Readiness
from proxyapp.runtime import readiness
from proxyapp.wire import jsons
from proxyapp.wire.lines import LineSplitter

TICK = 0.25
"""Seconds between two looks at the clock while nothing arrives."""

_PORTION = 1 << 18
_LINE = 32 << 20
"""Bytes: a call's arguments come whole in one line, and may hold a file."""
_SENDING = 30.0
_CREDENTIALS = struct.Struct("3i")


class RpcError(Exception):
    """The other side refused a call, or a call failed: its code, words and data."""

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(str(error.get("message", "unknown failure")))
        self.code = error.get("code")
        data = error.get("data")
        self.data: dict[str, Any] = data if isinstance(data, dict) else {}


class ConnectionLost(Exception):
    """The connection ended, or what came over it was no message."""


class Connection:
    """One connection; what was sent on it is answered in messages."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._lines = LineSplitter(_LINE)
        self._wait: Readiness | None = None

    @property
    def pid(self) -> int:
        """The process at the other end, as the kernel knows it."""
        size = _CREDENTIALS.size
        raw = self._sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size)
        return int(_CREDENTIALS.unpack(raw)[0])

    def send(self, method: str, params: dict[str, Any]) -> None:
        """Ask for something; call this before the first ``messages``.

        Raises ConnectionLost.
        """
        call = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        try:
            self._sock.settimeout(_SENDING)
            self._sock.sendall(jsons.dumps(call) + b"\n")
        except OSError as error:
            raise ConnectionLost(str(error)) from None

    def messages(self) -> Iterator[list[dict[str, Any]]]:
        """Yield messages that arrived together, and none for every tick of silence.

        Raises ConnectionLost at the connection's end, which is never a reply's.
        """
        wait = self._wait = self._wait or readiness(self._sock, TICK)
        while (data := wait.receive(_PORTION)) != b"":
            yield self._read(data) if data else []
        raise ConnectionLost("it closed the connection")

    def _read(self, data: bytes) -> list[dict[str, Any]]:
        try:
            messages = [jsons.loads(line) for line in self._lines.feed(data)]
        except ValueError as error:
            raise ConnectionLost(f"it sent what is no JSON: {error}") from None
        if not all(isinstance(message, dict) for message in messages):
            raise ConnectionLost("it sent what is no message")
        return messages

    def close(self) -> None:
        """Close the connection, which cancels what runs on it."""
        if self._wait is not None:
            self._wait.close()
        self._sock.close()


def ask(
    connection: Connection, method: str, params: dict[str, Any], seconds: float
) -> Any:
    """Call a method that answers once; give its result.

    Raises RpcError, ConnectionLost, and TimeoutError after ``seconds`` of silence.
    """
    connection.send(method, params)
    ticks = 0.0
    for messages in connection.messages():
        for message in messages:
            if message.get("id") == 1:
                return result_of(message)
        ticks += TICK if not messages else 0.0
        if ticks >= seconds:
            break
    raise TimeoutError(f"{method} was not answered within {seconds:g} s")


def result_of(message: dict[str, Any]) -> Any:
    """Give a response's result; raise RpcError if it is an error."""
    error = message.get("error")
    if isinstance(error, dict):
        raise RpcError(error)
    return message.get("result")
