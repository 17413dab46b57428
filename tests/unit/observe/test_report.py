import pytest

from proxyapp.observe.clock import wall_clock
from proxyapp.observe.database import Database
from proxyapp.observe.report import HistoryUnreadable
from proxyapp.observe.report import usage_by_day
from tests.unit.observe.entries import entry


@pytest.fixture
def history(tmp_path):
    now = wall_clock()
    database = Database(tmp_path, "w1")
    database.open()
    told = {"model": "gpt-x", "key": "team", "input": 10, "output": 2}
    database.insert(
        [
            entry(time=now, premium=0.33, failed=False, **told),
            entry(time=now, premium=1.0, failed=True, **told),
            entry(time=now - 3 * 86400, **told),
            entry(time=now - 60 * 86400, **told),
        ]
    )
    database.close()
    return database.path


def test_what_one_key_did_with_one_model_on_one_day_is_one_row(history):
    newest, older = usage_by_day(history, wall_clock() - 30 * 86400)
    assert newest.day > older.day
    assert newest[1:6] == ("gpt-x", "team", 2, 20, 4)
    assert (round(newest.premium, 2), newest.failures) == (1.33, 1)
    assert older.requests == 1


def test_a_history_that_is_none_is_an_error(tmp_path):
    (tmp_path / "history.db").write_bytes(b"no database" * 100)
    with pytest.raises(HistoryUnreadable):
        usage_by_day(tmp_path / "history.db", 0.0)


def test_nothing_is_written(history):
    before = history.stat().st_mtime_ns
    usage_by_day(history, 0.0)
    assert history.stat().st_mtime_ns == before
