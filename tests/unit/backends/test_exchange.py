import gzip
import os
import socket

import pytest

from proxyapp.backends.exchange import Exchange
from proxyapp.backends.exchange import silence
from proxyapp.backends.exchange import StaleConnection
from proxyapp.errors import UpstreamIncomplete
from proxyapp.errors import UpstreamInvalid
from proxyapp.errors import UpstreamTimeout
from proxyapp.errors import UpstreamUnreachable

OK = b"HTTP/1.1 200 OK\r\n"


class Sent:
    """A request that went out on one end of a socket pair."""

    def __init__(self, sock, reused=False):
        self.sock, self.reused = sock, reused
        self.fate = []

    def keep(self):
        self.fate.append("kept")

    def drop(self):
        self.fate.append("dropped")


@pytest.fixture
def wires():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


def reply(wires, data, *, reused=False, end=True, idle_timeout=5.0):
    """Let the other side send ``data``; give the exchange, its head read."""
    ours, theirs = wires
    theirs.sendall(data)
    if end:
        theirs.shutdown(socket.SHUT_WR)
    exchange = Exchange(Sent(ours, reused), "http://up", idle_timeout)
    list(exchange.head())
    return exchange


def body(wires, fields, data, **options):
    exchange = reply(wires, OK + fields + b"\r\n" + data, **options)
    return b"".join(exchange.portions()), exchange._sent


CHUNKED = b"Transfer-Encoding: chunked\r\n"


@pytest.mark.parametrize(
    ("fields", "data"),
    [
        (CHUNKED, b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"),
        (b"Content-Length: 5\r\n", b"abcde"),
        (b"Content-Length: 5\r\n", b"abcdefgh"),
        (b"", b"abcde"),
        (CHUNKED + b"Connection: close\r\n", b"5\r\nabcde\r\n0\r\n\r\n"),
    ],
)
def test_a_body_is_read_by_its_framing(wires, fields, data):
    assert body(wires, fields, data)[0] == b"abcde"


def test_an_empty_body_waits_for_nothing(wires):
    assert body(wires, b"Content-Length: 0\r\n", b"", end=False)[0] == b""


def test_a_status_without_a_body_has_none(wires):
    head = b"HTTP/1.1 204 No Content\r\n\r\n"
    assert list(reply(wires, head, end=False).portions()) == []


def test_a_whole_reply_gives_its_connection_back(wires):
    ours, theirs = wires
    sent = Sent(ours)
    theirs.sendall(OK + b"Content-Length: 1\r\n\r\na")
    exchange = Exchange(sent, "http://up", 5.0)
    list(exchange.head())
    list(exchange.portions())
    exchange.close()
    assert sent.fate == ["kept"]


def test_a_reply_that_was_not_read_to_its_end_costs_the_connection(wires):
    ours, theirs = wires
    sent = Sent(ours)
    theirs.sendall(OK + b"Content-Length: 9\r\n\r\na")
    exchange = Exchange(sent, "http://up", 5.0)
    list(exchange.head())
    exchange.close()
    assert sent.fate == ["dropped"]


@pytest.mark.parametrize(
    ("fields", "data", "error"),
    [
        (CHUNKED, b"5\r\nabc", UpstreamIncomplete),
        (b"Content-Length: 5\r\n", b"abc", UpstreamIncomplete),
        (CHUNKED, b"zz\r\nabc\r\n", UpstreamInvalid),
        (b"Content-Encoding: gzip\r\n", b"not gzip at all", UpstreamInvalid),
        (b"Content-Encoding: gzip\r\n", gzip.compress(b"a")[:-9], UpstreamIncomplete),
    ],
)
def test_a_body_that_is_not_whole_is_an_error(wires, fields, data, error):
    with pytest.raises(error):
        body(wires, fields, data)


@pytest.mark.reliability("R-016")
def test_what_swells_beyond_all_reason_is_given_up(wires):
    packed = gzip.compress(b" " * (100 << 20))
    head = OK + b"Content-Encoding: gzip\r\n\r\n"
    exchange = reply(wires, head + packed)
    made = []
    with pytest.raises(UpstreamInvalid, match="swells"):
        made.extend(len(portion) for portion in exchange.portions())
    assert max(made, default=0) <= 1 << 20


def test_what_compresses_well_is_read_whole(wires):
    data = os.urandom(40_000) + b" " * (5 << 20)
    found, _ = body(wires, b"Content-Encoding: gzip\r\n", gzip.compress(data))
    assert found == data


def test_compression_nobody_asked_for_is_read(wires):
    data = gzip.compress(b"abcde")
    assert body(wires, b"Content-Encoding: gzip\r\n", data)[0] == b"abcde"


@pytest.mark.parametrize(
    ("data", "reused", "error"),
    [
        (b"", True, StaleConnection),
        (b"", False, UpstreamUnreachable),
        (b"HTTP/1.1 200", True, UpstreamInvalid),
        (b"hello\r\n", False, UpstreamInvalid),
    ],
)
def test_a_reply_without_a_head_is_told_apart(wires, data, reused, error):
    with pytest.raises(error):
        reply(wires, data, reused=reused)


def test_silence_ticks_and_then_is_an_error(wires):
    ours, _ = wires
    head = Exchange(Sent(ours), "http://up", 1.0).head()
    assert next(head) == b""
    with pytest.raises(UpstreamTimeout, match="nothing for 1 s"):
        list(head)


def test_silence_is_told_in_words():
    assert "0.5 s" in silence(0.5)
