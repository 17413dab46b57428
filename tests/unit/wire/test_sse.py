import pytest

from proxyapp.wire.sse import SseReader


def read(*portions):
    reader = SseReader()
    return [event for portion in portions for event in reader.feed(portion)]


def test_events_end_at_an_empty_line():
    assert read(b'data: {"a":1}\n\ndata: [DONE]\n\n') == [b'{"a":1}', b"[DONE]"]


def test_an_event_without_its_empty_line_is_not_told():
    assert read(b"data: a\n\ndata: b\n") == [b"a"]


@pytest.mark.parametrize(
    "wire",
    [
        b"data: a\n\n",
        b"data:a\n\n",
        b"data: a\r\n\r\n",
        b"data: a\r\r",
        b"\n\ndata: a\n\n",
        b": ping\n\ndata: a\n\n",
        b": ping\ndata: a\n\n",
        b"event: message\nid: 7\nretry: 10\ndata: a\n\n",
        b"no colon\ndata: a\n\n",
        b"\xef\xbb\xbfdata: a\n\n",
        b"database: x\ndata: a\n\n",
    ],
)
def test_one_event_may_be_written_in_many_ways(wire):
    assert read(wire) == [b"a"]


@pytest.mark.parametrize(
    ("wire", "data"),
    [
        (b"data:  a\n\n", b" a"),
        (b"data: a: b\n\n", b"a: b"),
        (b"data: a\ndata: b\n\n", b"a\nb"),
        (b"data: \n\n", b""),
        (b"data\n\n", b""),
        (b"data:\ndata:\n\n", b"\n"),
        ("data: a\u2028b\x85c\n\n".encode(), "a\u2028b\x85c".encode()),
    ],
)
def test_data_is_read_by_the_standard(wire, data):
    assert read(wire) == [data]


@pytest.mark.parametrize("wire", [b": ping\n\n", b"event: x\n\n", b"\n\n\n"])
def test_an_event_without_data_is_none(wire):
    assert read(wire) == []


def test_an_error_line_becomes_an_error_object():
    wire = b'error: {"code":500,"message":"old style"}\n\n'
    assert read(wire) == [b'{"error":{"code":500,"message":"old style"}}']


@pytest.mark.parametrize("place", range(1, 13))
def test_a_byte_order_mark_may_be_cut(place):
    wire = b"\xef\xbb\xbfdata: a\n\n"
    assert read(wire[:place], wire[place:]) == [b"a"]


def test_a_byte_order_mark_may_come_after_nothing():
    assert read(b"", b"\xef\xbb\xbfdata: a\n\n") == [b"a"]


def test_a_byte_order_mark_counts_at_the_beginning_only():
    assert read(b"data: a\n\n", b"\xef\xbb\xbfdata: b\n\n") == [b"a"]


def test_whole_events_after_half_a_line_belong_to_that_line():
    assert read(b"data: a", b"data: b\n\n") == [b"adata: b"]


def test_whole_events_after_a_data_line_belong_to_its_event():
    assert read(b"data: a\n", b"data: b\n\n") == [b"a\nb"]


def test_whole_events_after_a_carriage_return_are_read():
    assert read(b"data: a\r\n\r", b"\ndata: b\n\n") == [b"a", b"b"]


def test_an_event_of_endless_lines_is_refused():
    reader = SseReader()
    lines = (b"data: " + b"x" * 993 + b"\n") * 10_000
    reader.feed(lines)
    with pytest.raises(ValueError, match="an event is longer"):
        reader.feed(lines)


def test_an_event_of_many_lines_counts_for_itself():
    reader = SseReader()
    event = b"data: " + b"x" * 993 + b"\ndata: y\n\n"
    assert len([one for _ in range(20) for one in reader.feed(event * 1000)]) == 20_000


@pytest.mark.reliability("R-007")
def test_an_endless_line_is_refused():
    reader = SseReader()
    with pytest.raises(ValueError, match="longer than"):
        reader.feed(b"data: " + b"A" * (9 << 20))
