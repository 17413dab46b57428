"""The played Copilot and a process in front of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.copilot_helper.process import Helper
from tests.copilot_helper.process import unavailable
from tests.fakes.copilot import FakeCopilot

IMPLEMENTATIONS = ("earendil", "mariozechner")


@pytest.fixture(autouse=True)
def _available() -> None:
    reason = unavailable()
    if reason:
        pytest.skip(reason)


@pytest.fixture
def github() -> Iterator[FakeCopilot]:
    with FakeCopilot() as played:
        yield played


@pytest.fixture
def helper(github: FakeCopilot) -> Iterator[Helper]:
    with Helper(github.url) as process:
        yield process


@pytest.fixture(params=IMPLEMENTATIONS)
def either(github: FakeCopilot, request: pytest.FixtureRequest) -> Iterator[Helper]:
    """Give a process with each version of the library."""
    with Helper(github.url, implementation=request.param) as process:
        yield process


@pytest.fixture
def auth(github: FakeCopilot) -> dict[str, str]:
    """Give what a client with a GitHub token of its own brings."""
    return {"mode": "token", "token": github.github_token}
