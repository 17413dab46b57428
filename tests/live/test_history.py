"""The history of requests, kept by real workers: gevent, SQLite, signals."""

import sqlite3
import subprocess
import sys
import time
from subprocess import PIPE

import pytest
import requests

from proxyapp.observe.database import _LOCK_WAIT
from tests.fakes.steps import Finish
from tests.fakes.steps import Text
from tests.fakes.steps import Usage
from tests.servers import ROOT
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
    except sqlite3.OperationalError:
        # The file is there a moment before its table is.
        return []
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
        assert time.monotonic() - began < 5 * _LOCK_WAIT, "requests waited for the lock"
        assert len(rows(gateway.home)) == 1
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


# A worker as gunicorn's gevent worker has it: 200 requests a second, for two seconds.
# It prints the longest time its loop stood still, the trouble and the entries lost.
WORKER = """
from gevent import monkey
monkey.patch_all()
import sys, time
import gevent
from proxyapp.observe.ledger import Ledger
from tests.unit.observe.entries import entry

longest = 0.0

def watch():
    global longest
    while True:
        before = time.monotonic()
        gevent.sleep(0.005)
        longest = max(longest, time.monotonic() - before - 0.005)

watcher = gevent.spawn(watch)
ledger = Ledger(sys.argv[1], interval=0.05)
for _ in range(100):
    for _ in range(4):
        ledger.begin("laptop")
        ledger.add(entry(premium=1.0))
    gevent.sleep(0.02)
until = time.monotonic() + 10
while ledger.premium_today() < 1600 and time.monotonic() < until:
    gevent.sleep(0.02)
watcher.kill()
total = ledger.premium_today()
print(longest, total, ledger.lost, ledger.trouble or "none", flush=True)
"""


@pytest.mark.reliability("R-029b")
def test_four_workers_write_at_once(tmp_path):
    command = [sys.executable, "-c", WORKER, str(tmp_path)]
    workers = [
        subprocess.Popen(command, cwd=ROOT, stdout=PIPE, stderr=PIPE, text=True)
        for _ in range(4)
    ]
    said = [worker.communicate(timeout=60) for worker in workers]
    assert [errors for _, errors in said] == [""] * 4
    told = [output.split() for output, _ in said]
    assert {tuple(words[1:]) for words in told} == {("1600.0", "0", "none")}
    # A loop that waited for the database would stand for as long as it takes.
    assert max(float(words[0]) for words in told) < _LOCK_WAIT
    connection = sqlite3.connect(tmp_path / "history.db")
    (count,) = connection.execute("SELECT COUNT(*) FROM requests").fetchone()
    connection.close()
    assert count == 1600
