"""The process beside the gateway: many calls at once, its death, and what it knows."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path

import pytest

from tests.copilot.clients import CLIENTS
from tests.copilot.conftest import LIBRARIES
from tests.copilot.conftest import Place
from tests.copilot.conftest import playing
from tests.copilot.test_matrix import answered
from tests.copilot.test_matrix import each_api
from tests.copilot.test_matrix import MODELS
from tests.copilot.turns import Asked
from tests.copilot.turns import Said
from tests.fakes.copilot.scenarios import WORDS
from tests.fakes.copilot.steps import Hang
from tests.fakes.copilot.steps import words
from tests.servers import children_of

pytestmark = [pytest.mark.live, pytest.mark.node]


def process_of(place: Place) -> int:
    """Give the pid of the process; a call must have been made."""
    (pid,) = [pid for one in place.gateway.worker_pids for pid in children_of(one)]
    return pid


def gone(pid: int, limit: float) -> bool:
    """Wait for a process to end."""
    deadline = time.monotonic() + limit
    while time.monotonic() < deadline:
        status = Path(f"/proc/{pid}/stat")
        if not status.exists() or ") Z " in status.read_text("utf-8"):
            return True
        time.sleep(0.05)
    return False


@each_api
def test_many_streams_run_at_once(place: Place, api: str) -> None:
    place.github.script(*words(WORDS, 9), every=0.02)
    heard: list[str] = []

    def ask() -> None:
        client = CLIENTS["openai"](place.url)
        heard.append(answered(client, Asked(MODELS[api], "hi"), True).text)

    threads = [threading.Thread(target=ask) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert heard == [WORDS] * 12


@pytest.mark.reliability("R-023")
@pytest.mark.parametrize("dialect", ["openai", "anthropic"])
def test_a_killed_process_fails_its_calls_and_no_other(
    place: Place, dialect: str
) -> None:
    place.github.script(*words("Once upon a time", 4), Hang(20))
    client = CLIENTS[dialect](place.url)
    pieces = client.pieces(Asked(MODELS["messages"], "Tell"))
    assert next(pieces)
    first = process_of(place)
    os.kill(first, signal.SIGKILL)
    with pytest.raises(client.failures):
        list(pieces)
    place.github.reset()
    said = answered(client, Asked(MODELS["messages"], "hi"), stream=True)
    assert said.text == "Hello there."
    assert process_of(place) != first


def test_no_secret_is_told_to_the_process(place: Place) -> None:
    answered(CLIENTS["openai"](place.url), Asked(MODELS["messages"], "hi"), False)
    process = Path(f"/proc/{process_of(place)}")
    told = (process / "environ").read_bytes() + (process / "cmdline").read_bytes()
    for secret in ("gho_", "tid=", "proxy-ep"):
        assert secret.encode() not in told
        assert secret not in place.gateway.log


@pytest.mark.parametrize("library", LIBRARIES)
def test_the_process_ends_after_the_gateway(library: str) -> None:
    with playing(library) as place:
        said = CLIENTS["openai"](place.url).attempt(
            Asked(MODELS["messages"], "hi"), stream=False
        )
        assert isinstance(said, Said)
        pid = process_of(place)
    assert gone(pid, 20)
