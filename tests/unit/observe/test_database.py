import os
import sqlite3
import stat
import time

import pytest

from proxyapp.observe.database import Database
from proxyapp.observe.database import is_damage
from proxyapp.observe.database import NewerHistory
from tests.unit.observe.entries import entry


@pytest.fixture
def place(tmp_path):
    return tmp_path / "state"


@pytest.fixture
def opened(place):
    """Give a maker of open databases, one for each worker."""
    made = []

    def database(worker="w1"):
        made.append(Database(place, worker))
        made[-1].open()
        return made[-1]

    yield database
    for one in made:
        one.close()


def rows(database, query="SELECT * FROM requests ORDER BY id"):
    connection = sqlite3.connect(database.path)
    connection.row_factory = sqlite3.Row
    found = [dict(row) for row in connection.execute(query)]
    connection.close()
    return found


def news(database, now=None):
    now = now or time.time()
    found = database.news(now - 3600, now - 60)
    return [(one.key, one.requests, one.tokens, one.premium) for one in found]


def test_an_entry_is_a_row(opened):
    database = opened()
    told = entry(premium=0.33, quota='{"a":"1"}', first_ms=None)
    database.insert([told])
    (row,) = rows(database)
    assert (row.pop("id"), row.pop("worker")) == (1, "w1")
    assert row == told._asdict()


def test_many_entries_are_written_at_once(opened):
    database = opened()
    database.insert([entry(request=f"r{number}") for number in range(123)])
    assert [row["request"] for row in rows(database)] == [f"r{n}" for n in range(123)]


def test_a_write_that_fails_leaves_nothing(opened):
    database = opened()
    with pytest.raises(sqlite3.Error):
        database.insert([entry()] * 60 + [entry(model=None)])
    assert rows(database) == []
    database.insert([entry()])
    assert len(rows(database)) == 1


def test_what_is_kept_is_for_its_owner_alone(opened, place):
    before = os.umask(0)
    try:
        database = opened()
        database.insert([entry()])
        modes = {
            path.name: stat.S_IMODE(path.stat().st_mode) for path in place.iterdir()
        }
    finally:
        os.umask(before)
    assert stat.S_IMODE(place.stat().st_mode) == 0o700
    assert set(modes.values()) == {0o600}
    assert "history.db-wal" in modes


def test_the_version_of_the_schema_is_kept_in_the_file(opened):
    assert rows(opened(), "PRAGMA user_version") == [{"user_version": 1}]


def test_a_file_of_a_newer_version_is_left_alone(opened, place):
    opened().close()
    connection = sqlite3.connect(place / "history.db")
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(NewerHistory):
        Database(place, "w").open()
    assert [p.name for p in place.glob("*broken*")] == []


def test_opening_again_keeps_what_is_there(opened):
    first = opened()
    first.insert([entry()])
    first.open()
    assert len(rows(first)) == 1


@pytest.mark.reliability("R-029")
@pytest.mark.parametrize(
    "content", [b"no database " * 500, b"SQLite format 3\0" + b"\xff" * 4096]
)
def test_a_broken_file_is_set_aside_and_kept(place, content):
    place.mkdir()
    (place / "history.db").write_bytes(content)
    database = Database(place, "w")
    aside = database.open()
    database.insert([entry()])
    assert len(rows(database)) == 1
    database.close()
    assert aside is not None
    assert aside.read_bytes() == content


@pytest.mark.reliability("R-029")
def test_damage_found_later_is_set_aside_by_one_worker_only(opened, place):
    first, second = opened("w1"), opened("w2")
    aside = first.replace_damaged()
    assert aside is not None
    assert aside.exists()
    first.open()
    assert not second.is_open
    assert second.replace_damaged() is None
    second.open()
    second.insert([entry()])
    assert len(rows(first)) == 1


def test_a_file_that_was_removed_is_not_open_any_more(opened):
    database = opened()
    assert database.is_open
    database.path.unlink()
    assert not database.is_open


@pytest.mark.parametrize("code", [sqlite3.SQLITE_BUSY, sqlite3.SQLITE_FULL, 0])
def test_only_a_broken_file_is_damage(code):
    error = sqlite3.OperationalError()
    error.sqlite_errorcode = code
    assert not is_damage(error)
    error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT | 256
    assert is_damage(error)


def test_what_others_did_is_news_and_what_one_did_oneself_is_not(opened):
    mine, other = opened("w1"), opened("w2")
    mine.insert([entry()])
    other.insert([entry(key="a", premium=0.5)] * 2)
    assert news(mine) == [("a", 2, 30, 1.0)]


def test_news_are_told_once(opened):
    mine, other = opened("w1"), opened("w2")
    other.insert([entry(key="a")])
    assert news(mine) == [("a", 1, 15, 0.0)]
    assert news(mine) == []
    other.insert([entry(key="b")])
    assert news(mine) == [("b", 1, 15, 0.0)]


def test_news_are_not_told_again_after_the_file_was_opened_again(opened):
    mine, other = opened("w1"), opened("w2")
    other.insert([entry(key="a")])
    assert len(news(mine)) == 1
    mine.open()
    assert news(mine) == []


def test_what_was_yesterday_is_no_news(opened):
    mine, other = opened("w1"), opened("w2")
    now = time.time()
    other.insert([entry(key="old", time=now - 7200), entry(key="new")])
    assert [told[0] for told in news(mine, now)] == ["new"]


def test_seconds_are_told_apart_in_the_last_minute_only(opened):
    mine, other = opened("w1"), opened("w2")
    now = float(int(time.time()))
    ages = (1000, 500, 30, 20, 20)
    other.insert([entry(key="a", time=now - age) for age in ages])
    told = mine.news(now - 3600, now - 60)
    seconds = [(one.second, one.requests) for one in told]
    assert seconds == [(0, 2), (now - 30, 1), (now - 20, 2)]


def test_a_request_that_no_backend_had_is_not_counted(opened):
    mine, other = opened("w1"), opened("w2")
    other.insert([entry(key="a", backend="", input=0, output=0)])
    assert news(mine) == [("a", 0, 0, 0.0)]


def test_old_rows_are_deleted_some_at_a_time(opened):
    database = opened()
    old = [entry(time=5.0)] * 500
    for _ in range(5):
        database.insert(old)
    database.insert([entry(request="kept")])
    assert database.prune(10.0)
    assert not database.prune(10.0)
    assert [row["request"] for row in rows(database)] == ["kept"]


def test_a_closed_database_says_so(place):
    with pytest.raises(sqlite3.Error, match="not open"):
        Database(place, "w").insert([entry()])
