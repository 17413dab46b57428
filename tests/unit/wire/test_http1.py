import pytest

from proxyapp.wire.http1 import HeadReader
from proxyapp.wire.http1 import ReplyHead

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nX-A: 1\r\nx-a: 2\r\n\r\n"
READ = ReplyHead(200, "OK", {"content-type": "text/plain", "x-a": "1, 2"})


def test_a_head_is_read_and_what_follows_is_kept():
    reader = HeadReader()
    assert (reader.feed(HEAD + b"body"), reader.rest) == (READ, b"body")


@pytest.mark.parametrize("place", range(1, len(HEAD)))
def test_a_head_may_come_in_two_pieces(place):
    reader = HeadReader()
    first = reader.feed(HEAD[:place])
    assert (first, reader.feed(HEAD[place:])) == (None, READ)


def test_bare_line_feeds_will_do():
    assert HeadReader().feed(HEAD.replace(b"\r\n", b"\n")) == READ


@pytest.mark.parametrize("interim", [b"100 Continue", b"103 Early Hints"])
def test_an_interim_head_is_skipped(interim):
    first = b"HTTP/1.1 " + interim + b"\r\nLink: x\r\n\r\n"
    assert HeadReader().feed(first + HEAD) == READ


def test_a_reason_may_be_missing():
    head = HeadReader().feed(b"HTTP/1.0 204\r\n\r\n")
    assert head == ReplyHead(204, "", {})


@pytest.mark.parametrize(
    "data",
    [
        b"garbage",
        b"HTTP/2 200 OK\r\n\r\n",
        b"HTTP/1.1 20 OK\r\n\r\n",
        b"HTTP/1.1 2000 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nA: 1\r\n folded\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"A: 1\r\n" * 101 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nA: " + b"x" * 70_000,
    ],
)
def test_what_is_no_head_is_refused(data):
    with pytest.raises(ValueError, match=r"."):
        HeadReader().feed(data)


def test_a_reader_knows_whether_anything_came():
    reader = HeadReader()
    before = reader.begun
    reader.feed(b"H")
    assert (before, reader.begun) == (False, True)


def test_an_interim_head_counts_as_a_beginning():
    reader = HeadReader()
    assert reader.feed(b"HTTP/1.1 103 Early Hints\r\n\r\n") is None
    assert reader.begun


def test_interim_heads_without_an_end_are_refused():
    interim = b"HTTP/1.1 100 Continue\r\n\r\n"
    with pytest.raises(ValueError, match="do not end"):
        HeadReader().feed(interim * 99)
