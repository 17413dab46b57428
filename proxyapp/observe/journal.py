"""What is told of a request when it is over: a line in the log, a row in the ledger."""

import time

from proxyapp.neutral.record import ANYONE
from proxyapp.neutral.record import Record
from proxyapp.observe.clock import wall_clock
from proxyapp.observe.entry import entry_of
from proxyapp.observe.ledger import Ledger
from proxyapp.observe.log import log_request


class Journal:
    """Where finished requests are told of."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def close(
        self, record: Record, method: str, path: str, status: int, client: str
    ) -> None:
        """Tell of a request; only what was let in and generates is kept."""
        now = time.monotonic()
        milliseconds = round((now - record.started) * 1000)
        log_request(method, path, status, milliseconds, client)
        if record.dialect and record.caller is not ANYONE:
            self._ledger.add(entry_of(record, status, client, wall_clock(), now))
