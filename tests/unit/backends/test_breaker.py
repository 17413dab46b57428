import pytest

from proxyapp.backends.breaker import Breaker


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def broken(clock):
    breaker = Breaker(clock)
    fail(breaker, 5)
    return breaker


def fail(breaker, count, seconds=3.0):
    for _ in range(count):
        breaker.failed(seconds)


def test_a_few_failures_break_nothing(clock):
    breaker = Breaker(clock)
    fail(breaker, 4)
    assert (breaker.wait(), breaker.broken) == (0, False)


def test_many_in_a_row_do(broken):
    assert (broken.wait(), broken.broken) == (1, True)


def test_a_connection_between_them_starts_the_count_anew(clock):
    breaker = Breaker(clock)
    fail(breaker, 4)
    breaker.connected()
    fail(breaker, 4)
    assert not breaker.broken


def test_failures_far_apart_are_no_row(clock):
    breaker = Breaker(clock)
    for _ in range(20):
        fail(breaker, 1)
        clock.now += 20
    assert not breaker.broken


def test_a_refusal_costs_nothing_and_counts_for_nothing(clock):
    breaker = Breaker(clock)
    fail(breaker, 100, seconds=0.001)
    assert not breaker.broken


def test_one_request_tries_and_the_others_wait(broken, clock):
    clock.now += 1.0
    assert broken.wait() == 0
    assert broken.wait() > 0


def test_a_try_that_succeeds_mends_it(broken, clock):
    clock.now += 1.0
    broken.wait()
    broken.connected()
    assert (broken.wait(), broken.broken) == (0, False)


def test_each_try_that_fails_doubles_the_pause_up_to_a_limit(broken, clock):
    pauses = []
    for _ in range(5):
        clock.now += 100
        assert broken.wait() == 0
        broken.failed(3.0)
        pauses.append(broken.wait())
    assert pauses == [2, 4, 8, 8, 8]


def test_a_refusal_brings_the_next_try_near(broken, clock):
    for seconds in (3.0, 3.0, 0.001):
        clock.now += 100
        broken.wait()
        broken.failed(seconds)
    assert broken.wait() == 1


def test_a_try_that_never_ended_blocks_nobody_for_good(broken, clock):
    clock.now += 1.0
    assert broken.wait() == 0
    clock.now += 8.0
    assert broken.wait() == 0
