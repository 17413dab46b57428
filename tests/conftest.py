"""Fixtures that every test may use."""

from collections.abc import Iterator

import pytest

from tests.fakes.upstream import FakeUpstream


@pytest.fixture
def upstream() -> Iterator[FakeUpstream]:
    """Give a scripted upstream on a socket of its own."""
    with FakeUpstream() as fake:
        yield fake
