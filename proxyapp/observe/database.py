"""The history's file: SQLite, shared by all workers, used by one thread in each."""

import contextlib
import datetime
import fcntl
import os
import sqlite3
from collections.abc import Iterator
from collections.abc import Sequence
from pathlib import Path
from typing import Final
from typing import NamedTuple

from proxyapp.observe.entry import Entry
from proxyapp.settings.state import make_private

FILE: Final = "history.db"

_CHUNK: Final = 50
"""Rows a statement: one statement is one pause of the other threads, not many."""

_PRUNED_AT_ONCE: Final = 2000
_LOCK_WAIT: Final = 5.0
_DAMAGE: Final = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)

# One entry a version; PRAGMA user_version says how many of them a file has seen.
_MIGRATIONS: Final = (
    """
    CREATE TABLE requests (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        worker TEXT NOT NULL,
        time REAL NOT NULL,
        request TEXT NOT NULL,
        key TEXT NOT NULL,
        client TEXT NOT NULL,
        dialect TEXT NOT NULL,
        asked TEXT NOT NULL,
        model TEXT NOT NULL,
        backend TEXT NOT NULL,
        stream INTEGER NOT NULL,
        status INTEGER NOT NULL,
        ending TEXT NOT NULL,
        failed INTEGER NOT NULL,
        input INTEGER NOT NULL,
        output INTEGER NOT NULL,
        cache_read INTEGER NOT NULL,
        cache_write INTEGER NOT NULL,
        reasoning INTEGER NOT NULL,
        estimated INTEGER NOT NULL,
        first_ms INTEGER,
        total_ms INTEGER NOT NULL,
        initiator TEXT NOT NULL,
        premium REAL NOT NULL,
        quota TEXT NOT NULL
    );
    CREATE INDEX requests_by_time ON requests (time);
    """,
)

_COLUMNS: Final = ("worker", *Entry._fields)
_INSERT: Final = f"INSERT INTO requests ({', '.join(_COLUMNS)}) VALUES "  # noqa: S608 - names of ours
_ROW: Final = f"({', '.join('?' * len(_COLUMNS))})"

# Older than a minute, only a day's sums matter: such rows make one group a key.
_NEWS: Final = """
    SELECT MAX(id), key, CASE WHEN time >= :recent THEN CAST(time AS INTEGER) ELSE 0 END
        AS second, SUM(backend <> ''), SUM(input + output), SUM(premium)
    FROM requests
    WHERE id > :seen AND worker <> :worker AND time >= :day
    GROUP BY key, second ORDER BY second
"""


class News(NamedTuple):
    """What other workers wrote of one key and one second (0: over a minute ago)."""

    id: int
    key: str
    second: int
    requests: int
    tokens: int
    premium: float


class NewerHistory(Exception):
    """A newer version of the gateway wrote this file; it is left alone."""


