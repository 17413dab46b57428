"""What a person types first: the Makefile, in a folder where nothing is set up."""

import os
import shutil
import subprocess

import pytest

from tests.servers import ROOT

LIMIT = 20.0


def make(place, *arguments, **environ):
    return subprocess.run(
        ["/usr/bin/env", "make", "-C", str(place), *arguments],
        env={"PATH": os.environ["PATH"]} | environ,
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
    )


def programs(place, **scripts):
    """Write programs into a folder that stands first on the path."""
    folder = place / "bin"
    folder.mkdir()
    for name, script in scripts.items():
        program = folder / name.replace("_", ".")
        program.write_text(f"#!/bin/sh\n{script}\n", "ascii")
        program.chmod(0o755)
    return {"PATH": f"{folder}:{os.environ['PATH']}"}


@pytest.fixture
def clone(tmp_path):
    """Give a folder with the Makefile and nothing set up."""
    place = tmp_path / "clone"
    place.mkdir()
    for name in ("Makefile", "requirements.txt", "requirements-dev.txt"):
        shutil.copy(ROOT / name, place)
    return place


NOT_THERE = "exit 127"
OLD = 'test "$1" = --version && echo "Python 3.8.10"; exit 1'


def test_a_python_that_is_too_old_is_told_in_words(clone, tmp_path):
    names = ("python3_13", "python3_12", "python3_11")
    path = programs(tmp_path, python3=OLD, **dict.fromkeys(names, NOT_THERE))
    done = make(clone, "setup", **path)
    assert done.returncode != 0
    assert "needs Python 3.11 or newer; here is: Python 3.8.10" in done.stdout
    assert not (clone / ".venv").exists()


def test_a_python_without_venv_is_told_in_words(clone, tmp_path):
    broken = 'case "$1" in -c|--version) exit 0;; esac; mkdir .venv; exit 1'
    done = make(clone, "setup", **programs(tmp_path, python3_13=broken))
    assert done.returncode != 0
    assert "apt install python3-venv" in done.stdout
    assert not (clone / ".venv").exists()


def test_an_installation_that_fails_shows_why(clone, tmp_path):
    venv = clone / ".venv" / "bin"
    venv.mkdir(parents=True)
    (venv / "python").write_text("#!/bin/sh\necho no such host; exit 1\n", "ascii")
    (venv / "python").chmod(0o755)
    done = make(clone, "setup")
    assert done.returncode != 0
    assert "Installing requirements.txt\nno such host\n" in done.stdout


def test_without_node_the_javascript_clients_are_skipped_in_words(clone, tmp_path):
    (clone / "tests" / "js").mkdir(parents=True)
    (clone / "tests" / "js" / "package.json").write_text("{}", "ascii")
    done = make(clone, "javascript", **programs(tmp_path, npm=NOT_THERE))
    assert done.returncode == 0
    assert "Node.js is missing" in done.stdout


def test_without_node_the_gateway_is_set_up_all_the_same(clone, tmp_path):
    source = clone / "proxyapp" / "backends" / "copilot" / "helper" / "build.mjs"
    source.parent.mkdir(parents=True)
    source.touch()
    venv = clone / ".venv" / "bin"
    venv.mkdir(parents=True)
    (venv / "python").symlink_to("/bin/true")
    (clone / ".venv" / ".runtime").touch()
    done = make(clone, "setup", **programs(tmp_path, npm=NOT_THERE))
    assert done.returncode == 0
    assert "Node.js 20 or newer is missing: GitHub Copilot is un" in done.stdout


def test_what_is_set_up_is_not_set_up_again(clone):
    venv = clone / ".venv" / "bin"
    venv.mkdir(parents=True)
    (venv / "python").write_text("#!/bin/sh\nexit 1\n", "ascii")
    (venv / "python").chmod(0o755)
    (clone / ".venv" / ".runtime").touch()
    done = make(clone, "--no-print-directory", "setup")
    assert (done.returncode, done.stdout) == (0, "Ready: make run\n")


@pytest.mark.parametrize("target", ["run", "test", "check", "bench", "doctor"])
def test_every_command_is_a_target(target):
    done = make(ROOT, "--dry-run", target)
    assert done.returncode == 0, done.stderr


def test_the_gate_runs_the_checks_and_the_tests():
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    lines = script.read_text("utf-8").splitlines()
    assert lines[0] == "#!/usr/bin/env bash"
    assert lines[-2:] == ["make check", "make test"]
