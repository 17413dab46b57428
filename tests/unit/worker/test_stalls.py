import sys

import pytest

from proxyapp.worker import stalls
from proxyapp.worker.stalls import StallWatch
from proxyapp.worker.stalls import whereabouts


@pytest.fixture
def told(monkeypatch):
    lines = []

    def log_trouble(message, **facts):
        lines.append((message, facts))

    monkeypatch.setattr(stalls, "log_trouble", log_trouble)
    return lines


@pytest.fixture
def clock(monkeypatch):
    class Clock:
        now = 100.0

        def monotonic(self):
            return self.now

        def process_time(self):
            return self.now / 2

    clock = Clock()
    monkeypatch.setattr(stalls, "time", clock)
    return clock


def test_a_late_tick_is_told_of(told, clock):
    watch = StallWatch()
    clock.now += 0.45
    watch.tick()
    assert told == [("the worker stood still", {"ms": 400, "busy_ms": 225})]
    assert watch.longest == pytest.approx(0.4)


def test_a_tick_in_time_is_not(told, clock):
    watch = StallWatch()
    for _ in range(100):
        clock.now += 0.06
        watch.tick()
    assert told == []


def test_what_was_seen_from_outside_is_told_once(told, clock):
    watch = StallWatch()
    watch._seen = "slow.py:1:work"
    for _ in range(2):
        clock.now += 0.45
        watch.tick()
    assert [facts.get("at") for _, facts in told] == ["slow.py:1:work", None]


def test_a_stack_is_named_from_its_inside():
    told = whereabouts(sys._getframe()).split(" < ")
    assert told[0].startswith("test_stalls.py:")
    assert told[0].endswith(":test_a_stack_is_named_from_its_inside")
    assert len(told) <= 6


def test_no_stack_has_no_name():
    assert whereabouts(None) == ""
