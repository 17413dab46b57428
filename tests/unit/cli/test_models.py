import io

import pytest

from proxyapp.backends.base import ModelInfo
from proxyapp.cli.models import run
from proxyapp.cli.models import table
from proxyapp.cli.terminal import Terminal

QWEN = ModelInfo(
    "qwen3-8b",
    "llama",
    "/models/qwen3.gguf",
    context_length=32768,
    capabilities=frozenset({"tools", "completion"}),
)


@pytest.fixture
def listing(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))

    def run_command():
        output, errors = io.StringIO(), io.StringIO()
        code = run(Terminal(output, errors, {}))
        return code, output.getvalue(), errors.getvalue()

    return run_command


def test_a_model_is_a_line():
    lines = table([QWEN], {"gpt-4o": "qwen3-8b", "other": "tiny"})
    assert lines == [
        "MODEL     BACKEND  CONTEXT  CAPABILITIES       ALIASES",
        "qwen3-8b  llama    32,768   completion, tools  gpt-4o",
    ]


def test_an_unknown_context_is_not_invented():
    assert "unknown" in table([ModelInfo("a", "b", "c")], {})[1]


def test_the_models_of_the_upstream_are_listed(listing, upstream, monkeypatch):
    monkeypatch.setenv("UPSTREAM", upstream.url)
    code, output, errors = listing()
    assert (code, errors) == (0, "")
    assert "tiny" in output


def test_an_upstream_that_is_silent_is_named(listing, upstream, monkeypatch):
    monkeypatch.setenv("UPSTREAM", upstream.url)
    upstream.refuse()
    code, _, errors = listing()
    assert code == 1
    assert f"No model server at {upstream.url}" in errors
