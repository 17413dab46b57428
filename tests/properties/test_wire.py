"""Framing does not depend on how the network cut it."""

import json
import re

import pytest
from hypothesis import example
from hypothesis import given
from hypothesis import strategies as st

from proxyapp.wire import jsons
from proxyapp.wire.chunked import Dechunker
from proxyapp.wire.lines import LineSplitter
from proxyapp.wire.sse import SseReader

cuts = st.lists(st.integers(0, 400), max_size=12)
sse_text = st.lists(
    st.sampled_from(
        [
            *("data: a", "data:b", "data: ", "data", "data: {}", ": ping", "id: 1"),
            *("event: x", "error: {}", "\n", "\n\n", "\r", "\r\n", "\r\n\r\n"),
            *("\ufeff", "\u2028", "é", " ", ":", "\n\ndata: c\n\n", "data: d\n\n"),
        ]
    ),
    max_size=25,
).map(lambda pieces: "".join(pieces).encode())


def cut(data, places):
    """Cut data at the given places."""
    ends = sorted({min(place, len(data)) for place in places} | {len(data)})
    return [data[a:b] for a, b in zip([0, *ends], ends, strict=False)]


def fed(reader, portions):
    return [item for portion in portions for item in reader.feed(portion)]


@pytest.mark.reliability("R-005")
@given(
    st.lists(st.sampled_from([b"a", b"b", b"\r", b"\n", b"\r\n"]), max_size=30), cuts
)
def test_lines_are_those_of_the_standard_however_they_are_cut(pieces, places):
    data = b"".join(pieces)
    splitter = LineSplitter()
    expected = re.split(rb"\r\n|\r|\n", data)[:-1]
    assert fed(splitter, cut(data, places)) == expected


def spec_events(data):
    """Read events by the letter of the standard, and of our one addition to it."""
    events, event = [], []
    for line in re.split(r"\r\n|\r|\n", data.decode().removeprefix("\ufeff"))[:-1]:
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if not line and event:
            events.append("\n".join(event).encode())
            event = []
        elif name == "data":
            event.append(value)
        elif name == "error":
            event.append(f'{{"error":{value}}}')
    return events


@pytest.mark.reliability("R-005")
@given(sse_text, cuts)
@example(b"data: a\n\ndata: b\n\n", [3, 9])
@example(b"data: a\r\n\rdata: b\n\n", [9])
@example(b"\xef\xbb\xbfdata: a\n\n", [1, 2])
def test_events_are_those_of_the_standard_however_they_are_cut(data, places):
    assert fed(SseReader(), cut(data, places)) == spec_events(data)


@pytest.mark.reliability("R-005")
@given(st.lists(st.binary(min_size=1, max_size=40), max_size=8), cuts)
def test_chunks_are_joined_however_they_are_cut(pieces, places):
    wire = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
    dechunker = Dechunker()
    payload = [dechunker.feed(p) for p in cut(wire + b"0\r\n\r\n", places)]
    assert b"".join(payload) == b"".join(pieces)
    assert (dechunker.done, dechunker.failure) == (True, "")


@pytest.mark.reliability("R-005")
@given(
    st.lists(
        st.sampled_from(
            [
                *(b"5\r\nhello\r\n", b"2;x=y\r\nok\r\n", b"0x2\r\nno\r\n"),
                *(b"3\nabc\n\n", b"0\r\n", b"\r\n", b"0\r\n\r\n", b"zz\r\n"),
                *(b"X: y\r\n", b"1g\r\n"),
            ]
        ),
        max_size=8,
    ),
    cuts,
)
def test_bytes_of_any_kind_are_read_the_same_however_they_are_cut(pieces, places):
    wire = b"".join(pieces)
    whole, parts = Dechunker(), Dechunker()
    payload = whole.feed(wire)
    assert b"".join(parts.feed(piece) for piece in cut(wire, places)) == payload
    assert (parts.done, parts.failure) == (whole.done, whole.failure)


scalars = (
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.text()
) | st.floats(allow_nan=False, allow_infinity=False)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(values)
def test_json_comes_back_as_it_was_written(value):
    assert jsons.loads(jsons.dumps(value)) == value


@given(values)
def test_json_of_other_writers_is_read_as_they_meant_it(value):
    assert jsons.loads(json.dumps(value)) == value


@given(st.text(st.sampled_from('ab\\\ud83d\ude00é\n"'), max_size=12))
def test_a_cut_emoji_costs_one_character_and_no_more(text):
    whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    assert jsons.loads(json.dumps(text)) == whole