class Database:
    """One connection; every method may raise OSError or sqlite3.Error."""

    def __init__(self, directory: Path, worker: str) -> None:
        self.path = directory / FILE
        self._worker = worker
        self._connection: sqlite3.Connection | None = None
        self._inode = 0
        self._seen = -1
        self._version = -1

    @property
    def is_open(self) -> bool:
        """Tell whether the file is open, and still the one in the directory."""
        if self._connection is None:
            return False
        try:
            return os.stat(self.path).st_ino == self._inode
        except FileNotFoundError:
            return False

    def open(self) -> Path | None:
        """Open the file, make it first if need be.

        A file that is no database is renamed, never deleted; gives its new name then.
        Raises NewerHistory.
        """
        self.close()
        make_private(self.path.parent)
        with self._alone():
            try:
                self._connect()
            except sqlite3.DatabaseError as error:
                self.close()
                if not is_damage(error):
                    raise
                aside = self._set_aside()
                self._connect()
                return aside
        return None

    def replace_damaged(self) -> Path | None:
        """Set aside a file that turned out to be damaged, if no other worker has."""
        with self._alone():
            mine = self.is_open
            self.close()
            return self._set_aside() if mine else None

    def close(self) -> None:
        """Close the file."""
        if self._connection is not None:
            connection, self._connection = self._connection, None
            with contextlib.suppress(sqlite3.Error):
                connection.close()

    def insert(self, entries: Sequence[Entry]) -> None:
        """Write all entries, or none."""
        with self._writing() as connection:
            for start in range(0, len(entries), _CHUNK):
                rows = entries[start : start + _CHUNK]
                values = [v for row in rows for v in (self._worker, *row)]
                connection.execute(_INSERT + ",".join([_ROW] * len(rows)), values)

    def prune(self, before: float) -> bool:
        """Delete some of the rows older than ``before``; tell whether more are left."""
        with self._writing() as connection:
            deleted = connection.execute(
                "DELETE FROM requests WHERE id IN"
                " (SELECT id FROM requests WHERE time < ? LIMIT ?)",
                (before, _PRUNED_AT_ONCE),
            )
            return deleted.rowcount == _PRUNED_AT_ONCE

    def news(self, day: float, recent: float) -> list[News]:
        """Read what others wrote since the last call; at first, what they did today."""
        connection = self._opened()
        (version,) = connection.execute("PRAGMA data_version").fetchone()
        if version == self._version:
            return []
        if self._seen < 0:
            self._seen = self._before(day)
        facts = {"recent": recent, "seen": self._seen, "worker": self._worker}
        rows = connection.execute(_NEWS, facts | {"day": day}).fetchall()
        news = [News(*row) for row in rows]
        self._seen = max([self._seen, *(one.id for one in news)])
        self._version = version
        return news

    def _before(self, day: float) -> int:
        """Give the id below which everything is older than today."""
        query = "SELECT MIN(id) FROM requests WHERE time >= ?"
        (first,) = self._opened().execute(query, (day,)).fetchone()
        return (first or 1) - 1

    def _opened(self) -> sqlite3.Connection:
        if self._connection is None:
            raise sqlite3.OperationalError("the history is not open")
        return self._connection

    @contextlib.contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """Take the lock first: a transaction that takes it later fails at once."""
        connection = self._opened()
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
            connection.execute("COMMIT")
        except BaseException:
            with contextlib.suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
            raise

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep other workers from making or replacing the file at the same time."""
        place = self.path.with_suffix(".lock")
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        lock = os.open(place, flags, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def _connect(self) -> None:
        # SQLite gives its other files the mode of this one. One that exists must not
        # be opened here: closing it would drop locks that this process has on it.
        with contextlib.suppress(FileExistsError):
            flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
            os.close(os.open(self.path, flags, 0o600))
        inode, known = os.stat(self.path).st_ino, self._inode
        self._inode, self._version = inode, -1
        if inode != known:
            self._seen = -1
        connection = sqlite3.connect(
            self.path,
            timeout=_LOCK_WAIT,
            isolation_level=None,
            check_same_thread=False,
        )
        self._connection = connection
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA journal_size_limit = 4194304")
        self._migrate(connection)
        connection.execute("SELECT * FROM requests ORDER BY id DESC LIMIT 1").fetchone()

    def _migrate(self, connection: sqlite3.Connection) -> None:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version > len(_MIGRATIONS):
            self.close()
            raise NewerHistory("a newer version of proxyapp wrote it")
        for number in range(version, len(_MIGRATIONS)):
            connection.executescript(
                f"BEGIN IMMEDIATE; {_MIGRATIONS[number]}"
                f" PRAGMA user_version = {number + 1}; COMMIT;"
            )

    def _set_aside(self) -> Path:
        stamp = datetime.datetime.now(datetime.UTC).strftime("%Y%m%d-%H%M%S-%f")
        aside = self.path.with_name(f"{FILE}.broken-{stamp}")
        for tail in ("", "-wal", "-shm"):
            with contextlib.suppress(FileNotFoundError):
                os.rename(f"{self.path}{tail}", f"{aside}{tail}")
        return aside


def is_damage(error: sqlite3.Error) -> bool:
    """Tell whether an error means that the file itself is broken."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in _DAMAGE
