"""Times as Ollama writes them: RFC 3339, in UTC."""

import datetime


def now() -> str:
    """Give the wall clock to the microsecond."""
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def stamp(seconds: int) -> str:
    """Write a time given in seconds since 1970."""
    moment = datetime.datetime.fromtimestamp(seconds, datetime.UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
