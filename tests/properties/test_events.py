"""Whatever an upstream writes, and however it is cut, its events keep their order."""

import json
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from proxyapp.backends.openai.decode import ReplyReader
from proxyapp.backends.openai.lane import Lane
from proxyapp.errors import ProxyError
from proxyapp.relay.fold import fold
from tests.grammar import check_order
from tests.properties.test_wire import cut
from tests.properties.test_wire import cuts
from tests.recordings import recorded
from tests.recordings import recordings

STREAMS = [name for name in recordings() if "stream" in name or "sse" in name]

words = st.sampled_from(["", "a", "é", "\n", '"', "\\", "😀", "data: x", "\u2028"])
pieces = st.sampled_from(["", "{", '{"a"', ":1", ",", '"b":"x y"', "}", "{}", "[", " "])
some = st.integers(0, 2)


def delta(**fields):
    return st.fixed_dictionaries(fields)


call_fields = st.fixed_dictionaries(
    {},
    optional={
        "index": some,
        "id": st.sampled_from(["a", "b", "no good", ""]),
        "function": st.fixed_dictionaries(
            {},
            optional={"name": st.sampled_from(["look", "read"]), "arguments": pieces},
        ),
    },
)
deltas = st.one_of(
    delta(content=words),
    delta(content=words),
    delta(reasoning_content=words),
    delta(reasoning=words),
    delta(content=st.none(), role=st.just("assistant")),
    delta(content=words, reasoning_content=words),
    delta(tool_calls=st.lists(call_fields, max_size=2)),
    delta(content=words, tool_calls=st.lists(call_fields, max_size=2)),
    st.just({}),
)
chunks = st.builds(
    lambda index, delta, finish, more: {
        "choices": [{"index": index, "delta": delta, "finish_reason": finish}],
        **more,
    },
    st.sampled_from([0, 0, 0, 1]),
    deltas,
    st.sampled_from([None] * 12 + ["stop", "length", "tool_calls"]),
    st.sampled_from([{}, {}, {"created": 1}, {"usage": {"prompt_tokens": 1}}]),
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | words,
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(["content", "index", "delta", "reasoning_content", "x"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=6,
)
odd_chunks = st.one_of(
    chunks,
    json_values,
    st.builds(lambda value: {"choices": [value]}, json_values),
    st.builds(lambda value: {"choices": [{"index": 0, "delta": value}]}, json_values),
)


def wire(values, *, compact=True, ascii_only=False):
    separators = (",", ":") if compact else None
    written = [
        json.dumps(value, separators=separators, ensure_ascii=ascii_only)
        for value in values
    ]
    return "".join(f"data: {text}\n\n" for text in written).encode()


def outcome(data, places=()):
    """Read a stream; give its events, and the failure that ended it if one did."""
    reader = ReplyReader("m", choices=9)
    events = []
    try:
        for portion in cut(data, places):
            events += reader.feed(portion)
            if reader.failure is not None:
                raise reader.failure
        return events + reader.end(), None
    except ProxyError as error:
        return events, error


def without_random_ids(events):
    """Blank the ids that are made up anew each time."""
    for event in events:
        if getattr(event, "id", "").startswith("call_"):
            event.id = "call"
    return events


def summary(data, places=()):
    events, error = outcome(data, places)
    return without_random_ids(events), error and (type(error), error.message)


@given(st.lists(chunks, max_size=12), st.booleans(), cuts)
def test_a_complete_reply_obeys_the_grammar(values, done, places):
    data = wire(values) + (b"data: [DONE]\n\n" if done else b"")
    events, error = outcome(data, places)
    assert error or check_order(events) == []


@pytest.mark.reliability("R-005")
@given(st.lists(chunks, max_size=12), cuts)
def test_the_events_do_not_depend_on_the_cuts(values, places):
    data = wire(values) + b"data: [DONE]\n\n"
    assert summary(data, places) == summary(data)


@given(st.lists(odd_chunks, max_size=10), st.booleans(), st.booleans())
def test_the_fast_lane_tells_what_the_long_way_tells(values, compact, ascii_only):
    data = wire([{"choices": [{"index": 0}]}, *values], compact=compact)
    data = data if not ascii_only else wire(values, ascii_only=True)
    fast = summary(data)
    with mock.patch.object(Lane, "run", return_value=None):
        slow = summary(data)
    assert as_told(fast[0]) == as_told(slow[0])
    assert fast[1] == slow[1]


def as_told(events):
    """Give events with their text read, and what follows on in a block joined.

    Two ways to quote are the same text, and so is text in one piece or several.
    """
    told = []
    for event in events:
        fields = {name: getattr(event, name) for name in type(event).__slots__}
        quoted = fields.pop("quoted", None)
        text = [] if quoted is None else [json.loads(quoted)]
        kind = type(event).__name__
        if told and text and told[-1][0] == kind and told[-1][2] == fields:
            told[-1][1].extend(text)
        else:
            told.append((kind, text, fields))
    return [(kind, "".join(text), fields) for kind, text, fields in told]


@pytest.mark.reliability("R-005")
@pytest.mark.parametrize("name", STREAMS)
@given(places=cuts)
@settings(max_examples=15)
def test_a_recording_reads_the_same_however_it_is_cut(name, places):
    body = recorded(name).body
    assert summary(body, places) == summary(body)


@pytest.mark.reliability("R-005")
@pytest.mark.parametrize("name", ["chat_stream", "think_stream", "chat_stream_usage"])
def test_a_recording_reads_the_same_byte_by_byte(name):
    body = recorded(name).body
    whole, _ = outcome(body)
    single, _ = outcome(body, range(len(body)))
    assert fold(single) == fold(whole)
