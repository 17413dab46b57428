import errno
import signal
from types import SimpleNamespace

import gevent.server
import pytest
from gunicorn.config import Config

from proxyapp.runtime import Arrival
from proxyapp.worker import serving
from proxyapp.worker.serving import GatewayWorker
from proxyapp.worker.serving import Server


@pytest.fixture
def worker():
    made = GatewayWorker(0, 1, [], None, 30, Config(), None)
    yield made
    made.tmp.close()


@pytest.fixture
def clock(monkeypatch):
    clock = SimpleNamespace(now=100.0)
    clock.monotonic = lambda: clock.now
    monkeypatch.setattr(serving, "time", clock)
    return clock


@pytest.mark.parametrize("sig", [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT])
def test_a_signal_ends_the_worker_in_good_order(worker, clock, sig):
    handle = worker.handle_exit if sig == signal.SIGTERM else worker.handle_quit
    handle(sig, None)
    assert (worker.alive, worker._hurried) == (False, False)


def test_a_terminal_asks_twice_and_means_once(worker, clock):
    worker.handle_quit(signal.SIGINT, None)
    clock.now += 0.1
    worker.handle_quit(signal.SIGQUIT, None)
    assert not worker._hurried


def test_who_asks_again_is_in_a_hurry(worker, clock):
    worker.handle_exit(signal.SIGTERM, None)
    clock.now += 2.0
    worker.handle_quit(signal.SIGQUIT, None)
    assert worker._hurried


def crowded(worker, monkeypatch, free):
    """Make room in a pool with so many free seats; give how many had to go."""
    gone = []
    monkeypatch.setattr(Arrival, "give_up", lambda count, age: gone.append(count))
    worker.worker_connections = 50
    worker._make_room(SimpleNamespace(free_count=lambda: free))
    return gone


def test_a_full_pool_gives_up_bodies(worker, monkeypatch):
    assert crowded(worker, monkeypatch, free=0) == [5]


def test_a_pool_with_seats_leaves_everybody_alone(worker, monkeypatch):
    assert crowded(worker, monkeypatch, free=5) == []


def test_who_only_waits_goes_before_a_body_is_given_up(worker, monkeypatch):
    monkeypatch.setattr(worker.waiting, "end", lambda age, count: count)
    assert crowded(worker, monkeypatch, free=0) == []


def test_running_out_of_descriptors_is_told_once_a_second(worker, clock, monkeypatch):
    told = []
    monkeypatch.setattr(serving, "log_trouble", lambda *_, **facts: told.append(facts))
    for _ in range(8):
        worker.exhausted()
        clock.now += 0.25
    assert len(told) == 2


@pytest.fixture
def server(monkeypatch):
    told = []
    worker = SimpleNamespace(exhausted=lambda: told.append(True))
    with gevent.socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        made = Server(worker, listener, handle=lambda *_: None)
        yield made, told
        made.close()


def failing(monkeypatch, number):
    def do_read(self):
        raise OSError(number, "no")

    monkeypatch.setattr(gevent.server.StreamServer, "do_read", do_read)


def test_without_descriptors_nothing_is_accepted_for_a_moment(server, monkeypatch):
    made, told = server
    failing(monkeypatch, errno.EMFILE)
    assert made.do_read() is None
    assert (told, made._watcher) == ([True], None)


def test_another_failure_to_accept_is_a_failure(server, monkeypatch):
    failing(monkeypatch, errno.EBADF)
    with pytest.raises(OSError, match="no"):
        server[0].do_read()
