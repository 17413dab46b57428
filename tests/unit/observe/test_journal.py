import time

import pytest

from proxyapp.neutral.record import Caller
from proxyapp.neutral.record import Record
from proxyapp.observe.journal import Journal


class Kept(list):
    add = list.append


def closed(record, status=200):
    kept = Kept()
    Journal(kept).close(record, "POST", "/v1/chat/completions", status, "10.0.0.1")
    return kept


def test_a_request_that_generates_is_kept():
    started = time.monotonic()
    record = Record("req_1", Caller("a"), dialect="openai", started=started)
    (entry,) = closed(record)
    assert (entry.request, entry.key, entry.client) == ("req_1", "a", "10.0.0.1")
    assert entry.total_ms >= 0
    assert abs(entry.time - time.time()) < 60


@pytest.mark.parametrize(
    "record",
    [Record(caller=Caller("a")), Record(dialect="openai")],
    ids=["generates nothing", "was not let in"],
)
def test_other_requests_are_not_kept(record):
    assert closed(record, 401) == []
