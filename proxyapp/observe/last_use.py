"""When each key was last used, as far as the history goes."""

import contextlib
import sqlite3
from pathlib import Path

from proxyapp.observe.database import FILE


def last_uses(directory: Path) -> dict[str, float]:
    """Give the moment of each key's last request; nothing where no history tells.

    The file is only read, by a process that is no worker: what others write waits for
    nothing.
    """
    path = directory / FILE
    try:
        if not path.is_file():
            return {}
        connection = sqlite3.connect(
            f"{path.resolve().as_uri()}?mode=ro", timeout=1, uri=True
        )
        with contextlib.closing(connection):
            rows = connection.execute(
                "SELECT key, MAX(time) FROM requests GROUP BY key"
            )
            return dict(rows.fetchall())
    except (OSError, sqlite3.Error):
        return {}
