"""The connections of one worker that wait for a request."""

import time
from typing import Any

from proxyapp.runtime import stop_reading


class Waiting:
    """Sockets on which no request is being served, and since when.

    A connection waits from its first moment, through its request's head, and again
    after each reply. Ending the wait of one costs its client nothing but a new
    connection.
    """

    def __init__(self) -> None:
        # A dict keeps the order: who waits longest comes first.
        self._since: dict[Any, float] = {}

    def __len__(self) -> int:
        return len(self._since)

    def add(self, sock: Any) -> None:
        """Say that a connection waits from now on."""
        self._since[sock] = time.monotonic()

    def discard(self, sock: Any) -> None:
        """Say that a connection is served, or gone."""
        self._since.pop(sock, None)

    def end(self, age: float, count: int | None = None) -> int:
        """Close the ``count`` oldest, or all, that wait longer than ``age`` seconds.

        Return how many that were.
        """
        latest = time.monotonic() - age
        old = [sock for sock, since in self._since.items() if since <= latest]
        chosen = old[:count]
        for sock in chosen:
            self.discard(sock)
            stop_reading(sock)
        return len(chosen)
