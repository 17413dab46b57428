import io
import socket

import pytest

from proxyapp.cli import serve
from proxyapp.cli.terminal import Terminal
from proxyapp.settings.errors import SettingsError


class Replaced(BaseException):
    """The process would be another one now."""


@pytest.fixture
def started(monkeypatch, tmp_path):
    """Start with some environment, up to the moment at which gunicorn takes over."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    output, errors = io.StringIO(), io.StringIO()

    def execv(program, arguments):
        raise Replaced(program, arguments)

    def start(**environ):
        for name, value in environ.items():
            monkeypatch.setenv(name, str(value))
        monkeypatch.setattr(serve.os, "execv", execv)
        try:
            code = serve.run(Terminal(output, errors, {}))
        except Replaced as replaced:
            code = replaced.args[1]
        return code, output.getvalue(), errors.getvalue()

    return start


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def test_gunicorn_takes_over_with_its_configuration(started, upstream):
    command, output, _ = started(UPSTREAM=upstream.url, LISTEN_PORT=free_port())
    assert command[1:4] == ["-m", "gunicorn", "-c"]
    assert command[4] == str(serve.ROOT / "gunicorn.conf.py")
    assert (serve.ROOT / "gunicorn.conf.py").is_file()
    assert output.count("+- proxyapp") == 1


def test_the_box_tells_of_the_upstream_and_its_model(started, upstream):
    _, output, _ = started(UPSTREAM=upstream.url, LISTEN_PORT=free_port())
    assert f"llama: {upstream.url} answers" in output
    assert "tiny" in output


def test_a_missing_upstream_does_not_stop_the_start(started, upstream):
    upstream.refuse()
    command, output, _ = started(UPSTREAM=upstream.url, LISTEN_PORT=free_port())
    assert command[2] == "gunicorn"
    assert f"No model server at {upstream.url}" in output
    assert "--jinja" in output


def test_a_taken_port_stops_the_start_in_words(started):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        code, output, errors = started(LISTEN_PORT=port)
    assert (code, output) == (1, "")
    assert f"Port {port} is held by" in errors
    assert "LISTEN_PORT=" in errors


def test_an_open_address_without_keys_stops_the_start(started):
    with pytest.raises(SettingsError, match="ALLOW_UNAUTHENTICATED"):
        started(LISTEN_HOST="0.0.0.0")
