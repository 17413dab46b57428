import re

import pytest

from proxyapp.auth.key import Key
from proxyapp.auth.keyfile import KeyFile
from proxyapp.auth.ring import KeyRing
from proxyapp.cli.main import main
from proxyapp.neutral.scope import Scope
from proxyapp.observe.database import Database
from tests.unit.observe.entries import entry


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


def test_to_revoke_nothing_does_not_switch_keys_on(capsys, keys):
    assert run(capsys, "revoke", "nobody")[0] == 1
    assert not keys.exists()


def test_a_name_is_given_once(capsys, keys):
    create(capsys, "team")
    code, _, told = run(capsys, "create", "team")
    assert code == 1
    assert "already" in told


def test_a_key_is_revoked_by_its_beginning_as_listed(capsys, keys):
    key = create(capsys, "team")
    create(capsys, "other")
    assert run(capsys, "revoke", f"{key[:10]}...")[:2] == (
        *(0, "The key 'team' is revoked.\n"),
    )
    assert "other" in run(capsys, "list")[1]


def test_a_beginning_that_two_keys_share_is_not_guessed_at(capsys, keys):
    made = [Key(name, f"{n:064x}", "pxa-same") for n, name in enumerate("ab")]
    KeyFile(keys).change(lambda named: named.update({k.name: k for k in made}))
    code, _, told = run(capsys, "revoke", "pxa-same...")
    assert (code, "a, b" in told) == (1, True)
    assert "b" in run(capsys, "list")[1]


def test_countries_are_written_as_any_letters(capsys, keys):
    create(capsys, "team", "--countries", "de,!Ru,!unknown")
    assert "countries DE,!RU,!unknown" in run(capsys, "list")[1]


def test_the_list_tells_of_last_uses_and_of_other_keys(capsys, keys, monkeypatch):
    monkeypatch.setenv("PROXYAPP_AUTH__KEYS", f"sha256:{'0a' * 32}")
    create(capsys, "team")
    create(capsys, "idle")
    database = Database(keys.parent, "w")
    database.open()
    database.insert([entry(key="team", time=1_700_000_000.0)])
    database.close()
    _, team, idle, _, others = run(capsys, "list")[1].splitlines()
    assert "2023-11-1" in team
    assert "unknown" in idle
    assert "holds 1 more" in others


def test_a_key_that_nobody_is_asked_for_is_told_of(capsys, keys, monkeypatch):
    monkeypatch.setenv("PROXYAPP_AUTH__REQUIRED", "never")
    assert "auth.required" in run(capsys, "create", "team")[2]


@pytest.mark.parametrize(
    "words",
    [
        ("create", "pxa-abcdefgh"),
        ("create", "team", "--models", ""),
        ("create", "team", "--models", "a,,b"),
        ("create", "team", "--backends", "!"),
        ("create", "team", "--countries", "Germany"),
        ("create", "team", "--expires", "0001-01-01"),
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
