"""One finished request, as the history keeps it: no prompt, no reply, no secret."""

from typing import NamedTuple

from proxyapp.neutral.record import Record
from proxyapp.neutral.usage import Usage
from proxyapp.observe.redact import redact_name
from proxyapp.wire import jsons

_LONGEST = 200
_NO_USAGE = Usage()

GONE = 499
"""What nginx writes for a client that left before its reply was complete."""


class Entry(NamedTuple):
    """One row; the names are those of the columns.

    ``time`` is the end, in seconds since 1970. ``ending`` is a stop reason, the code
    of an error, ``client_gone``, or ``done`` for a reply that has no stop reason.
    ``first_ms`` is None for a reply that was not streamed, ``quota`` is JSON or empty.
    """

    time: float
    request: str
    key: str
    client: str
    dialect: str
    asked: str
    model: str
    backend: str
    stream: bool
    status: int
    ending: str
    failed: bool
    input: int
    output: int
    cache_read: int
    cache_write: int
    reasoning: int
    estimated: bool
    first_ms: int | None
    total_ms: int
    initiator: str
    premium: float
    quota: str


def entry_of(
    record: Record, status: int, client: str, time: float, now: float
) -> Entry:
    """Make the entry of a request that is over.

    ``time`` is the wall clock, ``now`` the monotonic one.
    """
    usage = record.usage or _NO_USAGE
    first = record.first
    return Entry(
        time,
        record.id,
        record.caller.key,
        record.caller.address or client,
        record.dialect,
        _short(record.asked),
        _short(record.model),
        record.backend,
        record.stream,
        status,
        _ending(record, status),
        record.failed,
        usage.input,
        usage.output,
        usage.cache_read,
        usage.cache_write,
        usage.reasoning,
        usage.estimated,
        round((first - record.started) * 1000) if first else None,
        round((now - record.started) * 1000),
        record.initiator,
        record.premium,
        jsons.text(dict(record.quota)) if record.quota else "",
    )


def _ending(record: Record, status: int) -> str:
    if status == GONE:
        return "client_gone"
    if record.ending:
        return record.ending
    return "done" if status < 400 else f"http_{status}"


def _short(name: str) -> str:
    """Cut what a client wrote to a size; half of a surrogate pair fits no database.

    People paste keys into any field there is.
    """
    short = redact_name(name[:_LONGEST])
    return short if short.isascii() else short.encode("utf-8", "replace").decode()
