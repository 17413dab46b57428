"""The history of requests, kept by real workers: gevent, SQLite, signals."""

import sqlite3
import time

import pytest
import requests

from tests.fakes.steps import Finish
from tests.fakes.steps import Text
from tests.fakes.steps import Usage
from tests.servers import running_gateway

pytestmark = pytest.mark.live

LIMIT = 20.0
CHAT = {"model": "tiny", "messages": [{"role": "user", "content": "a secret plan"}]}


def rows(home):
    """Read the history with a connection of its own."""
    path = home / ".local/state/proxyapp/history.db"
    connection = sqlite3.connect(path)
    connection.row_factory = sqlite3.Row
    try:
        return [dict(row) for row in connection.execute("SELECT * FROM requests")]
    finally:
        connection.close()


def post(gateway, path="/v1/chat/completions", **fields):
    return requests.post(gateway.url + path, json=CHAT | fields, timeout=LIMIT)


def test_the_end_of_a_worker_writes_what_waits(upstream, tmp_path):
    upstream.script(Text("Hello"), Finish(), Usage(7, 3))
    state = {"PROXYAPP_STATE__DIRECTORY": tmp_path}
    with running_gateway(upstream.url, **state) as gateway:
        assert post(gateway, stream=True).status_code == 200
        assert post(gateway, "/api/chat", stream=False).status_code == 200
        assert post(gateway, messages=5).status_code == 400
    connection = sqlite3.connect(tmp_path / "history.db")
    query = "SELECT dialect, stream, status, ending, failed, input, output"
    found = connection.execute(f"{query} FROM requests").fetchall()
    connection.close()
    assert found == [
        ("openai", 1, 200, "stop", 0, 7, 3),
        ("ollama", 0, 200, "stop", 0, 7, 3),
        ("openai", 0, 400, "invalid_request", 1, 0, 0),
    ]
    kept = b"".join(path.read_bytes() for path in tmp_path.glob("history.db*"))
    assert b"secret plan" not in kept


@pytest.mark.reliability("R-029")
def test_a_lock_of_somebody_else_holds_up_no_request(upstream):
    upstream.script(Text("Hello"), Finish(), Usage(7, 3))
    with running_gateway(upstream.url) as gateway:
        post(gateway)
        until = time.monotonic() + LIMIT
        path = gateway.home / ".local/state/proxyapp/history.db"
        while not (path.exists() and rows(gateway.home)):
            assert time.monotonic() < until
            time.sleep(0.05)
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        began = time.monotonic()
        for _ in range(20):
            assert post(gateway).status_code == 200
        assert time.monotonic() - began < 4, "requests waited for the lock"
        other.execute("ROLLBACK")
        other.close()
        while len(rows(gateway.home)) < 21:
            assert time.monotonic() < until
            time.sleep(0.05)


@pytest.mark.reliability("R-029")
def test_where_nothing_can_be_kept_requests_are_served(upstream, tmp_path):
    upstream.script(Text("Hello"), Finish(), Usage(7, 3))
    (tmp_path / "file").touch()
    state = {"PROXYAPP_STATE__DIRECTORY": tmp_path / "file" / "state"}
    with running_gateway(upstream.url, **state) as gateway:
        for _ in range(3):
            assert post(gateway).status_code == 200
        until = time.monotonic() + LIMIT
        while "history is not kept" not in gateway.log:
            assert time.monotonic() < until
            time.sleep(0.05)
        assert gateway.log.count("history is not kept") == 1
        assert "Traceback" not in gateway.log
