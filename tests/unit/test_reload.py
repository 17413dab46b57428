import pytest
from werkzeug.test import Client

from proxyapp import reload
from proxyapp.reload import FIXED
from proxyapp.reload import LiveApp
from proxyapp.settings.errors import SettingsError

ECHO = '[[backends]]\nname = "{}"\nkind = "echo"\n'


@pytest.fixture
def told(monkeypatch):
    lines = []
    for name in ("log_event", "log_trouble"):
        monkeypatch.setattr(reload, name, lambda text, **_: lines.append(text))
    return lines


@pytest.fixture
def stage(tmp_path, told):
    """Give an application, and the function that changes its settings file."""

    def write(text):
        (tmp_path / "config.toml").write_text(text, "utf-8")
        app.refresh()
        app.refresh()

    (tmp_path / "config.toml").write_text(ECHO.format("one"), "utf-8")
    app = LiveApp({}, tmp_path)
    return app, write


def health(app, **headers):
    return Client(app).get("/health", headers=headers).json


def models(app):
    listed = Client(app).get("/v1/models").json["data"]
    return [model["id"] for model in listed]


def test_new_settings_serve_new_requests(stage):
    app, write = stage
    write(ECHO.format("one") + '[models.aliases]\nparrot = "echo"\n')
    assert models(app) == ["echo", "parrot"]


def test_backends_that_stay_the_same_are_carried_over(stage):
    app, write = stage
    kept, *_ = app._gateway.backends
    write(ECHO.format("two") + ECHO.format("one"))
    new, old, *_ = app._gateway.backends
    assert (new.name, old) == ("two", kept)


def test_another_patience_makes_another_backend(stage):
    app, write = stage
    before, *_ = app._gateway.backends
    write("[upstream]\nidle_timeout = 5\n" + ECHO.format("one"))
    assert app._gateway.backends[0] is not before


def test_what_was_learned_stays_known(stage):
    app, write = stage
    app._gateway.counters.add("told")
    write("[stream]\nheartbeat = 3\n" + ECHO.format("one"))
    assert app._gateway.pace.heartbeat == 3.0
    assert app._gateway.counters.snapshot() == {("told", ""): 1}


def test_broken_settings_leave_the_old_ones(stage, told):
    app, write = stage
    before = app._gateway
    write('[stream]\n\nheartbeat = "often"\n')
    assert app._gateway is before
    assert "config.toml, line 3: stream.heartbeat" in told[-1]
    assert "config.toml, line 3: stream.heartbeat" in health(app)["settings"]


def test_a_fault_is_told_once_and_goes_when_it_is_mended(stage, told):
    app, write = stage
    write("[nonsense]\n")
    app.refresh()
    assert len(told) == 1
    write(ECHO.format("one"))
    assert told[1:] == ["settings taken up"]
    assert "settings" not in health(app)


def test_a_fault_is_no_business_of_those_without_a_key(stage):
    app, write = stage
    write(f'[auth]\nkeys = ["sha256:{"0" * 64}"]\n')
    write("[nonsense]\n")
    assert "settings" not in health(app)


def test_what_needs_a_restart_is_named_and_left(stage, told):
    app, write = stage
    write("[server]\nworkers = 7\nbody_timeout = 4\n" + ECHO.format("one"))
    server = app._gateway.settings.server
    assert (server.workers, server.body_timeout) == (2, 4.0)
    assert told[-1].endswith(": server.workers")


def test_an_open_address_stays_closed_to_those_without_keys(tmp_path, told):
    keys = f'[auth]\nkeys = ["sha256:{"0" * 64}"]\n'
    (tmp_path / "config.toml").write_text(keys, "utf-8")
    app = LiveApp({"LISTEN_HOST": "0.0.0.0"}, tmp_path)
    (tmp_path / "config.toml").write_text("", "utf-8")
    app.refresh()
    app.refresh()
    assert Client(app).get("/v1/models").status_code == 401
    assert "ALLOW_UNAUTHENTICATED" in told[-1]


def test_the_environment_wins_over_the_changed_file(tmp_path, told):
    (tmp_path / "config.toml").write_text("[stream]\nheartbeat = 2\n", "utf-8")
    app = LiveApp({"PROXYAPP_STREAM__HEARTBEAT": "3"}, tmp_path)
    (tmp_path / "config.toml").write_text(
        "[stream]\nheartbeat = 44\ncommit_after = 1\n", "utf-8"
    )
    app.refresh()
    app.refresh()
    stream = app._gateway.settings.stream
    assert (stream.heartbeat, stream.commit_after) == (3.0, 1.0)


def test_an_unexpected_failure_does_not_stop_the_watch(stage, monkeypatch):
    app, write = stage
    failures = []
    monkeypatch.setattr(reload, "log_failure", failures.append)
    with monkeypatch.context() as broken:
        broken.setattr(reload, "build_app", lambda gateway: 1 // 0)
        write("[stream]\nheartbeat = 3\n")
    assert isinstance(failures[0], ZeroDivisionError)
    write("[stream]\nheartbeat = 44\n")
    assert app._gateway.pace.heartbeat == 44.0


def test_the_start_refuses_what_cannot_be_used(tmp_path):
    (tmp_path / "config.toml").write_text("[nonsense]\n", "utf-8")
    with pytest.raises(SettingsError):
        LiveApp({}, tmp_path)


def test_what_is_fixed_are_settings_of_the_server(stage):
    server = stage[0]._gateway.settings.server
    assert all(hasattr(server, name) for name in FIXED)
