"""Entries of requests that never were."""

import time

from proxyapp.neutral.record import Caller
from proxyapp.neutral.record import Record
from proxyapp.neutral.usage import Usage
from proxyapp.observe.entry import Entry
from proxyapp.observe.entry import entry_of


def entry(**fields):
    """Give an entry that is plausible where ``fields`` do not say otherwise."""
    record = Record(
        "req_1",
        Caller("laptop"),
        dialect="openai",
        asked="gpt-4o",
        model="qwen3",
        backend="llama",
        stream=True,
        usage=Usage(10, 5),
        ending="stop",
        started=1.0,
        first=1.25,
    )
    made: Entry = entry_of(record, 200, "127.0.0.1", time.time(), 2.0)
    return made._replace(**fields)
