import http.server
import threading
from dataclasses import replace

import pytest

from proxyapp.admin import doctor
from proxyapp.auth.key import Key
from proxyapp.auth.keyfile import KeyFile
from proxyapp.backends.base import Finding
from proxyapp.backends.echo import EchoBackend
from proxyapp.backends.openai.backend import OpenAIBackend
from proxyapp.settings.errors import Problem
from proxyapp.settings.errors import SettingsError
from proxyapp.settings.schema import AuthSettings
from proxyapp.settings.schema import BackendSettings
from proxyapp.settings.schema import ServerSettings
from proxyapp.settings.schema import Settings
from proxyapp.settings.schema import StateSettings
from proxyapp.settings.schema import UpstreamSettings

# What llama-server answers to tools when it runs with --no-jinja (build 0c1e570).
NO_JINJA = {
    "error": {
        "code": 500,
        "message": "tools param requires --jinja flag",
        "type": "server_error",
    }
}


def llama_at(url, **entry):
    return OpenAIBackend(BackendSettings("llama", url=url, **entry), UpstreamSettings())


def faults(*backends):
    return [finding for finding in doctor.check_backends(backends) if not finding.ok]


@pytest.fixture
def file_server():
    """Serve files, as the wrong program on a port might."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Quiet) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


# ------------------------------------------------------------------- model servers


def test_a_good_server_has_no_fault(upstream):
    findings = doctor.check_backends([llama_at(upstream.url)])
    assert findings
    assert all(finding.ok for finding in findings)
    assert f"{upstream.url} answers" in findings[0].message


def test_a_server_that_is_not_there_is_to_be_started(upstream):
    upstream.refuse()
    (fault,) = faults(llama_at(upstream.url))
    assert f"No model server at {upstream.url}" in fault.message
    assert "refused the connection" in fault.message
    assert f"llama-server -m MODEL.gguf --jinja --port {upstream.port}" in fault.remedy


def test_another_http_server_on_the_port_is_told_apart(file_server):
    (fault,) = faults(llama_at(file_server))
    assert "answered 404: this is no OpenAI-compatible server" in fault.message
    assert "Set UPSTREAM" in fault.remedy


def test_a_program_that_speaks_something_else_is_told_apart(upstream):
    upstream.play(b"SSH-2.0-OpenSSH_9.2\r\n", path="/v1/models")
    (fault,) = faults(llama_at(upstream.url))
    assert "does not speak HTTP" in fault.message
    assert "Set UPSTREAM" in fault.remedy


def test_a_loading_server_wants_patience(upstream):
    upstream.loading = True
    (fault,) = faults(llama_at(upstream.url))
    assert "still loading its model" in fault.message
    assert fault.remedy.startswith("Wait")


def test_a_server_without_jinja_is_to_be_restarted(upstream):
    upstream.reply(500, NO_JINJA, path="/apply-template")
    (fault,) = faults(llama_at(upstream.url))
    assert "tools cannot be used" in fault.message
    assert "--jinja" in fault.remedy


def test_a_server_that_refuses_our_key_is_told(upstream):
    upstream.key = "the right one"
    (fault,) = faults(llama_at(upstream.url, key="a wrong one"))
    assert "refused the key (401)" in fault.message
    assert "a wrong one" not in str(fault)


def test_a_small_context_is_told(upstream):
    upstream.props["default_generation_settings"]["n_ctx"] = 4096
    (fault,) = faults(llama_at(upstream.url))
    assert "only 4096 tokens" in fault.message
    assert "-c" in fault.remedy


def test_every_server_is_examined(upstream):
    findings = doctor.check_backends([llama_at(upstream.url), EchoBackend()])
    assert {finding.subject for finding in findings} == {"llama", "echo"}


def test_a_check_that_breaks_is_a_fault_and_not_the_end():
    class Broken(EchoBackend):
        def check(self):
            raise RuntimeError("out of cheese")

    broken, good = doctor.check_backends([Broken("broken"), EchoBackend()])
    assert (broken.ok, good.ok) == (False, True)
    assert "out of cheese" in broken.message


# ----------------------------------------------------------------- the installation


@pytest.mark.parametrize("version", [(3, 11, 0), (3, 13, 2)])
def test_a_python_that_is_new_enough_passes(version):
    assert doctor.check_python(version).ok


def test_a_python_that_is_too_old_is_named():
    finding = doctor.check_python((3, 10, 13))
    assert not finding.ok
    assert "3.10.13" in finding.message
    assert "3.11" in finding.remedy


def test_everything_that_serving_needs_is_installed():
    assert doctor.check_packages().ok


def test_a_package_that_is_missing_is_named():
    finding = doctor.check_packages(["flask", "no_such_package"])
    assert finding.message == "not installed: no_such_package"
    assert "make setup" in finding.remedy


def test_few_open_files_are_told(monkeypatch):
    monkeypatch.setattr(doctor.resource, "getrlimit", lambda _: (256, 1024))
    finding = doctor.check_files()
    assert "1024 open files, which is 512 streams" in finding.message
    assert finding.remedy


def test_each_problem_in_the_settings_is_a_fault():
    error = SettingsError([Problem("a.toml, line 3", "x"), Problem("B", "y")])
    first, second = doctor.settings_faults(error)
    assert first.message == "a.toml, line 3: x"
    assert not second.ok
    assert "docs/settings.md" in second.remedy


def test_keys_are_counted_wherever_they_are(tmp_path):
    state = StateSettings(directory=str(tmp_path))
    settings = Settings(state=state, auth=AuthSettings(("0b" * 32,)))
    made = Key("team", "0a" * 32)
    KeyFile(tmp_path / "keys.json").change(lambda named: named.update(team=made))
    assert doctor.check_keys(settings) == Finding(True, "keys", "2 known")
    (tmp_path / "keys.json").chmod(0o644)
    finding = doctor.check_keys(settings)
    assert not finding.ok
    assert "chmod 600" in finding.message


@pytest.mark.parametrize(
    ("host", "required", "ok", "words"),
    [
        ("127.0.0.1", "auto", True, "none is needed"),
        ("127.0.0.1", "never", True, "switched off"),
        ("127.0.0.1", "always", False, "there is none"),
        ("0.0.0.0", "auto", False, "there is none"),
    ],
)
def test_a_key_that_is_missing_is_told(host, required, ok, words):
    auth = AuthSettings(required=required)
    finding = doctor.check_keys(replace(listening(host), auth=auth))
    assert (finding.ok, words in finding.message) == (ok, True)


def test_the_file_that_was_read_is_named(tmp_path):
    source = tmp_path / "config.toml"
    assert str(source) in doctor.check_source(Settings(source=source)).message


def test_settings_without_a_file_are_told():
    assert "no file" in doctor.check_source(Settings()).message


def listening(host, **server):
    return Settings(server=ServerSettings(listen_host=host, **server))


def test_a_loopback_address_is_safe():
    assert doctor.check_binding(listening("127.0.0.1")).ok


def test_an_open_address_without_keys_is_a_fault():
    finding = doctor.check_binding(listening("0.0.0.0"))
    assert not finding.ok
    assert "python -m proxyapp key" in finding.remedy


def test_an_open_address_with_a_key_is_safe():
    keys = AuthSettings(keys=("0a" * 32,))
    finding = doctor.check_binding(replace(listening("0.0.0.0"), auth=keys))
    assert finding.ok
    assert "need a key" in finding.message


def test_an_open_address_on_purpose_is_told():
    finding = doctor.check_binding(listening("0.0.0.0", allow_unauthenticated=True))
    assert finding.ok
    assert "everyone may call" in finding.message


# ----------------------------------------------------------------- everything at once


def backends_of(settings):
    return [llama_at(entry.url) for entry in settings.backends]


def test_all_is_examined(upstream, tmp_path):
    environ = {"UPSTREAM": upstream.url, "LISTEN_PORT": "1"}
    findings = doctor.examine(environ, tmp_path, backends_of)
    subjects = [finding.subject for finding in findings]
    expected = ["python", "packages", "files", "settings", "listen", "keys", "port"]
    expected.append("llama")
    assert list(dict.fromkeys(subjects)) == expected


def test_with_unusable_settings_the_rest_is_examined(tmp_path):
    environ = {"LISTEN_PORT": "many"}
    findings = doctor.examine(environ, tmp_path, backends_of)
    assert [f.subject for f in findings if not f.ok] == ["settings"]
    assert Finding(True, "packages", "everything is installed") in findings
