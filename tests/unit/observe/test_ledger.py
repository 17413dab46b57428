import sqlite3
import time

import pytest

from proxyapp.observe.ledger import Ledger
from proxyapp.observe.totals import Leaving
from tests.unit.observe.entries import entry

LIMIT = 20.0


def reached(condition):
    """Wait for a condition, for as long as a busy machine may need."""
    until = time.monotonic() + LIMIT
    while time.monotonic() < until:
        if condition():
            return True
        time.sleep(0.01)
    return False


@pytest.fixture
def ledgers(tmp_path):
    """Give a maker of ledgers that share one directory."""
    made = []

    def ledger(directory=tmp_path / "state", **options):
        options = {"interval": 0.02, "retry_after": 0.05} | options
        made.append(Ledger(str(directory), **options))
        return made[-1]

    yield ledger
    for one in made:
        one.close()


def count(ledger):
    if not ledger.path.exists():
        return 0
    connection = sqlite3.connect(ledger.path)
    try:
        return connection.execute("SELECT COUNT(*) FROM requests").fetchone()[0]
    except sqlite3.DatabaseError:
        return 0
    finally:
        connection.close()


def test_nothing_is_made_before_the_first_entry(ledgers, tmp_path):
    ledgers()
    assert list(tmp_path.iterdir()) == []


def test_an_entry_is_written_in_a_moment(ledgers):
    ledger = ledgers()
    ledger.add(entry())
    assert reached(lambda: count(ledger) == 1)


def test_the_end_writes_what_waits(ledgers):
    ledger = ledgers(interval=60)
    for _ in range(1200):
        ledger.add(entry())
    assert ledger.close()
    assert count(ledger) == 1200


@pytest.mark.parametrize("options", [{"directory": ""}, {"keep_days": 0}])
def test_a_ledger_that_keeps_nothing_still_counts(ledgers, tmp_path, options):
    ledger = ledgers(**options)
    ledger.begin("laptop")
    ledger.add(entry(premium=2.0))
    assert ledger.tokens_last_minute("laptop") == ledger.tokens_today("laptop") == 15
    assert (ledger.requests_last_minute("laptop"), ledger.premium_today()) == (1, 2.0)
    assert ledger.close()
    assert (ledger.path, list(tmp_path.iterdir())) == (None, [])


def test_a_request_counts_from_its_beginning(ledgers):
    ledger = ledgers()
    ledger.begin("a")
    assert ledger.requests_last_minute("a") == 1
    ledger.add(entry(key="a"))
    assert ledger.requests_last_minute("a") == 1
    assert ledger.tokens_last_minute("a") == 15


def test_workers_share_their_totals(ledgers):
    first, second = ledgers(), ledgers()
    for ledger in (first, second):
        ledger.begin("a")
        ledger.add(entry(key="a", premium=1.5))
    for ledger in (first, second):
        assert reached(lambda ledger=ledger: ledger.premium_today() == 3.0)
        assert ledger.tokens_today("a") == ledger.tokens_last_minute("a") == 30
        assert ledger.requests_last_minute("a") == 2


@pytest.mark.parametrize(
    ("asked", "wait"),
    [
        ({}, 0),
        ({"requests": 5}, 0),
        ({"requests": 4}, 10),
        ({"requests": 2}, 30),
        ({"requests": 1}, 50),
        ({"tokens": 101}, 0),
        ({"tokens": 100}, 10),
        ({"tokens": 90}, 50),
        ({"requests": 4, "tokens": 90}, 50),
    ],
)
def test_the_wait_lasts_until_enough_of_all_workers_is_forgotten(
    ledgers, monkeypatch, asked, wait
):
    ledger = ledgers()
    own = [Leaving(10, 1, 5), Leaving(50, 1, 90)]
    monkeypatch.setattr(ledger._own, "leaving", lambda key: own)
    monkeypatch.setattr(ledger._others, "leaving", lambda key: [Leaving(30, 2, 5)])
    assert ledger.frees_in("team", **asked) == wait


def test_a_new_process_goes_on_where_the_last_one_ended(ledgers):
    first = ledgers()
    first.add(entry(key="a", premium=1.0))
    first.close()
    second = ledgers()
    assert reached(lambda: second.premium_today() == 1.0)
    second.add(entry(key="a", premium=1.0))
    assert second.premium_today() == 2.0


def test_what_is_older_than_the_owner_wants_is_deleted(ledgers):
    first = ledgers()
    day = 86400
    first.add(entry(time=time.time() - 3 * day))
    first.add(entry(time=time.time() - 1 * day))
    first.close()
    second = ledgers(keep_days=2)
    second.premium_today()
    assert reached(lambda: count(second) == 1)


# ---------------------------------------------------------------------- trouble


