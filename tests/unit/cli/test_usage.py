import io

import pytest

from proxyapp.cli import usage
from proxyapp.cli.terminal import Terminal
from proxyapp.observe.clock import wall_clock
from proxyapp.observe.database import Database
from proxyapp.observe.report import Usage
from tests.unit.observe.entries import entry

ROWS = [
    Usage("2026-11-21", "gpt-x", "team", 1200, 34567, 890, 12.5, 3),
    Usage("2026-11-21", "", "", 1, 0, 0, 0.0, 1),
    Usage("2026-11-20", "gpt-x", "team", 7, 70, 7, 0.33, 0),
]


@pytest.fixture
def shown(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("PROXYAPP_STATE__DIRECTORY", str(tmp_path / "state"))

    def run():
        output, errors = io.StringIO(), io.StringIO()
        code = usage.run(Terminal(output, errors, {}))
        return code, output.getvalue(), errors.getvalue()

    return run


def test_each_day_model_and_key_is_a_line_and_their_sum_the_last():
    assert usage.table(ROWS) == [
        "DAY         MODEL   KEY   REQUESTS   INPUT  OUTPUT  PREMIUM  FAILED",
        "2026-11-21  gpt-x   team     1,200  34,567     890     12.5       3",
        "            (none)               1       0       0        0       1",
        "2026-11-20  gpt-x   team         7      70       7     0.33       0",
        "total                        1,208  34,637     897    12.83       4",
    ]


def test_columns_that_say_nothing_are_left_out():
    plain = [Usage("2026-11-21", "qwen", "", 2, 10, 4, 0.0, 0)]
    assert usage.table(plain)[0].split() == [
        "DAY",
        "MODEL",
        "REQUESTS",
        "INPUT",
        "OUTPUT",
    ]


def test_without_a_history_there_is_nothing_to_show(shown):
    assert shown() == (0, "No request is on record.\n", "")


def test_the_history_is_shown(shown, tmp_path):
    database = Database(tmp_path / "state", "w1")
    database.open()
    database.insert([entry(time=wall_clock(), model="gpt-x")])
    database.close()
    code, told, _ = shown()
    assert code == 0
    assert "gpt-x" in told


def test_a_broken_history_is_told(shown, tmp_path):
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "history.db").write_bytes(b"no database" * 100)
    code, _, told = shown()
    assert code == 1
    assert "cannot be read" in told
