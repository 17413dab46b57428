"""How replies are written, as far as it can be seen without a worker."""

import contextlib
import errno
from types import SimpleNamespace

import gevent
import gevent.socket
import gunicorn.http.wsgi
import pytest

from proxyapp.worker.writing import ClientResponse
from proxyapp.worker.writing import write_replies


@pytest.fixture
def pair():
    ours, theirs = gevent.socket.socketpair()
    with contextlib.closing(ours), contextlib.closing(theirs):
        yield ours, theirs


class Watched:
    """A socket that is not gevent's own, like TLS, and keeps what is sent at once."""

    def __init__(self, sock):
        # What lies below must not be written to.
        self._sock = None
        self.sock = sock
        self.sent = []

    def sendall(self, data):
        self.sent.append(data)
        self.sock.sendall(data)


def response(sock, *headers, method="GET", status="200 OK", closed=None):
    request = SimpleNamespace(
        method=method,
        version=(1, 1),
        should_close=lambda: False,
        force_close=lambda: closed.append(True),
    )
    begun = ClientResponse(request, sock, SimpleNamespace())
    begun.start_response(status, list(headers))
    return begun


def sent(pair, *pieces, sock=None, **options):
    """Write a reply to one end while the other is read; give its head and body."""
    ours, theirs = pair
    reader = gevent.spawn(lambda: b"".join(iter(lambda: theirs.recv(65536), b"")))
    length = options.pop("length", None)
    headers = [] if length is None else [("Content-Length", str(length))]
    reply = response(sock or ours, *headers, **options)
    for piece in pieces:
        reply.write(piece)
    reply.close()
    ours.shutdown(gevent.socket.SHUT_WR)
    head, _, body = reader.get(timeout=20).partition(b"\r\n\r\n")
    assert reply.headers_sent
    return head, body


def test_a_piece_is_framed_as_a_chunk(pair):
    head, body = sent(pair, b"hello, stream")
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"\r\nTransfer-Encoding: chunked" in head
    assert body == b"D\r\nhello, stream\r\n0\r\n\r\n"


def test_a_piece_of_a_known_length_is_not_framed(pair):
    head, body = sent(pair, b"hel", b"lo", length=5)
    assert head.endswith(b"Content-Length: 5")
    assert body == b"hello"


def test_the_head_goes_out_with_the_first_piece(pair):
    watched = Watched(pair[0])
    sent(pair, b"a", b"b", sock=watched)
    first, second, end = watched.sent
    assert first.startswith(b"HTTP/1.1 200 OK\r\n")
    assert first.endswith(b"\r\n\r\n1\r\na\r\n")
    assert (second, end) == (b"1\r\nb\r\n", b"0\r\n\r\n")


@pytest.mark.parametrize(
    ("options", "ending"),
    [
        ({}, b"0\r\n\r\n"),
        ({"length": 0}, b""),
        ({"length": 5, "method": "HEAD"}, b""),
        ({"status": "204 No Content"}, b""),
    ],
)
def test_a_reply_without_a_body_has_its_head_all_the_same(pair, options, ending):
    head, body = sent(pair, **options)
    assert head.startswith(b"HTTP/1.1 20")
    assert body == ending


def test_what_the_status_forbids_is_not_sent(pair):
    assert sent(pair, b"hello", method="HEAD", length=5)[1] == b""


def test_a_large_piece_arrives_whole(pair):
    data = bytes(range(256)) * 4096
    assert sent(pair, data)[1] == b"100000\r\n" + data + b"\r\n0\r\n\r\n"


def test_a_client_that_reads_slowly_gets_everything(pair):
    ours, _ = pair
    ours.setsockopt(gevent.socket.SOL_SOCKET, gevent.socket.SO_SNDBUF, 4096)
    data = bytes(range(200)) * 300
    assert sent(pair, data, length=len(data))[1] == data


def test_a_client_that_does_not_read_is_cut(pair, monkeypatch):
    monkeypatch.setattr(ClientResponse, "patience", 0.05)
    with pytest.raises(ConnectionResetError) as caught:
        response(pair[0]).write(bytes(16 << 20))
    assert caught.value.errno == errno.ECONNRESET


@pytest.mark.parametrize(
    ("headers", "closes"),
    [([("Connection", "close")], True), ([("Content-Length", "2")], False)],
)
def test_a_reply_may_close_its_connection(headers, closes):
    told = []
    begun = response(None, *headers, ("Content-Length", "2"), closed=told)
    assert begun.should_close() is closes
    assert bool(told) is closes


def test_gunicorn_makes_such_replies(monkeypatch):
    monkeypatch.setattr(gunicorn.http.wsgi, "Response", gunicorn.http.wsgi.Response)
    monkeypatch.setattr(ClientResponse, "patience", 60.0)
    write_replies(5.0)
    assert gunicorn.http.wsgi.Response is ClientResponse
    assert ClientResponse.patience == 5.0
