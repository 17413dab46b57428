import socket

import pytest
from urllib3.util import Timeout

from proxyapp.backends.pool import PlainPool

TIMEOUT = Timeout(connect=2.0, read=2.0)


@pytest.fixture
def listener():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(5.0)
        yield listening


@pytest.fixture
def pool(listener):
    pool = PlainPool("127.0.0.1", listener.getsockname()[1])
    yield pool
    while pool.idle:
        pool.idle.pop().close()


def send(pool, body=b"hi"):
    return pool.urlopen("POST", "/x", body, {"Host": "h", "A": "b"}, TIMEOUT)


def test_a_request_is_one_write(pool, listener):
    sent = send(pool)
    with listener.accept()[0] as other:
        assert other.recv(4096) == b"POST /x HTTP/1.1\r\nHost: h\r\nA: b\r\n\r\nhi"
    sent.drop()


def test_a_connection_that_was_kept_serves_again(pool, listener):
    first = send(pool)
    with listener.accept()[0]:
        first.keep()
        second = send(pool)
        assert (second.reused, second.sock) == (True, first.sock)
        second.drop()


def test_a_connection_the_other_side_closed_is_not_used(pool, listener):
    first = send(pool)
    listener.accept()[0].close()
    first.keep()
    second = send(pool)
    with listener.accept()[0]:
        assert second.reused is False
    second.drop()


def test_bytes_that_nobody_asked_for_end_a_connection(pool, listener):
    first = send(pool)
    with listener.accept()[0] as other:
        other.sendall(b"HTTP/1.1 408 Request Timeout\r\n\r\n")
        first.keep()
        second = send(pool)
        assert second.reused is False
    second.drop()


def test_the_newest_connection_serves_first(pool, listener):
    first, second = send(pool), send(pool)
    with listener.accept()[0], listener.accept()[0]:
        first.keep()
        second.keep()
        third = send(pool)
        assert third.sock is second.sock
        third.drop()


def test_idle_connections_go_with_their_pool(listener):
    pool = PlainPool("127.0.0.1", listener.getsockname()[1])
    sent = send(pool)
    with listener.accept()[0] as other:
        other.recv(4096)
        sent.keep()
        del sent, pool
        other.settimeout(5.0)
        assert other.recv(1) == b""


def test_a_refused_connection_is_closed_and_told(listener):
    port = listener.getsockname()[1]
    listener.close()
    with pytest.raises(Exception, match="refused"):
        send(PlainPool("127.0.0.1", port))
