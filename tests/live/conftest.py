"""One hurried gateway for the whole directory, and an upstream new for each test."""

from collections.abc import Iterator

import pytest

from tests.fakes.upstream import FakeUpstream
from tests.servers import running_gateway
from tests.servers import RunningGateway

HURRIED = {
    "PROXYAPP_STREAM__COMMIT_AFTER": 0.3,
    "PROXYAPP_STREAM__HEARTBEAT": 0.5,
    "PROXYAPP_UPSTREAM__IDLE_TIMEOUT": 1,
    "PROXYAPP_SERVER__BODY_TIMEOUT": 1,
    # The model list must not be asked for while an upstream misbehaves.
    "PROXYAPP_MODELS__REFRESH_SECONDS": 3600,
}

WAITS = pytest.StashKey[list[float]]()


@pytest.fixture
def longest_wait(request: pytest.FixtureRequest) -> list[float]:
    """Collect how long others waited beside hostile requests, in seconds."""
    return request.config.stash.setdefault(WAITS, [])


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Tell how long anybody waited."""
    waits = config.stash.get(WAITS, [])
    if waits:
        told = f"{max(waits) * 1000:.0f} ms"
        terminalreporter.write_line(f"/health waited {told} beside hostile requests.")


@pytest.fixture(scope="session")
def troubled_upstream() -> Iterator[FakeUpstream]:
    """Run the upstream; tests use ``upstream``."""
    with FakeUpstream() as fake:
        yield fake


@pytest.fixture
def upstream(troubled_upstream: FakeUpstream) -> Iterator[FakeUpstream]:
    """Give the upstream, fresh."""
    troubled_upstream.reset()
    yield troubled_upstream
    errors, troubled_upstream.errors = troubled_upstream.errors, []
    assert errors == []


@pytest.fixture(scope="session")
def gateway(troubled_upstream: FakeUpstream) -> Iterator[RunningGateway]:
    """Run a gateway that soon loses patience."""
    with running_gateway(troubled_upstream.url, **HURRIED) as running:
        yield running
