"""The clock on the wall, for what people read; durations run on the monotonic one."""

import datetime


def wall_clock() -> float:
    """Give the seconds since 1970."""
    return datetime.datetime.now(datetime.UTC).timestamp()


def local_day() -> datetime.date:
    """Give today's date where the gateway runs."""
    return datetime.datetime.now().astimezone().date()


def midnight() -> float:
    """Give the moment today began where the gateway runs, in seconds since 1970."""
    now = datetime.datetime.now().astimezone()
    return now.replace(hour=0, minute=0, second=0, microsecond=0).timestamp()
