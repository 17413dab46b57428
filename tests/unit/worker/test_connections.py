import socket

import pytest

from proxyapp.worker.connections import Waiting


@pytest.fixture
def pairs():
    made = [socket.socketpair() for _ in range(3)]
    yield made
    for pair in made:
        for one in pair:
            one.close()


def waiting_on(pairs):
    waiting = Waiting()
    for ours, theirs in pairs:
        theirs.setblocking(False)
        waiting.add(ours)
    return waiting


def ended(pairs):
    """Tell on which of our sockets a reader finds the end."""
    found = []
    for ours, _ in pairs:
        ours.setblocking(False)
        try:
            found.append(ours.recv(1) == b"")
        except BlockingIOError:
            found.append(False)
    return found


def test_who_waits_longest_goes_first(pairs):
    waiting = waiting_on(pairs)
    waiting.discard(pairs[0][0])
    waiting.add(pairs[0][0])
    assert waiting.end(0.0, 1) == 1
    assert ended(pairs) == [False, True, False]


def test_all_go_when_no_count_is_given(pairs):
    waiting = waiting_on(pairs)
    assert waiting.end(0.0) == len(pairs)
    assert (ended(pairs), len(waiting)) == ([True] * 3, 0)


def test_who_came_just_now_stays(pairs):
    assert waiting_on(pairs).end(60.0) == 0
    assert ended(pairs) == [False] * 3


def test_who_is_served_does_not_wait(pairs):
    waiting = waiting_on(pairs)
    for ours, _ in pairs:
        waiting.discard(ours)
    assert waiting.end(0.0) == 0


def test_what_was_sent_still_arrives(pairs):
    (ours, theirs), *_ = pairs
    waiting = waiting_on(pairs)
    waiting.end(0.0)
    ours.sendall(b"answer")
    assert theirs.recv(10) == b"answer"
