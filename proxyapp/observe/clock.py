"""The clock on the wall, for what people read; durations run on the monotonic one."""

import datetime


def wall_clock() -> float:
    """Give the seconds since 1970."""
    return datetime.datetime.now(datetime.UTC).timestamp()


def day_around(moment: float) -> tuple[float, float]:
    """Give the midnights before and after a moment, where the gateway runs."""
    local = datetime.datetime.fromtimestamp(moment, datetime.UTC).astimezone()
    # Noon stays within its day when clocks are set in spring and autumn.
    noon = local.replace(hour=12, minute=0, second=0, microsecond=0, tzinfo=None)
    day = datetime.timedelta(days=1)
    return _midnight(noon), _midnight(noon + day)


def _midnight(noon: datetime.datetime) -> float:
    return noon.replace(hour=0).timestamp()
