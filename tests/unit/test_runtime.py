import re
import socket
import subprocess
import sys
import threading

import pytest

from proxyapp import runtime


@pytest.fixture
def wires():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


def test_what_has_arrived_is_received(wires):
    ours, theirs = wires
    theirs.sendall(b"abc")
    assert runtime.readiness(ours, 5.0).receive(10) == b"abc"


def test_silence_is_a_tick(wires):
    assert runtime.readiness(wires[0], 0.05).receive(10) is None


def test_the_end_is_no_bytes(wires):
    ours, theirs = wires
    theirs.shutdown(socket.SHUT_WR)
    assert runtime.readiness(ours, 5.0).receive(10) == b""


def test_a_task_gives_its_result():
    task = runtime.Task(lambda: 7, lambda _: None)
    assert (task.wait(5.0), task.result()) == (True, 7)


def test_a_task_raises_what_it_met():
    task = runtime.Task(lambda: 1 // 0, lambda _: None)
    task.wait(5.0)
    with pytest.raises(ZeroDivisionError):
        task.result()


def test_the_result_of_a_cancelled_task_is_discarded():
    gate, discarded = threading.Event(), threading.Event()
    task = runtime.Task(lambda: gate.wait(5.0), lambda _: discarded.set())
    task.cancel()
    gate.set()
    assert discarded.wait(5.0)


def test_no_body_is_late_on_threads():
    with runtime.Arrival(None, 0.0, TimeoutError()):
        passed = True
    assert passed


def test_a_body_that_is_given_up_is_late(wires):
    found = []

    def read():
        with runtime.Arrival(wires[0], 60.0, TimeoutError()):
            runtime.Arrival.give_up(1, 0.0)
            found.append(wires[0].recv(1))

    with pytest.raises(TimeoutError):
        read()
    assert found == [b""]


def test_a_body_that_has_just_begun_is_not_given_up(wires):
    with runtime.Arrival(wires[0], 60.0, TimeoutError()):
        runtime.Arrival.give_up(1, 60.0)


def test_ids_are_hex_and_differ():
    first, second = runtime.new_id(), runtime.new_id()
    assert re.fullmatch("[0-9a-f]{24}", first)
    assert first != second


def test_the_clock_is_of_this_century():
    assert 1_600_000_000 < runtime.unix_time() < 4_000_000_000


GREENLETS = """
from gevent import monkey
monkey.patch_all()
import gevent, socket
from proxyapp import runtime
ours, theirs = socket.socketpair()
"""


def on_greenlets(script):
    """Run a script in a process whose sockets are gevent's; give what it prints."""
    command = [sys.executable, "-c", GREENLETS + script]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert done.stderr == ""
    return done.stdout.split()


def test_greenlets_receive_bytes_ticks_and_the_end():
    assert on_greenlets(
        """
wait = runtime.readiness(ours, 0.05)
theirs.sendall(b"abc")
# All waits tick at the same moments, and one may have come before the bytes.
print(wait.receive(10) or wait.receive(10), wait.receive(10))
theirs.close()
print(wait.receive(10))
"""
    ) == ["b'abc'", "None", "b''"]


def test_a_client_that_leaves_ends_its_greenlet():
    assert on_greenlets(
        """
def serve():
    departure = runtime.Departure(ours)
    try:
        gevent.sleep(10)
    except runtime.ClientGone:
        print("gone", departure.gone)
serving = gevent.spawn(serve)
gevent.sleep(0.01)
theirs.close()
serving.join(5)
"""
    ) == ["gone", "True"]


def test_a_client_that_sends_on_has_not_left():
    assert on_greenlets(
        """
def serve():
    departure = runtime.Departure(ours)
    gevent.sleep(0.2)
    print(departure.gone)
serving = gevent.spawn(serve)
gevent.sleep(0.01)
theirs.sendall(b"POST")
serving.join(5)
"""
    ) == ["False"]


def test_a_late_body_is_interrupted_on_greenlets():
    assert on_greenlets(
        """
try:
    with runtime.Arrival(None, 0.01, ValueError("late")):
        gevent.sleep(5)
except ValueError as error:
    print(error)
"""
    ) == ["late"]


def test_who_breathes_lets_others_be_served():
    told = on_greenlets(
        """
import time
served = []
gevent.spawn(lambda: served.append(ours.recv(1)))
gevent.sleep(0)
theirs.sendall(b"x")
began = time.monotonic()
while not served and time.monotonic() - began < 20:
    runtime.breathe()
print(served == [b"x"], time.monotonic() - began < 1)
    """
    )
    assert told == ["True", "True"]


def test_on_threads_nobody_needs_to_breathe():
    runtime.breathe()
