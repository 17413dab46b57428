"""The soak itself: does it run, and does it see what it looks for?"""

import pytest

from tests.soak import mixed


def looks(sizes, files=20):
    return [
        mixed.Look(number * mixed.EVERY, [size, 10.0], [files, files])
        for number, size in enumerate(sizes)
    ]


def result(seconds, seen, **fields):
    given = {"busy": 0, "noise": 0, "pids": ([1, 2], [1, 2])} | fields
    return mixed.Result(seconds, mixed.Tally(), seen, **given)


def test_a_steady_leak_is_seen_behind_passing_peaks():
    sizes = [50 + number / 30 * 2 + 40 * (number % 10 == 3) for number in range(120)]
    assert mixed.slope(looks(sizes), 0) == pytest.approx(2, abs=0.1)
    assert mixed.slope(looks(sizes), 1) == 0


def test_memory_that_comes_and_goes_is_no_leak():
    sizes = [50 + 40 * (number % 7 == 3) for number in range(120)]
    assert mixed.slope(looks(sizes), 0) == 0


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"busy": 3}, "3 generations are still running"),
        ({"noise": 1}, "1 tracebacks"),
        ({"pids": ([1, 2], [1, 3])}, "workers were replaced"),
    ],
)
def test_what_must_not_be_is_named(fields, words):
    (fault,) = result(240, looks([50] * 120), **fields).faults()
    assert words in fault


def test_descriptors_that_stay_are_named():
    seen = [*looks([50] * 119), *looks([50], files=99)]
    assert list(result(200, seen).faults()) == ["descriptors grew from 20 to 99"]


def test_a_short_soak_finds_nothing():
    run = mixed.run(5, 6)
    assert list(run.tally.wrong) == []
    assert (run.busy, run.noise) == (0, 0)
    assert run.pids[0] == run.pids[1]
    assert sum(run.tally.counts.values()) > 20
