import os

import pytest

from proxyapp.settings.watch import SettingsWatch


@pytest.fixture
def place(tmp_path):
    (tmp_path / "config.toml").write_text("[log]\n", "utf-8")
    return tmp_path


def looks(watch, count=3):
    return [watch.changed() for _ in range(count)]


def test_a_file_that_stays_has_not_changed(place):
    assert looks(SettingsWatch({}, place)) == [False] * 3


def test_a_change_is_told_once_and_when_it_has_settled(place):
    watch = SettingsWatch({}, place)
    (place / "config.toml").write_text("[log]\nverbose = true\n", "utf-8")
    assert looks(watch) == [False, True, False]


def test_a_file_that_is_being_written_is_left_alone(place):
    watch = SettingsWatch({}, place)
    found = []
    for size in range(5):
        (place / "config.toml").write_text("#" * size, "utf-8")
        found.append(watch.changed())
    assert found == [False] * 5
    assert looks(watch, 2) == [True, False]


def test_another_file_of_the_same_length_is_another(place):
    watch = SettingsWatch({}, place)
    (place / "new").write_text("[lag]\n", "utf-8")
    os.replace(place / "new", place / "config.toml")
    assert looks(watch) == [False, True, False]


def test_a_file_that_goes_and_comes_is_noticed(place):
    watch = SettingsWatch({}, place)
    (place / "config.toml").unlink()
    assert looks(watch) == [False, True, False]
    (place / "config.toml").write_text("[log]\n", "utf-8")
    assert looks(watch) == [False, True, False]


def test_the_named_file_is_the_one_that_counts(place):
    watch = SettingsWatch({"PROXYAPP_CONFIG": str(place / "mine.toml")}, place)
    (place / "config.toml").write_text("[log]\nverbose = true\n", "utf-8")
    assert looks(watch) == [False] * 3
    (place / "mine.toml").write_text("", "utf-8")
    assert looks(watch) == [False, True, False]
