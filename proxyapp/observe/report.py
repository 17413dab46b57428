"""What the history says of a time: requests, tokens, costs and failures."""

import contextlib
import sqlite3
from pathlib import Path
from typing import Final
from typing import NamedTuple

_BY_DAY: Final = """
    SELECT date(time, 'unixepoch', 'localtime') AS day, model, key, COUNT(*),
        SUM(input), SUM(output), SUM(premium), SUM(failed)
    FROM requests WHERE time >= ?
    GROUP BY day, model, key ORDER BY day DESC, COUNT(*) DESC, model, key
"""


class HistoryUnreadable(Exception):
    """The history is there, but it cannot be read."""


class Usage(NamedTuple):
    """What one key did with one model on one day; ``model`` is empty if none served."""

    day: str
    model: str
    key: str
    requests: int
    input: int
    output: int
    premium: float
    failures: int


def usage_by_day(history: Path, since: float) -> list[Usage]:
    """Read the usage since a moment, the newest day first.

    The file is opened for reading only. Raises HistoryUnreadable.
    """
    place = f"{history.absolute().as_uri()}?mode=ro"
    try:
        with contextlib.closing(sqlite3.connect(place, uri=True)) as connection:
            return [Usage(*row) for row in connection.execute(_BY_DAY, (since,))]
    except sqlite3.Error as error:
        raise HistoryUnreadable(f"{history}: {error}") from None
