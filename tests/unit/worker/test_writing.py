"""What the runtime gives gunicorn's worker, as far as it can be seen without one."""

import contextlib
import errno
from types import SimpleNamespace

import gevent
import gevent.socket
import gunicorn.http.wsgi
import pytest

from proxyapp.worker.writing import body_writer
from proxyapp.worker.writing import honour_close
from proxyapp.worker.writing import replace_body_writer


@pytest.fixture
def pair():
    ours, theirs = gevent.socket.socketpair()
    with contextlib.closing(ours), contextlib.closing(theirs):
        yield ours, theirs


def read_all(sock):
    return b"".join(iter(lambda: sock.recv(65536), b""))


def sent(pair, data, *, chunked, sock=None):
    """Send through one end while the other end is read; give what arrived."""
    ours, theirs = pair
    reader = gevent.spawn(read_all, theirs)
    body_writer(5.0)(SimpleNamespace(sock=sock or ours, chunked=chunked), data)
    ours.shutdown(gevent.socket.SHUT_WR)
    return reader.get(timeout=5)


def test_a_piece_is_framed_as_a_chunk(pair):
    assert sent(pair, b"hello, stream", chunked=True) == b"D\r\nhello, stream\r\n"


def test_a_piece_of_a_known_length_is_not_framed(pair):
    assert sent(pair, b"hello", chunked=False) == b"hello"


def test_a_large_piece_arrives_whole(pair):
    data = bytes(range(256)) * 4096
    assert sent(pair, data, chunked=True) == b"100000\r\n" + data + b"\r\n"


def test_a_client_that_reads_slowly_gets_everything(pair):
    ours, _ = pair
    ours.setsockopt(gevent.socket.SOL_SOCKET, gevent.socket.SO_SNDBUF, 4096)
    data = bytes(range(200)) * 300
    assert sent(pair, data, chunked=False) == data


def test_a_client_that_does_not_read_is_cut(pair):
    response = SimpleNamespace(sock=pair[0], chunked=False)
    with pytest.raises(ConnectionResetError) as caught:
        body_writer(0.05)(response, bytes(16 << 20))
    assert caught.value.errno == errno.ECONNRESET


def test_a_socket_of_another_kind_is_left_to_its_own_means(pair):
    class Wrapped:
        """Like TLS: what lies below must not be written to."""

        def __init__(self, sock):
            self._sock = None
            self.sendall = sock.sendall

    assert sent(pair, b"abc", chunked=False, sock=Wrapped(pair[0])) == b"abc"


@pytest.fixture
def response_class(monkeypatch):
    """Keep the other tests' gunicorn as it is."""
    response = gunicorn.http.wsgi.Response
    monkeypatch.setattr(response, "_emit_body", response._emit_body)
    monkeypatch.setattr(response, "process_headers", response.process_headers)
    return response


def test_the_pinned_gunicorn_has_the_insides_that_are_known(response_class):
    before = response_class._emit_body
    assert replace_body_writer(5.0)
    assert response_class._emit_body is not before


def test_another_gunicorn_keeps_its_own_writer(response_class):
    def emit(self, data):
        self.transport.write(data)

    response_class._emit_body = emit
    assert not replace_body_writer(5.0)
    assert response_class._emit_body is emit


def test_a_gunicorn_without_the_method_is_left_alone(response_class):
    del response_class._emit_body
    assert not replace_body_writer(5.0)
    assert not hasattr(response_class, "_emit_body")


@pytest.mark.parametrize(
    ("headers", "closes"),
    [([("Connection", "close")], True), ([("Content-Length", "2")], False)],
)
def test_a_reply_may_close_its_connection(response_class, headers, closes):
    honour_close()
    told = []
    request = SimpleNamespace(
        method="GET",
        version=(1, 1),
        should_close=lambda: False,
        force_close=lambda: told.append(True),
    )
    response = response_class(request, None, SimpleNamespace())
    response.start_response("200 OK", [*headers, ("Content-Length", "2")])
    assert response.should_close() is closes
    assert bool(told) is closes
