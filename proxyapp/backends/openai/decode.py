"""Replies of an OpenAI-compatible server, as events.

Everything an upstream may get wrong is put right here, once: the dialects and the
relay see only the event grammar.
"""

from typing import Any

from proxyapp.backends.http import MAX_DOCUMENT
from proxyapp.backends.openai.calls import CallAssembler
from proxyapp.backends.openai.failures import from_event
from proxyapp.backends.openai.figures import count
from proxyapp.backends.openai.figures import read_logprobs
from proxyapp.backends.openai.figures import read_timings
from proxyapp.backends.openai.figures import read_usage
from proxyapp.backends.openai.lane import Lane
from proxyapp.errors import ProxyError
from proxyapp.errors import UpstreamIncomplete
from proxyapp.errors import UpstreamInvalid
from proxyapp.neutral.events import Event
from proxyapp.neutral.events import MessageEnd
from proxyapp.neutral.events import MessageStart
from proxyapp.neutral.events import StopReason
from proxyapp.neutral.events import TextDelta
from proxyapp.neutral.events import ThinkingDelta
from proxyapp.neutral.usage import Timings
from proxyapp.neutral.usage import Usage
from proxyapp.wire import jsons
from proxyapp.wire.sse import SseReader

_REASONING = ("reasoning_content", "reasoning", "reasoning_text", "thinking")
_STOPS: dict[str, StopReason] = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
}
_THINKING, _TEXT, _CALL = "thinking", "text", "call"


class _Choice:
    """One choice of the reply, and which of its blocks is open."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.calls = CallAssembler(number)
        self.finish: StopReason | None = None
        self._index = -1
        self._open = ""
        self._held: list[tuple[str, bytes, Any]] = []

    def block(self, kind: str) -> int:
        """Give the index of the open block of this kind, opening one if need be."""
        if self._open != kind:
            self._open = kind
            self._index += 1
        return self._index

    def tell(self, kind: str, quoted: bytes, logprobs: Any = None) -> list[Event]:
        """Give text or reasoning; what comes amid a call waits for the call's end."""
        if not self.calls.settled():
            self._held.append((kind, quoted, logprobs))
            return []
        index = self.block(kind)
        if kind == _THINKING:
            return [ThinkingDelta(index, quoted, self.number)]
        return [TextDelta(index, quoted, self.number, logprobs)]

    def tell_calls(self, *, final: bool = False) -> list[Event]:
        """Give the tool-call events that can be told now, and what waited for them."""
        events = self.calls.events(self._index + 1, final=final)
        if events:
            self._open = _CALL
            self._index = max(self._index, events[-1].index)  # type: ignore[union-attr]
        if self._held and self.calls.settled():
            held, self._held = self._held, []
            for kind, quoted, logprobs in held:
                events += self.tell(kind, quoted, logprobs)
        return events


