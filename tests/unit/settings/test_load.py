import os
from pathlib import Path

import pytest

from proxyapp.settings.errors import SettingsError
from proxyapp.settings.load import load_settings
from proxyapp.settings.schema import Settings
from proxyapp.settings.shipped import CONFIG


@pytest.fixture
def load(tmp_path):
    def with_file(text=None, **environ):
        if text is not None:
            (tmp_path / "config.toml").write_text(text)
        return load_settings(environ, tmp_path)

    return with_file


def refusal(load, *text, **environ):
    with pytest.raises(SettingsError) as caught:
        load(*text, **environ)
    return str(caught.value)


def test_without_a_file_or_variables_the_defaults_hold(load):
    assert load() == Settings()


def test_the_file_overrides_the_defaults(load):
    settings = load("[server]\nworkers = 7\n")
    assert (settings.server.workers, settings.server.listen_port) == (7, 11434)


def test_the_environment_overrides_the_file(load):
    settings = load("[server]\nlisten_port = 1\nworkers = 7\n", LISTEN_PORT="2")
    assert (settings.server.workers, settings.server.listen_port) == (7, 2)


def test_aliases_of_the_file_and_the_environment_are_joined(load):
    settings = load(
        '[models.aliases]\na = "x"\nb = "x"\n',
        PROXYAPP_MODELS__ALIASES='{"b": "y"}',
    )
    assert settings.models.aliases == {"a": "x", "b": "y"}


def test_the_source_is_the_file_that_was_read(load, tmp_path):
    assert load("").source == tmp_path / "config.toml"


def test_without_a_file_there_is_no_source(load):
    assert load().source is None


def test_the_process_stands_in_for_missing_arguments(tmp_path, monkeypatch):
    (tmp_path / "config.toml").write_text("[server]\nworkers = 7\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PROXYAPP_CONFIG", raising=False)
    monkeypatch.setitem(os.environ, "LISTEN_PORT", "9")
    server = load_settings().server
    assert (server.workers, server.listen_port) == (7, 9)


def test_an_unknown_key_names_file_line_and_nearest(load, tmp_path):
    assert (
        f"{tmp_path / 'config.toml'}, line 3: server.wrokers is not a setting;"
        " did you mean server.workers?"
    ) in refusal(load, "[server]\nlisten_port = 1\nwrokers = 2\n")


def test_a_wrong_value_names_file_line_found_and_expected(load, tmp_path):
    assert (
        f"{tmp_path / 'config.toml'}, line 2: server.workers is 'two' (text);"
        " expected a whole number from 1 up to 256"
    ) in refusal(load, '[server]\nworkers = "two"\n')


def test_a_wrong_variable_is_named(load):
    assert (
        "LISTEN_PORT in the environment: server.listen_port is 'abc' (text);"
        " expected a whole number from 0 up to 65535"
    ) in refusal(load, LISTEN_PORT="abc")


def test_a_wrong_upstream_names_its_variable(load):
    assert (
        "UPSTREAM in the environment: upstream.url has the scheme 'ftp'"
    ) in refusal(load, UPSTREAM="ftp://a")


def test_a_variable_that_is_not_a_number_is_refused(load):
    found = refusal(load, PROXYAPP_STREAM__HEARTBEAT="nan")
    assert "stream.heartbeat is not a finite number" in found


def test_problems_of_file_and_environment_are_reported_together(load):
    message = refusal(load, "[log]\nverbos = 1\n", LISTEN_PORT="abc")
    assert "log.verbos " in message
    assert "LISTEN_PORT" in message


def test_a_named_file_that_is_missing_is_an_error(load):
    assert "/nowhere.toml: cannot be read" in refusal(
        load, PROXYAPP_CONFIG="/nowhere.toml"
    )


def test_the_example_loads():
    environ = {
        "PROXYAPP_CONFIG": str(CONFIG / "example.toml"),
        "HOSTED_API_KEY": "sesame",
    }
    settings = load_settings(environ, Path("/"))
    assert [b.name for b in settings.backends] == ["coder", "small", "hosted"]
    assert settings.backends[2].key == "sesame"


def test_the_defaults_are_a_valid_user_file():
    environ = {"PROXYAPP_CONFIG": str(CONFIG / "defaults.toml")}
    settings = load_settings(environ, Path("/"))
    assert settings.server == Settings().server
    assert not settings.configured


def test_no_text_of_the_settings_holds_a_key(load):
    settings = load('[[backends]]\nname = "a"\nurl = "b"\nkey = "sesame"\n')
    assert "sesame" not in repr(settings)
