import re

import pytest

from proxyapp.auth.keyfile import KeyFile
from proxyapp.auth.ring import KeyRing
from proxyapp.cli.main import main
from proxyapp.neutral.scope import Scope


@pytest.fixture(autouse=True)
def keys(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("PROXYAPP_STATE__DIRECTORY", str(tmp_path / "state"))
    return tmp_path / "state" / "keys.json"


def run(capsys, *words):
    code = main(["keys", *words])
    told = capsys.readouterr()
    return code, told.out, told.err


def create(capsys, *words):
    code, told, _ = run(capsys, "create", *words)
    assert code == 0
    return re.search(r"pxa-\S+", told).group()


def callers(path, key):
    return KeyRing([], KeyFile(path)).check({"x-api-key": key})


@pytest.mark.reliability("R-043")
def test_a_key_is_shown_once_and_kept_as_a_digest(capsys, keys):
    key = create(capsys, "team")
    assert callers(keys, key).key == "team"
    assert key not in keys.read_text()
    assert key not in run(capsys, "list")[1]


def test_a_key_has_a_scope(capsys, keys):
    key = create(
        capsys,
        *("team", "--models", "qwen*, !*-big", "--backends", "llama"),
        *("--countries", "DE", "--requests-per-minute", "5"),
        *("--tokens-per-minute", "1000", "--tokens-per-day", "20000"),
    )
    assert callers(keys, key).scope == Scope(
        ("qwen*", "!*-big"), ("llama",), ("DE",), 5, 1000, 20000
    )
    told = run(capsys, "list")[1]
    assert "models qwen*,!*-big; backends llama; countries DE" in told
    assert "5 requests/minute; 1,000 tokens/minute; 20,000 tokens/day" in told


def test_the_list_shows_how_a_key_begins_and_ends(capsys, keys):
    key = create(capsys, "team", "--expires", "2100-01-31")
    _, row = run(capsys, "list")[1].splitlines()
    assert row.split()[:2] == ["team", f"{key[:10]}..."]
    assert "2100-02-01" in row or "2100-01-31" in row
    assert row.endswith("everything")


def test_a_key_may_expire_after_days(capsys, keys):
    create(capsys, "team", "--expires", "30d")
    create(capsys, "gone", "--expires", "2020-01-01")
    told = run(capsys, "list")[1]
    assert "never" not in told
    assert told.count("expired") == 1


@pytest.mark.reliability("R-043")
def test_a_revoked_key_is_forgotten(capsys, keys):
    create(capsys, "team")
    assert run(capsys, "revoke", "team")[0] == 0
    assert "team" not in run(capsys, "list")[1]
    code, _, told = run(capsys, "revoke", "team")
    assert (code, told) == (1, "There is no key 'team'.\n")


def test_a_name_is_given_once(capsys, keys):
    create(capsys, "team")
    code, _, told = run(capsys, "create", "team")
    assert code == 1
    assert "already" in told


@pytest.mark.parametrize(
    "words",
    [
        ("create", "a b"),
        ("create", "team", "--expires", "soon"),
        ("create", "team", "--tokens-per-day", "-5"),
        ("create",),
    ],
)
def test_what_cannot_be_meant_is_refused(words, capsys, keys):
    with pytest.raises(SystemExit) as refused:
        main(["keys", *words])
    assert refused.value.code == 2
    assert not keys.exists()


def test_a_file_that_cannot_be_read_is_told(capsys, keys):
    create(capsys, "team")
    keys.chmod(0o644)
    for words in (("list",), ("create", "me"), ("revoke", "team")):
        code, _, told = run(capsys, *words)
        assert code == 1
        assert "chmod 600" in told


def test_a_directory_that_is_none_is_told(capsys, keys):
    keys.parent.touch()
    code, _, told = run(capsys, "create", "team")
    assert code == 1
    assert "cannot be written" in told
