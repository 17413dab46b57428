"""What is installed is what was named, to the last byte: pins, hashes, lock files."""

import importlib.metadata
import json
import re

import pytest
from packaging.requirements import Requirement

from tests.servers import ROOT

pytestmark = pytest.mark.reliability("R-061")

LOCKS = ("requirements", "requirements-dev")
ENTRY = re.compile(r"^([a-z0-9.-]+)==(\S+)((?: \\\n    --hash=sha256:[0-9a-f]{64})+)$")
LOCK_FILES = ("tests/js", "proxyapp/backends/copilot/helper")
SERVED = ("3.11", "3.12", "3.13")


def canonical(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def locked(name):
    """Give the version of each package in a lock."""
    text = (ROOT / f"{name}.txt").read_text("utf-8").strip()
    entries = re.split(r"\n(?! )", text)
    matches = [ENTRY.match(entry) for entry in entries]
    assert [e for e, m in zip(entries, matches, strict=True) if m is None] == []
    return {match[1]: match[2] for match in matches}


def asked(name):
    """Give the requirements that a person wrote."""
    lines = (ROOT / f"{name}.in").read_text("utf-8").splitlines()
    return [Requirement(line) for line in lines if line and line[0] not in "#-"]


def needed(requirements, python):
    """Give all that these requirements need, and what those need, on Linux."""
    todo, found = list(requirements), set()
    while todo:
        requirement = todo.pop()
        key = canonical(requirement.name), frozenset(requirement.extras)
        if key in found:
            continue
        found.add(key)
        for line in importlib.metadata.requires(requirement.name) or ():
            more = Requirement(line)
            extras = {"", *requirement.extras}
            wanted = [{"extra": e, "python_version": python} for e in extras]
            if more.marker is None or any(map(more.marker.evaluate, wanted)):
                todo.append(more)
    return {name for name, _ in found}


@pytest.mark.parametrize("name", LOCKS)
def test_every_package_is_pinned_with_the_hashes_of_its_files(name):
    assert len(locked(name)) > len(asked(name))


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_holds_what_was_asked_for(name):
    pins = {canonical(r.name): str(r.specifier) for r in asked(name)}
    versions = locked(name)
    assert pins == {package: f"=={versions[package]}" for package in pins}


@pytest.mark.parametrize("python", SERVED)
def test_a_lock_holds_all_that_each_python_needs(python):
    assert (
        needed(asked("requirements"), python) - locked("requirements").keys() == set()
    )


def test_both_locks_name_the_same_versions():
    runtime, development = map(locked, LOCKS)
    assert runtime.items() <= development.items()


def test_nothing_else_is_installed_than_what_is_locked():
    different = {
        name: importlib.metadata.version(name)
        for name, version in locked("requirements").items()
        if importlib.metadata.version(name) != version
    }
    assert different == {}


@pytest.mark.parametrize("file", ["Makefile", "Dockerfile"])
def test_packages_are_installed_by_their_hashes_only(file):
    assert "--require-hashes" in (ROOT / file).read_text("utf-8")


@pytest.mark.parametrize("place", LOCK_FILES)
def test_a_package_of_node_has_the_hash_of_its_file(place):
    lock = json.loads((ROOT / place / "package-lock.json").read_text("utf-8"))
    packages = {name: told for name, told in lock["packages"].items() if name}
    assert packages
    open_ended = [name for name, told in packages.items() if "integrity" not in told]
    assert open_ended == []


@pytest.mark.parametrize("place", LOCK_FILES)
def test_a_lock_file_of_node_names_no_host(place):
    assert '"resolved"' not in (ROOT / place / "package-lock.json").read_text("utf-8")


def test_npm_runs_no_script_of_a_package():
    recipes = (ROOT / "Makefile").read_text("utf-8")
    assert "npm ci --ignore-scripts" in recipes
    assert "npm install" not in recipes
