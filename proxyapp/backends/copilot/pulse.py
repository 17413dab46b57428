"""Whether the Node process still lives, felt while a call is silent."""

import contextlib
import time
from pathlib import Path
from typing import Final

from proxyapp.backends.copilot.process import kill
from proxyapp.backends.copilot.process import NodeProcess
from proxyapp.backends.copilot.rpc import ask
from proxyapp.backends.copilot.rpc import Connection
from proxyapp.backends.copilot.rpc import ConnectionLost
from proxyapp.backends.copilot.rpc import RpcError
from proxyapp.backends.copilot.rpc import TICK

_EVERY: Final = 0.5
_BUSY_FOR: Final = 5.0
"""Seconds: one that computes, or waits for a disk or a core, is given so long."""
_STOPPED: Final = frozenset("Tt")
_WORKING: Final = frozenset("RD")


class Pulse:
    """Ask the process whether it is there, and end one that is not.

    Every silent call looks after it; one question every half second serves them all.
    A process that is stopped, or sleeps on a question, will not answer the next one
    either: it is killed, its calls end at once, and the next call starts another.
    """

    def __init__(self, process: NodeProcess) -> None:
        self._process = process
        self._asked = 0.0
        self._silent_since: float | None = None

    def feel(self) -> None:
        """Ask, unless somebody just did."""
        now = time.monotonic()
        if now - self._asked < _EVERY:
            return
        self._asked = now
        connection = self._process.reach()
        if connection is None:
            return
        try:
            self._judge(connection, answers=_answers(connection))
        finally:
            connection.close()

    def _judge(self, connection: Connection, *, answers: bool) -> None:
        if answers:
            self._silent_since = None
            return
        silent = time.monotonic() - (self._silent_since or self._asked)
        state = _state(connection.pid)
        again = self._silent_since is not None
        asleep = again and bool(state) and state not in _WORKING
        self._silent_since = self._silent_since or self._asked
        if state in _STOPPED or asleep or silent > _BUSY_FOR:
            self._silent_since = None
            kill(connection)


def _answers(connection: Connection) -> bool:
    with contextlib.suppress(RpcError, ConnectionLost, TimeoutError):
        ask(connection, "ping", {}, TICK)
        return True
    return False


def _state(pid: int) -> str:
    """Give a process's state as Linux tells it; empty where nothing tells."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text("ascii", "replace")
    except OSError:
        return ""
    return stat.rpartition(")")[2].split()[0]
