"""The scripted stand-in for the Node process, in a directory of its own."""

import contextlib
import os
import signal
import sys
from collections.abc import Callable
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from proxyapp.backends.copilot.process import NodeProcess
from proxyapp.errors import UpstreamUnreachable
from tests.fakes.scripted_process import PROGRAM

Start = Callable[..., NodeProcess]


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    """Make processes whose ``node`` is a Python; end them all."""
    place = tmp_path / "bin"
    place.mkdir()
    (place / "node").symlink_to(sys.executable)
    monkeypatch.setenv("PATH", str(place), prepend=os.pathsep)
    monkeypatch.setenv("HOME", str(tmp_path))
    made: list[NodeProcess] = []

    def make(**options: Any) -> NodeProcess:
        made.append(NodeProcess(tmp_path / "state", options, PROGRAM))
        return made[-1]

    yield make
    for process in made:
        end(process)


def end(process: NodeProcess) -> None:
    """Kill what still listens."""
    process.close()
    try:
        connection = process.reach()
    except UpstreamUnreachable:
        return
    if connection is not None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(connection.pid, signal.SIGKILL)
        connection.close()
    if process._child is not None:
        process._child.wait(10)
