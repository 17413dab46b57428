import threading

import pytest

from proxyapp.observe.totals import Totals


class Time:
    now = 1000.0
    wall = 1767268800.0  # noon of a day, UTC


@pytest.fixture
def time():
    return Time()


@pytest.fixture
def totals(time):
    return Totals(lambda: time.now, lambda: time.wall)


def test_the_last_minute_is_counted_by_key(totals):
    totals.count("a", 1, 10, 0.0)
    totals.count("a", 1, 5, 0.0)
    totals.count("b", 1, 7, 0.0)
    assert totals.last_minute("a") == (2, 15)
    assert totals.last_minute("b") == (1, 7)
    assert totals.last_minute("c") == (0, 0)


def test_what_is_older_than_a_minute_is_forgotten(totals, time):
    totals.count("a", 1, 10, 0.0)
    time.now += 30
    totals.count("a", 1, 5, 0.0)
    time.now += 29.5
    assert totals.last_minute("a") == (2, 15)
    time.now += 0.5
    assert totals.last_minute("a") == (1, 5)
    time.now += 30
    assert totals.last_minute("a") == (0, 0)


def test_what_happened_a_while_ago_leaves_the_minute_earlier(totals, time):
    totals.count("a", 3, 10, 1.0, age=90)
    totals.count("a", 2, 8, 1.0, age=50)
    assert totals.last_minute("a") == (2, 8)
    time.now += 10
    assert totals.last_minute("a") == (0, 0)
    assert (totals.tokens_today("a"), totals.premium_today()) == (18, 2.0)


def test_the_day_is_counted_and_ends_at_midnight(totals, time):
    totals.count("a", 1, 10, 1.0)
    totals.count("b", 1, 20, 0.25)
    assert totals.premium_today() == 1.25
    assert (totals.tokens_today("a"), totals.tokens_today("b")) == (10, 20)
    time.wall += 86400
    assert (totals.premium_today(), totals.tokens_today("a")) == (0.0, 0)
    totals.count("a", 1, 3, 0.5)
    assert (totals.premium_today(), totals.tokens_today("a")) == (0.5, 3)


@pytest.mark.reliability("R-029d")
def test_a_clock_that_is_set_changes_no_minute(totals, time):
    totals.count("a", 1, 10, 0.0)
    time.wall -= 3600
    assert totals.last_minute("a") == (1, 10)
    assert totals.tokens_today("a") >= 0


def test_no_count_is_lost_among_threads():
    totals = Totals()

    def count():
        for _ in range(500):
            totals.count("a", 1, 2, 0.5)

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert totals.last_minute("a") == (2000, 4000)
    assert totals.premium_today() == 1000.0


def test_what_leaves_the_minute_is_told_by_when(totals, time):
    totals.count("a", 1, 10, 0.0)
    time.now += 20
    totals.count("a", 1, 5, 0.0)
    time.now += 10
    assert totals.leaving("a") == [(30, 1, 10), (50, 1, 5)]
    time.now += 30
    assert totals.leaving("a") == [(20, 1, 5)]
    assert totals.leaving("b") == []
