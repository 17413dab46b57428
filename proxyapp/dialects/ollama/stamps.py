"""Times as Ollama writes them: RFC 3339, in UTC."""

import datetime


def now() -> str:
    """Give the wall clock to the microsecond."""
    moment = datetime.datetime.now(datetime.UTC).replace(tzinfo=None)
    return moment.isoformat(timespec="microseconds") + "Z"


def stamp(seconds: int) -> str:
    """Write a time given in seconds since 1970."""
    moment = datetime.datetime.fromtimestamp(seconds, datetime.UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
