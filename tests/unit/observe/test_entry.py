import pytest

from proxyapp.neutral.record import Caller
from proxyapp.neutral.record import Record
from proxyapp.neutral.usage import Usage
from proxyapp.observe.entry import entry_of
from proxyapp.observe.entry import GONE


def test_an_entry_tells_what_the_record_learned():
    record = Record(
        "req_7",
        Caller("laptop", "10.0.0.9", "sk-secret"),
        dialect="anthropic",
        asked="claude",
        model="qwen3",
        backend="llama",
        stream=True,
        usage=Usage(100, 20, 30, 10, 5, estimated=True),
        ending="tool_calls",
        started=50.0,
        first=50.25,
        initiator="agent",
        premium=0.33,
        quota={"remaining": "12"},
    )
    entry = entry_of(record, 200, "127.0.0.1", 1700000000.5, 52.0)
    assert entry._asdict() == {
        "time": 1700000000.5,
        "request": "req_7",
        "key": "laptop",
        "client": "10.0.0.9",
        "dialect": "anthropic",
        "asked": "claude",
        "model": "qwen3",
        "backend": "llama",
        "stream": True,
        "status": 200,
        "ending": "tool_calls",
        "failed": False,
        "input": 100,
        "output": 20,
        "cache_read": 30,
        "cache_write": 10,
        "reasoning": 5,
        "estimated": True,
        "first_ms": 250,
        "total_ms": 2000,
        "initiator": "agent",
        "premium": 0.33,
        "quota": '{"remaining":"12"}',
    }


def test_a_secret_is_in_no_entry():
    record = Record(caller=Caller(credential="sk-secret"))
    assert "sk-secret" not in str(entry_of(record, 200, "", 0.0, 0.0))


def test_without_an_address_of_the_caller_the_connections_counts():
    assert entry_of(Record(), 200, "::1", 0.0, 0.0).client == "::1"


def test_a_reply_in_one_piece_has_no_first_piece():
    entry = entry_of(Record(started=1.0), 200, "", 0.0, 2.5)
    assert (entry.first_ms, entry.total_ms) == (None, 1500)


@pytest.mark.parametrize(
    ("ending", "status", "told"),
    [
        ("stop", 200, "stop"),
        ("", 200, "done"),
        ("", GONE, "client_gone"),
        ("stop", GONE, "client_gone"),
        ("upstream_busy", 503, "upstream_busy"),
        ("", 503, "http_503"),
    ],
)
def test_every_ending_has_a_name(ending, status, told):
    assert entry_of(Record(ending=ending), status, "", 0.0, 0.0).ending == told


def test_names_that_clients_write_are_cut_to_what_a_database_holds():
    record = Record(asked="x" * 5000, model="\ud800é")
    entry = entry_of(record, 200, "", 0.0, 0.0)
    assert (len(entry.asked), entry.model) == (200, "?é")
