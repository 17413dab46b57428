"""The ledger: every request that generates, written down when it is over.

Requests never wait for it. They add to a queue in memory, and a real thread writes the
queue into a database that all workers share, and reads what the others wrote. When that
cannot be done (a full disk, a lock, a broken file) requests are served all the same,
and the totals are those of this worker alone until it can.
"""

import sqlite3
import time
from collections import deque
from pathlib import Path
from typing import Final

from proxyapp.observe.clock import day_around
from proxyapp.observe.clock import wall_clock
from proxyapp.observe.database import Database
from proxyapp.observe.database import is_damage
from proxyapp.observe.database import NewerHistory
from proxyapp.observe.entry import Entry
from proxyapp.observe.log import log_aside
from proxyapp.observe.totals import Totals
from proxyapp.runtime import new_id
from proxyapp.threads import Background

_WAITING: Final = 10_000
"""Entries kept in memory while they cannot be written; then the oldest is dropped."""

_AT_ONCE: Final = 500
_INTERVAL: Final = 0.5
_REFRESH: Final = 1.0
_PRUNE_EVERY: Final = 3600.0
_DAY: Final = 86400.0


class Ledger:
    """Requests as they end, and running totals of them.

    Without a directory, or with ``keep_days`` 0, nothing is written and the totals are
    those of this worker. No thread runs and no file is touched before the first entry
    or question.
    """

    def __init__(
        self,
        directory: str = "",
        keep_days: int = 90,
        *,
        interval: float = _INTERVAL,
        retry_after: float = 5.0,
    ) -> None:
        self.trouble = ""
        self.lost = 0
        self._queue: deque[Entry] = deque(maxlen=_WAITING)
        self._unwritten: list[Entry] = []
        self._own = Totals()
        self._others = Totals()
        self._database: Database | None = None
        if directory and keep_days:
            self._database = Database(Path(directory), new_id()[:12])
        self._keep = keep_days * _DAY
        self._retry_after = retry_after
        self._due: dict[str, float] = {}
        self._thread = Background(self._turn, interval)

    @property
    def path(self) -> Path | None:
        """The history's file, if there is one."""
        return self._database.path if self._database else None

    def begin(self, key: str) -> None:
        """Count a request of a key's last minute as it goes to a backend."""
        if key:
            self._own.count(key, 1, 0, 0.0)

    def add(self, entry: Entry) -> None:
        """Take the entry of a request that is over."""
        if entry.key or entry.premium:
            self._own.count(entry.key, 0, entry.input + entry.output, entry.premium)
        if self._database is None:
            return
        if len(self._queue) == _WAITING:
            self.lost += 1
        self._queue.append(entry)
        self._thread.start()

    def premium_today(self) -> float:
        """Give the premium requests charged today, by all workers."""
        self._ask()
        return self._own.premium_today() + self._others.premium_today()

    def tokens_today(self, key: str) -> int:
        """Give the tokens a key read and wrote today, at all workers."""
        self._ask()
        return self._own.tokens_today(key) + self._others.tokens_today(key)

    def requests_last_minute(self, key: str) -> int:
        """Give a key's requests of the last 60 seconds.

        This worker's count from their beginning, those of other workers from their
        end.
        """
        self._ask()
        return self._own.last_minute(key)[0] + self._others.last_minute(key)[0]

    def tokens_last_minute(self, key: str) -> int:
        """Give the tokens of a key's requests that ended in the last 60 seconds."""
        self._ask()
        return self._own.last_minute(key)[1] + self._others.last_minute(key)[1]

    def frees_in(self, key: str, requests: int = 0, tokens: int = 0) -> int:
        """Give the seconds until a key's last minute holds less than this of each.

        0 asks nothing of one; where it holds less already, there is no wait.
        """
        leaving = sorted(self._own.leaving(key) + self._others.leaving(key))
        asked = sum(each.requests for each in leaving)
        used = sum(each.tokens for each in leaving)
        wait = 0
        for each in leaving:
            if not (0 < requests <= asked or 0 < tokens <= used):
                break
            wait = each.seconds
            asked -= each.requests
            used -= each.tokens
        return wait

    def close(self) -> bool:
        """Write what waits and stop; False if that took too long."""
        return self._thread.stop()

    def _ask(self) -> None:
        if self._database is not None:
            self._thread.start()

    def _turn(self) -> None:
        """Write, read and prune what is due; the thread's call."""
        database = self._database
        if database is None or not (self._is_due("retry") or self._stops()):
            return
        try:
            self._work(database)
        except NewerHistory as error:
            self._in_trouble(database, str(error))
        except sqlite3.Error as error:
            if is_damage(error):
                self._replace(database, error)
            else:
                self._in_trouble(database, str(error))
        except OSError as error:
            self._in_trouble(database, error.strerror or str(error))
        except Exception as error:  # noqa: BLE001 - a background writer must live on
            self._in_trouble(database, repr(error))

    def _work(self, database: Database) -> None:
        if not database.is_open:
            aside = database.open()
            if aside is not None:
                self._tell_replaced(aside)
        self._write(database)
        if self.trouble:
            self.trouble = ""
            log_aside("INFO", "history is kept again", lost=self.lost)
        if self._stops():
            database.close()
            return
        if self._is_due("refresh", _REFRESH):
            self._read(database)
        if self._is_due("prune", _PRUNE_EVERY) and self._prune(database):
            self._due.pop("prune")

    def _write(self, database: Database) -> None:
        """Write all that waits; what fails is kept and tried again."""
        while True:
            while self._queue and len(self._unwritten) < _AT_ONCE:
                self._unwritten.append(self._queue.popleft())
            if not self._unwritten:
                return
            database.insert(self._unwritten)
            self._unwritten = []

    def _read(self, database: Database) -> None:
        now = wall_clock()
        for news in database.news(day_around(now)[0], now - 60):
            age = max(now - news.second, 0.0)
            self._others.count(news.key, news.requests, news.tokens, news.premium, age)

    def _prune(self, database: Database) -> bool:
        return database.prune(wall_clock() - self._keep)

    def _replace(self, database: Database, error: sqlite3.Error) -> None:
        try:
            aside = database.replace_damaged()
        except OSError as failed:
            self._in_trouble(database, f"{error}; {failed.strerror}")
            return
        if aside is not None:
            self._tell_replaced(aside)

    def _tell_replaced(self, aside: Path) -> None:
        log_aside("WARNING", "history was damaged and starts anew", kept_as=aside)

    def _in_trouble(self, database: Database, reason: str) -> None:
        """Say once that the history is not kept, and try again later."""
        database.close()
        self._due["retry"] = time.monotonic() + self._retry_after
        if not self.trouble:
            log_aside(
                "WARNING",
                f"history is not kept: {reason}; requests are served without it",
                file=database.path,
            )
        self.trouble = reason

    def _is_due(self, what: str, again_after: float = 0.0) -> bool:
        now = time.monotonic()
        if now < self._due.get(what, 0.0):
            return False
        if again_after:
            self._due[what] = now + again_after
        return True

    def _stops(self) -> bool:
        return not self._thread.running