@pytest.fixture
def lines(capsys):
    """Give what was logged since the test began."""
    found = []

    def read():
        found.extend(capsys.readouterr().err.splitlines())
        return found

    return read


@pytest.mark.reliability("R-029")
def test_a_directory_that_cannot_be_made_is_told_once(ledgers, tmp_path, lines):
    (tmp_path / "file").touch()
    ledger = ledgers(tmp_path / "file" / "state")
    ledger.add(entry(key="a"))
    assert reached(lambda: ledger.trouble)
    time.sleep(0.2)
    (told,) = lines()
    assert "WARNING history is not kept: Not a directory" in told
    assert ledger.tokens_today("a") == 15


@pytest.mark.reliability("R-029")
def test_a_lock_of_somebody_else_only_delays_the_writing(ledgers, monkeypatch, lines):
    monkeypatch.setattr("proxyapp.observe.database._LOCK_WAIT", 0.05)
    ledger = ledgers()
    ledger.add(entry())
    assert reached(lambda: count(ledger) == 1)
    other = sqlite3.connect(ledger.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    for _ in range(5):
        ledger.add(entry())
    assert reached(lambda: ledger.trouble)
    other.execute("ROLLBACK")
    other.close()
    assert reached(lambda: count(ledger) == 6)
    assert reached(lambda: not ledger.trouble)
    first, last = lines()
    assert "history is not kept: database is locked" in first
    assert "INFO history is kept again lost=0" in last


@pytest.mark.reliability("R-029")
def test_a_full_disk_only_delays_the_writing(ledgers, monkeypatch):
    ledger = ledgers()
    insert = ledger._database.insert
    full = sqlite3.OperationalError("database or disk is full")

    def fails(entries):
        raise full

    monkeypatch.setattr(ledger._database, "insert", fails)
    ledger.add(entry())
    assert reached(lambda: ledger.trouble == "database or disk is full")
    monkeypatch.setattr(ledger._database, "insert", insert)
    assert reached(lambda: count(ledger) == 1)


@pytest.mark.reliability("R-029")
def test_a_file_that_breaks_while_it_is_used_is_set_aside(ledgers, lines):
    ledger = ledgers()
    ledger.add(entry())
    assert reached(lambda: count(ledger) == 1)
    ledger._database._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with ledger.path.open("r+b") as file:
        file.write(b"\xff" * 20000)
    other = sqlite3.connect(ledger.path.with_name("scratch.db"))
    other.close()
    ledger._database._connection.execute("PRAGMA shrink_memory")
    ledger.add(entry(request="after"))
    assert reached(lambda: any("damaged" in line for line in lines()))
    ledger.add(entry())
    assert reached(lambda: count(ledger) >= 1)
    (aside,) = ledger.path.parent.glob("history.db.broken-*[0-9]")
    assert aside.read_bytes().startswith(b"\xff")


@pytest.mark.reliability("R-029")
def test_a_broken_file_at_the_start_is_told_and_set_aside(ledgers, tmp_path, lines):
    state = tmp_path / "state"
    state.mkdir()
    (state / "history.db").write_bytes(b"rubbish" * 1000)
    ledger = ledgers()
    ledger.add(entry())
    assert reached(lambda: count(ledger) == 1)
    (told,) = lines()
    assert "history was damaged and starts anew" in told
    assert len(list(state.glob("*broken*"))) == 1


@pytest.mark.reliability("R-029")
def test_a_file_that_disappears_is_made_anew(ledgers):
    ledger = ledgers()
    ledger.add(entry())
    assert reached(lambda: count(ledger) == 1)
    for path in ledger.path.parent.glob("history.db*"):
        path.unlink()
    ledger.add(entry())
    assert reached(lambda: count(ledger) == 1)


@pytest.mark.reliability("R-029")
def test_a_file_of_a_newer_version_is_not_written_to(ledgers, lines):
    first = ledgers()
    first.add(entry())
    first.close()
    connection = sqlite3.connect(first.path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    second = ledgers()
    second.add(entry())
    assert reached(lambda: "newer version" in second.trouble)
    second.close()
    assert count(second) == 1


def test_what_nobody_foresaw_stops_no_request(ledgers, monkeypatch):
    ledger = ledgers()
    monkeypatch.setattr(ledger._database, "insert", lambda _: 1 / 0)
    ledger.add(entry())
    assert reached(lambda: "ZeroDivision" in ledger.trouble)


def test_the_oldest_entries_are_dropped_and_counted(ledgers, tmp_path, monkeypatch):
    monkeypatch.setattr("proxyapp.observe.ledger._WAITING", 3)
    ledger = ledgers(interval=60)
    ledger._thread.start = lambda: None
    for number in range(5):
        ledger.add(entry(request=f"r{number}"))
    assert ledger.lost == 2
    assert [one.request for one in ledger._queue] == ["r2", "r3", "r4"]
