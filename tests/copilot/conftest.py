"""A gateway with a Copilot account for each of the two libraries, for the session.

The account is played; the process beside the gateway and the library in it are real.
"""

import contextlib
import json
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.copilot_helper.process import unavailable
from tests.fakes.copilot import FakeCopilot
from tests.servers import running_gateway
from tests.servers import RunningGateway

LIBRARIES = ("earendil", "mariozechner")
QUICK = {
    "PROXYAPP_STREAM__COMMIT_AFTER": 5,
    "PROXYAPP_STREAM__HEARTBEAT": 0.3,
}


@dataclass(frozen=True)
class Place:
    """A gateway and the account behind it."""

    github: FakeCopilot
    gateway: RunningGateway

    @property
    def url(self) -> str:
        """The gateway's base URL."""
        return self.gateway.url


def logged_in(github: FakeCopilot, directory: Path) -> None:
    """Leave a login in the state directory, as the process itself writes it."""
    login = {
        "type": "oauth",
        "refresh": github.github_token,
        "access": github.copilot_token(),
        "expires": int(time.time() * 1000) + 1_200_000,
    }
    directory.chmod(0o700)
    store = directory / "copilot.json"
    store.touch(0o600)
    store.write_text(json.dumps({"github-copilot": login}), "utf-8")


@contextlib.contextmanager
def playing(library: str, **env: object) -> Iterator[Place]:
    """Run a gateway whose account is logged in."""
    reason = unavailable()
    if reason:
        pytest.skip(reason)
    with (
        FakeCopilot() as github,
        tempfile.TemporaryDirectory(prefix="pxa-") as state,
    ):
        logged_in(github, Path(state))
        given = {
            "PI_AI_IMPL": library,
            "PROXYAPP_STATE__DIRECTORY": state,
            "PROXYAPP_COPILOT__EGRESS": github.url,
            # No llama-server: the account is all there is.
            "UPSTREAM": "http://127.0.0.1:9",
        }
        with running_gateway(**QUICK, **given, **env) as gateway:
            yield Place(github, gateway)


def fresh(place: Place) -> Iterator[Place]:
    """Give a place with nothing queued or recorded; a broken script fails."""
    place.github.reset()
    yield place
    errors, place.github.errors = place.github.errors, []
    assert errors == []


@pytest.fixture(scope="session", params=LIBRARIES)
def managed_place(request: pytest.FixtureRequest) -> Iterator[Place]:
    """Run a gateway that answers from its own account."""
    with playing(request.param) as running:
        yield running


@pytest.fixture(scope="session", params=LIBRARIES)
def passing_place(request: pytest.FixtureRequest) -> Iterator[Place]:
    """Run a gateway that answers from its callers' accounts."""
    with playing(request.param, PROXYAPP_COPILOT__AUTH="passthrough") as running:
        yield running


@pytest.fixture
def place(managed_place: Place) -> Iterator[Place]:
    """Give the gateway with an account of its own."""
    yield from fresh(managed_place)


@pytest.fixture
def passing(passing_place: Place) -> Iterator[Place]:
    """Give the gateway without one."""
    yield from fresh(passing_place)
