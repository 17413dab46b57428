"""Whatever a model says, every dialect's writer keeps to its dialect.

A reply is made of blocks at random, cut into batches at random, and written streamed
and whole. The oracles find nothing wrong with either, and both tell the same.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxyapp.dialects.anthropic.encoder import MessageEncoder
from proxyapp.dialects.ollama.chat import CHAT
from proxyapp.dialects.ollama.generate import GENERATE
from proxyapp.dialects.ollama.lines import LineEncoder
from proxyapp.dialects.openai.chat import ChatEncoder
from proxyapp.dialects.openai.completions import CompletionEncoder
from proxyapp.dialects.responses.encoder import ResponseEncoder
from proxyapp.dialects.responses.tools import read_tools
from proxyapp.errors import UpstreamIncomplete
from proxyapp.neutral.events import MessageEnd
from proxyapp.neutral.events import MessageStart
from proxyapp.neutral.events import TextDelta
from proxyapp.neutral.events import ThinkingDelta
from proxyapp.neutral.events import ToolCallDelta
from proxyapp.neutral.events import ToolCallStart
from proxyapp.neutral.usage import Usage
from proxyapp.relay.fold import fold
from tests import oracles
from tests.grammar import check_order

TOOLS = [{"type": "function", "name": name, "parameters": {}} for name in ("ls", "cat")]
REPEATED = {
    "model": "m",
    "instructions": None,
    "tools": [],
    "tool_choice": "auto",
    "parallel_tool_calls": True,
    "temperature": None,
    "top_p": None,
    "metadata": {},
}

words = st.lists(
    st.sampled_from(
        ["a", "é", "\n", '"', "\\", "😀", "data: x\n\n", "\u2028", " ", ""]
    ),
    min_size=1,
    max_size=4,
)
arguments = st.dictionaries(
    st.sampled_from(["a", "é", "data: "]), words | st.none() | st.integers(-9, 9)
)
signatures = st.sampled_from(["", "", "Eq=="])


@dataclass(frozen=True)
class Block:
    """One block: its kind, and what it holds."""

    kind: str
    held: Any
    more: Any = ""

    def events(self, index: int) -> list[Any]:
        """Tell the block."""
        return TELLERS[self.kind](index, self)


def text(index: int, block: Block) -> list[Any]:
    return [TextDelta(index, json.dumps(piece).encode()) for piece in block.held]


def thinking(index: int, block: Block) -> list[Any]:
    told = [ThinkingDelta(index, json.dumps(piece).encode()) for piece in block.held]
    signed = ThinkingDelta(index, b'""', signature=block.more)
    return [*told, signed] if block.more else told


def redacted(index: int, block: Block) -> list[Any]:
    return [ThinkingDelta(index, b'""', signature=block.held, redacted=True)]


def call(index: int, block: Block) -> list[Any]:
    told = json.dumps(block.held)
    start = ToolCallStart(index, f"call_{index}", block.more)
    return [start, ToolCallDelta(index, told)]


TELLERS: dict[str, Callable[[int, Block], list[Any]]] = {
    "text": text,
    "thinking": thinking,
    "redacted": redacted,
    "call": call,
}
TEXT = st.builds(Block, st.just("text"), words)
THINKING = st.builds(Block, st.just("thinking"), words, signatures)
REDACTED = st.builds(Block, st.just("redacted"), st.just("AAAA"))
CALL = st.builds(Block, st.just("call"), arguments, st.sampled_from(["ls", "cat"]))
usages = st.builds(Usage, st.integers(1, 99), st.integers(0, 99), st.integers(0, 1))


@st.composite
def replies(draw: Any, blocks: Any) -> list[Any]:
    """Make the events of a reply."""
    told: list[Any] = [MessageStart("", "m")]
    drawn = draw(st.lists(blocks, max_size=5))
    for index, block in enumerate(drawn):
        told += block.events(index)
    called = any(block.kind == "call" for block in drawn)
    reason = draw(st.sampled_from(["tool_calls"] if called else ["stop", "length"]))
    return [*told, MessageEnd(reason, draw(usages))]


@dataclass(frozen=True)
class Writer:
    """A dialect's encoder, its oracles, and the blocks it has words for."""

    make: Callable[[], Any]
    stream: Callable[..., list[str]]
    whole: Callable[[Any], list[str]]
    reader: str
    blocks: Any