class ReplyReader:
    """Turn the bytes of one reply into events.

    The reply may be server-sent events or one JSON document: some servers answer a
    streamed request with the latter. ``done`` turns true at ``[DONE]``. ``failure`` is
    an error that came behind events of the same portion: they are told before it.
    ``skipped`` counts events that were not JSON; the rest is served all the same.
    More than so many ``choices`` nobody asked for: they are passed over.
    """

    def __init__(
        self, model: str, text_field: str = "content", choices: int = 1
    ) -> None:
        self.done = False
        self.failure: ProxyError | None = None
        self.skipped = 0
        self._model = model
        self._sse: SseReader | None = None
        self._between_events = False
        self._document: list[bytes] = []
        self._size = 0
        self._asked = choices
        self._choices: dict[int, _Choice] = {}
        self._usage: Usage | None = None
        self._timings: Timings | None = None
        self._text_field = text_field
        self._text_lane = Lane(text_field.encode())
        self._thinking_lane = Lane(b"reasoning_content")
        self._lanes = (
            (self._text_lane, _TEXT, TextDelta),
            (self._thinking_lane, _THINKING, ThinkingDelta),
        )

    def feed(self, data: bytes) -> list[Event]:
        """Take more of the body; give the events it completes."""
        events: list[Event] = []
        at = 0
        if self._between_events:
            # Nearly every portion of a reply is this and nothing else.
            found = self._text_lane.run(data)
            if found is not None:
                quoted, at = found
                events.append(TextDelta(self._choices[0].block(_TEXT), quoted))
        if self._sse is None:
            data = self._sniffed(data)
        if self._sse is None:
            return events
        try:
            while at < len(data) and not self.done:
                at = self._take_next(self._sse, data, at, events)
        except ProxyError as error:
            if not events:
                raise
            self.failure = error
        self._between_events = self._sse.idle
        return events

    def _take_next(
        self, sse: SseReader, data: bytes, at: int, events: list[Event]
    ) -> int:
        """Take the texts that begin at a place, or one other event; give their end."""
        if sse.idle:
            for lane, kind, tell in self._lanes:
                found = lane.run(data, at)
                if found is not None:
                    quoted, end = found
                    events.append(tell(self._choices[0].block(kind), quoted))
                    return end
        end = data.find(b"\n\n", at) + 2
        end = end if end > 1 else len(data)
        try:
            chunks = sse.feed(data[at:end])
        except ValueError as error:
            raise UpstreamInvalid(f"Broken event stream upstream: {error}.") from None
        for chunk in chunks:
            if not self.done:
                self._take(chunk, events)
        return end

    def _sniffed(self, data: bytes) -> bytes:
        """Find out what kind of body this is from its first visible byte."""
        if not self._document:
            data = data.lstrip(b"\xef\xbb\xbf \t\r\n")
        if self._document or data.startswith(b"{"):
            self._document.append(data)
            self._size += len(data)
            if self._size > MAX_DOCUMENT:
                raise UpstreamInvalid("The model server's reply is too large.")
            return b""
        if data.startswith(b"<"):
            raise UpstreamInvalid("The model server answered a web page, not a reply.")
        if data:
            self._sse = SseReader()
        return data

    def end(self) -> list[Event]:
        """Close the reply after ``[DONE]`` or the body's end.

        Raises UpstreamIncomplete when it was cut off, UpstreamInvalid when there was
        nothing in it.
        """
        events: list[Event] = []
        if self._sse is None and self._document:
            self._take(b"".join(self._document), events, whole=True)
            self.done = True
        if not self._choices:
            raise UpstreamInvalid("The model server sent an empty reply.")
        if not self.done and any(not c.finish for c in self._choices.values()):
            raise UpstreamIncomplete(
                "The model server's reply ended before it was complete."
            )
        choices = sorted(self._choices.values(), key=lambda choice: choice.number)
        for choice in choices:
            events += choice.tell_calls(final=True)
            events.append(MessageEnd(_stop_reason(choice), choice=choice.number))
        last = events[-1]
        if isinstance(last, MessageEnd):
            last.usage, last.timings = self._usage, self._timings
            last.dropped = self.skipped
        return events

    def _take(self, data: bytes, events: list[Event], whole: bool = False) -> None:
        if data.strip() == b"[DONE]":
            self.done = True
            return
        chunk = self._parsed(data)
        if chunk is None:
            return
        if chunk.get("error"):
            raise from_event(chunk["error"])
        self._take_figures(chunk)
        choices = chunk.get("choices")
        for entry in choices if isinstance(choices, list) else ():
            if isinstance(entry, dict):
                self._take_choice(entry, events, whole)
        if len(self._choices) == 1 and not whole:
            self._learn(data, chunk)

    def _parsed(self, data: bytes) -> dict[str, Any] | None:
        try:
            chunk = jsons.loads(data)
        except ValueError:
            try:
                chunk = jsons.loads(data.decode("utf-8", "replace"))
            except ValueError:
                chunk = None
        if isinstance(chunk, dict):
            return chunk
        self.skipped += 1
        return None

    def _take_figures(self, chunk: dict[str, Any]) -> None:
        if isinstance(chunk.get("usage"), dict):
            self._usage = read_usage(chunk["usage"])
        timings = chunk.get("timings")
        if isinstance(timings, dict):
            self._timings = read_timings(timings)

    def _take_choice(
        self, entry: dict[str, Any], events: list[Event], whole: bool
    ) -> None:
        delta = entry.get("message" if whole else "delta")
        if self._text_field == "text":
            delta = {"text": t} if isinstance(t := entry.get("text"), str) else None
        if whole and not isinstance(delta, dict):
            return
        number = count(entry.get("index"))
        if number >= self._asked:
            return
        choice = self._choices.get(number)
        if choice is None:
            choice = self._choices[number] = _Choice(number)
            events.append(MessageStart("", self._model, number))
        if choice.finish:
            return
        if isinstance(delta, dict):
            logprobs = entry.get("logprobs")
            found = read_logprobs(logprobs) if logprobs else None
            self._take_delta(choice, delta, found, events)
        finish = entry.get("finish_reason")
        if isinstance(finish, str) and finish:
            if finish == "error":
                raise from_event("the model server ended its reply with an error")
            choice.finish = _STOPS.get(finish, "stop")
            self._close_lanes()
            events += choice.tell_calls(final=True)

    def _take_delta(
        self, choice: _Choice, delta: dict[str, Any], logprobs: Any, events: list[Event]
    ) -> None:
        thinking = next(
            (t for f in _REASONING if f in delta and (t := _text(delta[f]))), ""
        )
        if thinking:
            events += choice.tell(_THINKING, jsons.dumps(thinking))
        text = _text(delta.get(self._text_field))
        if text or logprobs:
            events += choice.tell(_TEXT, jsons.dumps(text), logprobs)
        calls = delta.get("tool_calls")
        if isinstance(calls, list) and calls:
            self._close_lanes()
            for call in calls:
                choice.calls.add(call)
            events += choice.tell_calls()

    def _close_lanes(self) -> None:
        """Let all go the long way: text may have to wait now, or be passed over."""
        self._text_lane.close()
        self._thinking_lane.close()

    def _learn(self, data: bytes, chunk: dict[str, Any]) -> None:
        """Teach the fast lane, from a chunk of choice 0 with one text in its delta."""
        choice, choices = self._choices.get(0), chunk.get("choices")
        if choice is None or choice.finish or choice.calls or chunk.get("usage"):
            return
        if not isinstance(choices, list) or len(choices) != 1:
            return
        entry = choices[0]
        if not isinstance(entry, dict) or entry.get("logprobs"):
            return
        delta = entry if self._text_field == "text" else entry.get("delta")
        if not isinstance(delta, dict):
            return
        text, thinking = delta.get(self._text_field), delta.get("reasoning_content")
        if isinstance(text, str):
            if not any(delta.get(field) for field in _REASONING):
                self._text_lane.learn(data, text)
        elif isinstance(thinking, str) and list(delta) == ["reasoning_content"]:
            self._thinking_lane.learn(data, thinking)


def _stop_reason(choice: _Choice) -> StopReason:
    """Make the reason agree with the reply: a call was made, or none was."""
    if choice.calls and choice.finish in (None, "stop"):
        return "tool_calls"
    if choice.finish == "tool_calls" and not choice.calls:
        return "stop"
    return choice.finish or "stop"


def _text(value: Any) -> str:
    if isinstance(value, list):
        parts = [part.get("text") for part in value if isinstance(part, dict)]
        return "".join(text for text in parts if isinstance(text, str))
    return value if isinstance(value, str) else ""
