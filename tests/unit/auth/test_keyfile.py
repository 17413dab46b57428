import os
import stat

import pytest

from proxyapp.auth.keyfile import Key
from proxyapp.auth.keyfile import KeyFile
from proxyapp.auth.keyfile import read_keys
from proxyapp.errors import KeysUnreadable
from proxyapp.neutral.scope import Scope

SCOPE = Scope(models=("qwen*", "!*-big"), tokens_per_day=5)
TEAM = Key("team", "d1", "pxa-abc", 100, 200, SCOPE)


class Clock:
    now = 0.0

    def __call__(self):
        self.now += 2.0
        return self.now


def adding(*keys):
    return lambda named: named.update({key.name: key for key in keys})


@pytest.fixture
def file(tmp_path):
    return KeyFile(tmp_path / "state" / "keys.json", Clock())


def test_keys_come_back_as_they_were_kept(file):
    file.change(adding(TEAM, Key("me", "d2")))
    assert file.current() == {"d1": TEAM, "d2": Key("me", "d2")}


def test_without_a_file_there_are_no_keys(file):
    assert file.current() is None


def test_where_no_file_can_be_there_are_none(tmp_path):
    (tmp_path / "state").touch()
    assert KeyFile(tmp_path / "state" / "keys.json").current() is None


def test_a_file_without_keys_is_not_no_file(file):
    file.change(adding(TEAM))
    file.change(lambda named: named.clear())
    assert file.current() == {}


def test_a_change_by_another_process_counts(file):
    file.change(adding(TEAM))
    assert file.current()
    KeyFile(file.path).change(lambda named: named.pop("team"))
    assert file.current() == {}


def test_the_file_is_looked_at_once_a_second(tmp_path):
    file = KeyFile(tmp_path / "keys.json", lambda: 5.0)
    assert file.current() is None
    KeyFile(file.path).change(adding(TEAM))
    assert file.current() is None


@pytest.mark.reliability("R-044")
def test_the_file_is_the_owners_alone_from_the_start(file):
    old = os.umask(0)
    try:
        file.change(adding(TEAM))
    finally:
        os.umask(old)
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.path.parent.stat().st_mode) == 0o700
    assert [path.name for path in file.path.parent.iterdir()] == ["keys.json"]


@pytest.mark.reliability("R-044")
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
def test_a_file_that_is_open_to_others_lets_nobody_in(file, mode):
    file.change(adding(TEAM))
    file.path.chmod(mode)
    with pytest.raises(KeysUnreadable) as refused:
        file.current()
    assert f"chmod 600 {file.path}" in refused.value.why


@pytest.mark.reliability("R-044")
def test_a_link_is_not_followed(file, tmp_path):
    elsewhere = KeyFile(tmp_path / "elsewhere.json")
    elsewhere.change(adding(TEAM))
    file.path.parent.mkdir()
    file.path.symlink_to(elsewhere.path)
    with pytest.raises(KeysUnreadable):
        file.current()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"keys": 5}', '{"keys": [{"a": 1}]}'])
def test_a_broken_file_lets_nobody_in(file, text):
    file.path.parent.mkdir()
    file.path.touch(0o600)
    file.path.write_text(text)
    with pytest.raises(KeysUnreadable):
        file.current()
    with pytest.raises(KeysUnreadable, match="lets nobody in"):
        file.current()


def test_keys_that_were_known_stay_when_the_file_breaks(file):
    file.change(adding(TEAM))
    assert file.current() == {"d1": TEAM}
    file.path.write_text("{")
    assert file.current() == {"d1": TEAM}


def test_a_file_that_breaks_is_not_written_over(file):
    file.change(adding(TEAM))
    file.path.write_text("{")
    with pytest.raises(KeysUnreadable):
        file.change(adding(Key("me", "d2")))
    assert file.path.read_text() == "{"


def test_a_change_that_fails_leaves_the_old_file(file, monkeypatch):
    file.change(adding(TEAM))
    monkeypatch.setattr(os, "replace", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        file.change(adding(Key("me", "d2")))
    assert list(read_keys(file.path)) == ["d1"]
    assert len(list(file.path.parent.iterdir())) == 1
