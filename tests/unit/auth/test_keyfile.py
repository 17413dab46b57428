import os
import stat
import threading

import pytest

from proxyapp.auth.key import Key
from proxyapp.auth.keyfile import is_foreign
from proxyapp.auth.keyfile import KeyFile
from proxyapp.auth.keyfile import read_keys
from proxyapp.errors import KeysUnreadable
from proxyapp.neutral.scope import Scope

SCOPE = Scope(models=("qwen*", "!*-big"), tokens_per_day=5)
A, B = "0a" * 32, "0b" * 32
TEAM = Key("team", A, "pxa-abc", 100, 200, SCOPE)
ME = Key("me", B)


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
    file.change(adding(TEAM, ME))
    assert file.current() == {A: TEAM, B: ME}


def test_without_a_file_there_are_no_keys(file):
    assert file.current() is None


def test_where_no_file_can_be_there_are_none(tmp_path):
    (tmp_path / "state").touch()
    assert KeyFile(tmp_path / "state" / "keys.json").current() is None


def test_a_file_without_keys_is_not_no_file(file):
    file.change(adding(TEAM))
    file.change(lambda named: named.clear())
    assert file.current() == {}


def test_a_change_that_is_none_makes_no_file(file):
    file.change(lambda named: named.pop("nobody", None))
    assert not file.path.exists()
    assert file.current() is None


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
    kept = sorted(path.name for path in file.path.parent.iterdir())
    assert kept == ["keys.json", "keys.lock"]


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


@pytest.mark.parametrize(
    "text",
    [
        *("", "{", "[]", "5", '{"keys": 5}', '{"keys": {}}', '{"keys": ["x"]}'),
        *('{"keys": [{"a": 1}]}', '{"keys": [null]}', '{"keys": [[]]}'),
    ],
)
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
    assert file.current() == {A: TEAM}
    file.path.write_text("{")
    assert file.current() == {A: TEAM}


@pytest.mark.reliability("R-044")
def test_a_file_that_is_gone_lets_nobody_in_any_more(file):
    file.change(adding(TEAM))
    assert file.current() == {A: TEAM}
    file.path.unlink()
    assert file.current() == {}
    assert file.current() == {}
    file.change(adding(ME))
    assert file.current() == {B: ME}


@pytest.mark.reliability("R-044")
def test_a_file_that_is_gone_before_it_was_looked_at_lets_nobody_in(file):
    file.change(adding(TEAM))
    later = KeyFile(file.path, Clock())
    file.path.unlink()
    assert later.current() == {}


def test_a_file_that_was_never_readable_and_is_gone_lets_nobody_in(file):
    file.path.parent.mkdir()
    file.path.touch(0o600)
    with pytest.raises(KeysUnreadable):
        file.current()
    file.path.unlink()
    assert file.current() == {}


def test_a_file_that_cannot_be_there_reads_as_one_that_is_not(tmp_path):
    (tmp_path / "state").touch()
    with pytest.raises(FileNotFoundError):
        read_keys(tmp_path / "state" / "keys.json")


def test_what_is_wrong_with_the_file_is_told_once(tmp_path):
    told = []
    file = KeyFile(tmp_path / "keys.json", Clock(), told.append)
    file.change(adding(TEAM))
    file.current()
    assert told == []
    file.path.write_text("{")
    file.current()
    file.current()
    assert len(told) == 1
    assert "no file of keys" in told[0]
    file.path.unlink()
    file.current()
    file.current()
    assert len(told) == 2
    assert "is gone" in told[1]


def test_two_keys_of_one_name_are_a_fault(file):
    file.change(adding(TEAM, ME))
    file.path.write_text(file.path.read_text().replace('"me"', '"team"'))
    with pytest.raises(KeysUnreadable) as refused:
        file.current()
    assert "the same name" in refused.value.why


@pytest.mark.reliability("R-044")
@pytest.mark.parametrize("mode", [0o770, 0o707, 0o722])
def test_a_file_that_others_could_replace_lets_nobody_in(file, mode):
    file.change(adding(TEAM))
    file.path.parent.chmod(mode)
    with pytest.raises(KeysUnreadable) as refused:
        file.current()
    assert f"chmod go-w {file.path.parent}" in refused.value.why


@pytest.mark.parametrize(
    ("owner", "reader", "foreign"),
    [(5, 5, False), (0, 5, False), (5, 0, False), (6, 5, True)],
)
def test_a_file_of_another_user_is_not_trusted(owner, reader, foreign):
    assert is_foreign(owner, reader) is foreign


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_what_root_writes_belongs_to_the_owner_of_the_directory(file):
    file.path.parent.mkdir(mode=0o700)
    os.chown(file.path.parent, 4321, 4321)
    file.change(adding(TEAM))
    owners = {path.stat().st_uid for path in file.path.parent.iterdir()}
    assert owners == {4321}


def test_two_commands_at_once_lose_nothing(file):
    names = [f"key-{number}" for number in range(12)]

    def add(number, name):
        key = Key(name, f"{number:064x}")
        KeyFile(file.path).change(adding(key))

    threads = [threading.Thread(target=add, args=one) for one in enumerate(names)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert {key.name for key in file.current().values()} == set(names)


def test_a_file_that_breaks_is_not_written_over(file):
    file.change(adding(TEAM))
    file.path.write_text("{")
    with pytest.raises(KeysUnreadable):
        file.change(adding(ME))
    assert file.path.read_text() == "{"


def test_a_change_that_fails_leaves_the_old_file(file, monkeypatch):
    file.change(adding(TEAM))
    monkeypatch.setattr(os, "replace", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        file.change(adding(ME))
    assert list(read_keys(file.path)) == [A]
    assert len(list(file.path.parent.iterdir())) == 2
