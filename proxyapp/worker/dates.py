"""The ``Date`` of replies."""

from proxyapp.runtime import unix_time


def format_dates_once() -> None:
    """Have gunicorn format the ``Date`` header once a second, not for each reply."""
    from gunicorn import util

    format_date = util.http_date
    kept = (0, "")

    def http_date(timestamp: float | None = None) -> str:
        nonlocal kept
        second = unix_time() if timestamp is None else int(timestamp)
        if kept[0] != second:
            kept = (second, format_date(second))
        return kept[1]

    util.http_date = http_date
