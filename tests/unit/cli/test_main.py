import pytest

from proxyapp import __version__
from proxyapp.cli.main import main


@pytest.fixture(autouse=True)
def _nobodys_settings(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))


def test_the_version_is_told(capsys):
    with pytest.raises(SystemExit) as caught:
        main(["--version"])
    assert caught.value.code == 0
    assert capsys.readouterr().out == f"proxyapp {__version__}\n"


@pytest.mark.parametrize(
    "command", ["serve", "models", "usage", "doctor", "key", "keys", "copilot"]
)
def test_every_subcommand_explains_itself(command, capsys):
    with pytest.raises(SystemExit) as caught:
        main([command, "--help"])
    assert caught.value.code == 0
    assert f"proxyapp {command}" in capsys.readouterr().out


def test_without_a_subcommand_the_use_is_told(capsys):
    with pytest.raises(SystemExit) as caught:
        main([])
    assert caught.value.code == 2
    assert "COMMAND" in capsys.readouterr().err


def test_a_subcommand_runs(capsys):
    assert main(["key"]) == 0
    assert "sha256:" in capsys.readouterr().out


@pytest.mark.parametrize("command", ["serve", "models"])
def test_settings_that_cannot_be_used_stop_the_start_in_words(
    command, monkeypatch, capsys
):
    monkeypatch.setenv("LISTEN_PORT", "many")
    assert main([command]) == 2
    assert "LISTEN_PORT in the environment" in capsys.readouterr().err
