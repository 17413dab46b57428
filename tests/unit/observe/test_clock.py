import time

import pytest

from proxyapp.observe.clock import day_around
from proxyapp.observe.clock import wall_clock


def test_the_clock_is_that_of_the_system():
    assert abs(wall_clock() - time.time()) < 60


@pytest.fixture
def zone(monkeypatch):
    def choose(name):
        monkeypatch.setenv("TZ", name)
        time.tzset()

    yield choose
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("name", "moment", "begin", "hours"),
    [
        ("UTC", 1767268800, 1767225600, 24),
        ("UTC", 1767225600, 1767225600, 24),
        ("EST5EDT,M3.2.0,M11.1.0", 1767268800, 1767243600, 24),
        ("EST5EDT,M3.2.0,M11.1.0", 1772958000, 1772946000, 23),
        ("EST5EDT,M3.2.0,M11.1.0", 1793550000, 1793505600, 25),
    ],
    ids=["noon", "midnight", "west", "spring", "autumn"],
)
def test_a_day_lasts_from_midnight_to_midnight(zone, name, moment, begin, hours):
    zone(name)
    assert day_around(moment) == (begin, begin + hours * 3600)
