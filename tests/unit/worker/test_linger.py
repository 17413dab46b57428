import gevent
import gevent.socket
import pytest

from proxyapp.worker.linger import linger


@pytest.fixture
def pair():
    ours, theirs = gevent.socket.socketpair()
    yield ours, theirs
    ours.close()
    theirs.close()


def test_what_still_comes_is_passed_over(pair):
    ours, theirs = pair
    ending = gevent.spawn(linger, ours)
    theirs.sendall(bytes(1 << 20))
    theirs.shutdown(gevent.socket.SHUT_WR)
    ending.get(timeout=5)
    assert ours.recv(1) == b""


def test_the_client_finds_the_end_at_once(pair):
    ours, theirs = pair
    ending = gevent.spawn(linger, ours)
    assert theirs.recv(1) == b""
    ending.kill()


def test_a_socket_that_is_gone_is_no_failure(pair):
    ours, _ = pair
    ours.close()
    linger(ours)