EVERYTHING = st.one_of(TEXT, THINKING, REDACTED, CALL)
WRITERS = {
    "openai": Writer(
        partial(ChatEncoder, "m", include_usage=True),
        partial(oracles.openai_chat_stream, include_usage=True),
        oracles.openai_chat,
        "openai",
        EVERYTHING,
    ),
    "completions": Writer(
        partial(CompletionEncoder, "m", include_usage=True),
        partial(oracles.openai_completion_stream, include_usage=True),
        oracles.openai_completion,
        "completion",
        TEXT,
    ),
    "responses": Writer(
        lambda: ResponseEncoder(REPEATED, read_tools({"tools": TOOLS})),
        oracles.openai_responses_stream,
        oracles.openai_response,
        "responses",
        EVERYTHING,
    ),
    "anthropic": Writer(
        lambda: MessageEncoder("m", 12, "req_1"),
        oracles.anthropic_stream,
        oracles.anthropic_message,
        "anthropic",
        EVERYTHING,
    ),
    "ollama": Writer(
        partial(LineEncoder, "m", CHAT),
        oracles.ollama_stream,
        oracles.ollama_chat,
        "ollama",
        EVERYTHING,
    ),
    "generate": Writer(
        partial(LineEncoder, "m", GENERATE),
        partial(oracles.ollama_stream, kind="generate"),
        oracles.ollama_generate,
        "generate",
        st.one_of(TEXT, THINKING),
    ),
}
each_writer = pytest.mark.parametrize("name", WRITERS)
cuts = st.sets(st.integers(1, 40), max_size=8)


def batches(events: list[Any], places: set[int]) -> list[list[Any]]:
    """Cut a reply into batches."""
    bounds = [0, *sorted(place for place in places if place < len(events)), len(events)]
    return [events[a:b] for a, b in pairwise(bounds)]


@each_writer
@given(data=st.data(), places=cuts)
def test_a_reply_is_told_as_its_dialect_wants_it(
    name: str, data: Any, places: set[int]
) -> None:
    writer = WRITERS[name]
    events = data.draw(replies(writer.blocks))
    assert check_order(events) == []
    encoder = writer.make()
    written = b"".join(encoder.events(batch) for batch in batches(events, places))
    streamed = written + encoder.end()
    whole = writer.make().whole(fold(events))
    assert writer.stream(streamed) == []
    assert writer.whole(whole) == []
    pair = [oracles.read(writer.reader, answer) for answer in (streamed, whole)]
    assert oracles.differences(*pair) == []


@each_writer
@given(data=st.data(), places=cuts, at=st.integers(0, 40))
def test_a_reply_that_breaks_off_is_told_as_an_error(
    name: str, data: Any, places: set[int], at: int
) -> None:
    writer = WRITERS[name]
    events = data.draw(replies(writer.blocks))[:-1][: at + 1]
    encoder = writer.make()
    written = b"".join(encoder.events(batch) for batch in batches(events, places))
    failed = encoder.error(UpstreamIncomplete("It broke off."))
    assert writer.stream(written + failed, expect_error=True) == []


@each_writer
@given(data=st.data(), places=cuts)
def test_how_events_arrive_makes_no_difference(
    name: str, data: Any, places: set[int]
) -> None:
    writer = WRITERS[name]
    events = data.draw(replies(writer.blocks))
    told = []
    for cut in (set[int](), places, set(range(len(events)))):
        encoder = writer.make()
        parts = [encoder.events(batch) for batch in batches(events, cut)]
        told.append(oracles.read(writer.reader, b"".join(parts) + encoder.end()))
    assert oracles.differences(told[0], told[1]) == []
    assert oracles.differences(told[0], told[2]) == []
