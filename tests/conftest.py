"""Fixtures that every test may use."""

from collections.abc import Iterator

import pytest

from tests.fakes.upstream import FakeUpstream
from tests.statements import (
    pytest_collection_modifyitems as pytest_collection_modifyitems,
)
from tests.statements import pytest_terminal_summary as pytest_terminal_summary


@pytest.fixture
def upstream() -> Iterator[FakeUpstream]:
    """Give a scripted upstream on a socket of its own."""
    with FakeUpstream() as fake:
        yield fake
