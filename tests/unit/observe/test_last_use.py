from proxyapp.observe.database import Database
from proxyapp.observe.last_use import last_uses
from tests.unit.observe.entries import entry


def test_the_last_of_a_keys_requests_counts(tmp_path):
    database = Database(tmp_path, "w")
    database.open()
    database.insert([entry(key="a", time=5.0), entry(key="b", time=9.0)])
    database.insert([entry(key="a", time=7.0)])
    assert last_uses(tmp_path) == {"a": 7.0, "b": 9.0}
    database.close()
    assert last_uses(tmp_path) == {"a": 7.0, "b": 9.0}


def test_without_a_history_nothing_is_told(tmp_path):
    assert last_uses(tmp_path / "nowhere") == {}
    assert list(tmp_path.iterdir()) == []


def test_a_history_that_is_broken_tells_nothing(tmp_path):
    (tmp_path / "history.db").write_bytes(b"no database")
    assert last_uses(tmp_path) == {}
