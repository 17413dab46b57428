import os
import signal
import time

import pytest

from proxyapp.backends.copilot.pulse import Pulse


def state(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
        return stat.read().rpartition(")")[2].split()[0]


def test_a_process_that_answers_is_left_alone(start):
    process = start()
    connection = process.connect()
    for _ in range(3):
        Pulse(process).feel()
    again = process.reach()
    assert again.pid == connection.pid
    again.close()
    connection.close()


@pytest.mark.reliability("R-024")
def test_a_stopped_process_is_killed(start):
    process = start()
    connection = process.connect()
    os.kill(connection.pid, signal.SIGSTOP)
    Pulse(process).feel()
    deadline = time.monotonic() + 10
    while state(connection.pid) not in "ZX" and time.monotonic() < deadline:
        time.sleep(0.02)
    assert state(connection.pid) in "ZX"
    connection.close()


def test_many_silent_calls_ask_once(start):
    process = start()
    process.connect().close()
    pulse = Pulse(process)
    pulse.feel()
    asked = pulse._asked
    pulse.feel()
    assert pulse._asked == asked


def test_where_nothing_runs_nothing_is_started(start):
    process = start()
    Pulse(process).feel()
    assert process.reach() is None
