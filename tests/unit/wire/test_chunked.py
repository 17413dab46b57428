import pytest

from proxyapp.wire.chunked import Dechunker

WHOLE = b"4;ext=1\r\nWiki\r\n6\r\npedia \r\n00A\r\nin\r\nchunks\r\n0\r\nX: y\r\n\r\n"
TEXT = b"Wikipedia in\r\nchunks"


def read(*portions):
    dechunker = Dechunker()
    payload = b"".join(dechunker.feed(portion) for portion in portions)
    return payload, dechunker


def test_the_framing_is_taken_off():
    payload, dechunker = read(WHOLE)
    assert (payload, dechunker.done, dechunker.failure) == (TEXT, True, "")


@pytest.mark.parametrize("place", range(1, len(WHOLE)))
def test_a_cut_at_any_byte_changes_nothing(place):
    payload, dechunker = read(WHOLE[:place], WHOLE[place:])
    assert (payload, dechunker.done) == (TEXT, True)


@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_portions_of_any_size_change_nothing(size):
    payload, dechunker = read(
        *(WHOLE[at : at + size] for at in range(0, len(WHOLE), size))
    )
    assert (payload, dechunker.done) == (TEXT, True)


@pytest.mark.parametrize("place", range(len(WHOLE)))
def test_it_is_not_done_before_the_last_byte(place):
    assert not read(WHOLE[:place])[1].done


def test_payload_is_given_as_it_arrives():
    dechunker = Dechunker()
    assert [dechunker.feed(b"5\r\nHe"), dechunker.feed(b"ll")] == [b"He", b"ll"]


def test_bare_line_feeds_end_a_size_line():
    assert read(b"2\nok\r\n0\n\n")[0] == b"ok"


def test_what_follows_the_end_is_not_payload():
    payload, dechunker = read(b"2\r\nok\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n")
    assert (payload, dechunker.done) == (b"ok", True)


@pytest.mark.parametrize(
    "size", [b"zz", b"", b"-1", b"+5", b"0x5", b"1 1", b"5_0", b"123456789", b"1g1"]
)
def test_what_is_no_size_is_a_failure(size):
    payload, dechunker = read(b"2\r\nok\r\n" + size + b"\r\nmore\r\n0\r\n\r\n")
    assert payload == b"ok"
    assert dechunker.failure.startswith("not a chunk size")
    assert not dechunker.done


def test_nothing_is_read_behind_a_failure():
    dechunker = read(b"zz\r\n")[1]
    assert dechunker.feed(b"2\r\nok\r\n0\r\n\r\n") == b""
    assert not dechunker.done


def test_a_size_line_without_an_end_is_a_failure():
    assert read(b"1" * 4097)[1].failure == "a chunk's size line does not end"


def test_a_failure_does_not_quote_more_than_a_little():
    assert len(read(b"x" * 3000 + b"\r\n")[1].failure) < 100
