"""Replies as lines of JSON, or whole: what /api/chat and /api/generate share."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from proxyapp.backends.base import Batch
from proxyapp.dialects.ollama import stamps
from proxyapp.dialects.ollama.errors import error_body
from proxyapp.errors import BrokenToolCall
from proxyapp.errors import ProxyError
from proxyapp.neutral.events import Event
from proxyapp.neutral.events import MessageEnd
from proxyapp.neutral.events import TextDelta
from proxyapp.neutral.events import ThinkingDelta
from proxyapp.neutral.events import ToolCallDelta
from proxyapp.neutral.events import ToolCallStart
from proxyapp.neutral.messages import ToolCall
from proxyapp.neutral.usage import Timings
from proxyapp.neutral.usage import Usage
from proxyapp.relay.fold import Reply
from proxyapp.wire import jsons

Said = dict[str, Any]

_STAMP_KEEPS = 0.2
"""Seconds for which one ``created_at`` serves the lines of a stream."""


@dataclass(frozen=True, slots=True)
class Shape:
    """Where a reply's text stands in its lines.

    ``text`` and ``thinking`` are what comes before a JSON string literal, ``tail``
    what closes the object after it. ``said`` builds the same fields for text,
    thinking and calls.
    """

    text: bytes
    thinking: bytes
    tail: bytes
    said: Callable[[str, str, list[Said]], Said]


class LineEncoder:
    """Write one reply in one shape; it counts as begun when this is made."""

    def __init__(self, model: str, shape: Shape) -> None:
        self._model = model
        self._shape = shape
        self._begun = time.monotonic_ns()
        self._call: ToolCallStart | None = None
        self._arguments: list[str] = []
        self._calls = 0
        self._before = b'{"model":' + jsons.dumps(model) + b',"created_at":"'
        self._tail = shape.tail + b',"done":false}\n'
        self._restamp(time.monotonic())

    def events(self, batch: Batch) -> bytes:
        """Write events as lines."""
        now = time.monotonic()
        if now > self._stale:
            self._restamp(now)
        text, tail = self._text_head, self._tail
        written: list[bytes] = []
        for event in batch:
            if type(event) is TextDelta and self._call is None and not event.logprobs:
                written += (text, event.quoted, tail)
            else:
                written.append(self._other(event))
        return _one_line_each(b"".join(written))

    def _restamp(self, now: float) -> None:
        """Put the time into the heads of lines; writing it costs more than a token."""
        self._stale = now + _STAMP_KEEPS
        head = self._before + stamps.now().encode() + b'",'
        self._text_head = head + self._shape.text
        self._thinking_head = head + self._shape.thinking

    def _other(self, event: Event) -> bytes:
        if isinstance(event, ToolCallDelta):
            self._arguments.append(event.json)
            return b""
        written = self._finished_call()
        if isinstance(event, TextDelta):
            written += self._text_line(event)
        elif isinstance(event, ThinkingDelta):
            written += self._thinking_head + event.quoted + self._tail
        elif isinstance(event, ToolCallStart):
            self._call = event
        elif isinstance(event, MessageEnd):
            written += self._end(event)
        return written

    def _finished_call(self) -> bytes:
        """Write the call that the next event closes: whole, in a line of its own."""
        start, pieces = self._call, self._arguments
        if start is None:
            return b""
        self._call, self._arguments = None, []
        call = ToolCall(start.id, start.name, "".join(pieces))
        said = self._shape.said("", "", [_encode_call(call, self._calls)])
        self._calls += 1
        return self._line({**said, "done": False})

    def _text_line(self, event: TextDelta) -> bytes:
        said = self._shape.said(str(jsons.loads(event.quoted)), "", [])
        return self._line({**said, "done": False, **_logprobs([event.logprobs])})

    def _end(self, event: MessageEnd) -> bytes:
        usage = event.usage or Usage()
        return self._line(
            {
                **self._shape.said("", "", []),
                **_ending(event.stop_reason),
                **self._figures(usage, event.timings),
            }
        )

    def _line(self, said: Said) -> bytes:
        return jsons.dumps(self._object(said)) + b"\n"

    def _object(self, said: Said) -> Said:
        return {"model": self._model, "created_at": stamps.now(), **said}

    def _figures(self, usage: Usage, timings: Timings | None) -> dict[str, int]:
        """Write counts, and durations in nanoseconds.

        What the model server did not spend on the prompt and the answer went by
        before it began; without its word, all the time goes to the answer.
        """
        passed = time.monotonic_ns() - self._begun
        prompt = round(timings.prompt_ms * 1e6) if timings else 0
        answer = round(timings.predicted_ms * 1e6) if timings else passed
        return {
            "total_duration": max(passed, prompt + answer),
            "load_duration": max(passed - prompt - answer, 0),
            "prompt_eval_count": usage.input,
            "prompt_eval_duration": prompt,
            "eval_count": usage.output,
            "eval_duration": answer,
        }

    def end(self) -> bytes:
        """Write nothing: the last event's line says that it is the last."""
        return b""

    def heartbeat(self) -> bytes:
        """Write a line without content; a blank one crashes Ollama's Python client."""
        return self._line({**self._shape.said("", "", []), "done": False})

    def error(self, error: ProxyError) -> bytes:
        """Write the error; no line that claims to be the last may follow it."""
        return _one_line_each(jsons.dumps(error_body(error)) + b"\n")

    def whole(self, reply: Reply) -> Said:
        """Write the reply in one object."""
        choice = reply.choices[0]
        calls = [_encode_call(call, n) for n, call in enumerate(choice.calls)]
        return self._object(
            {
                **self._shape.said(choice.text, choice.thinking, calls),
                **_ending(choice.stop_reason),
                **_logprobs(choice.logprobs),
                **self._figures(reply.usage, reply.timings),
            }
        )

    def loaded(self, *, unload: bool) -> Said:
        """Write the answer to a request that has nothing to say to the model."""
        reason = "unload" if unload else "load"
        said = self._shape.said("", "", [])
        return self._object({**said, "done": True, "done_reason": reason})


def _encode_call(call: ToolCall, position: int) -> Said:
    """Write a call; its arguments must be an object, not the text of one."""
    try:
        arguments = jsons.loads(call.arguments)
    except ValueError:
        arguments = None
    if not isinstance(arguments, dict):
        raise BrokenToolCall(
            f"The model's call of '{call.name}' has arguments that are no JSON object;"
            " ask again."
        )
    function = {"index": position, "name": call.name, "arguments": arguments}
    return {"id": call.id, "function": function}


def _ending(stop_reason: str) -> Said:
    """Tell the end; Ollama has no word for tool calls or a filter."""
    reason = "length" if stop_reason == "length" else "stop"
    return {"done": True, "done_reason": reason}


def _logprobs(pieces: list[Any]) -> Said:
    found = [
        entry
        for piece in pieces
        if isinstance(piece, dict)
        for entry in piece.get("content") or []
    ]
    return {"logprobs": found} if found else {}


def _one_line_each(lines: bytes) -> bytes:
    r"""Escape what is text to JSON but ends a line to Ollama's Python client.

    httpx splits lines as ``str.splitlines`` does: at U+0085, U+2028 and U+2029, too.
    """
    if lines.isascii():
        return lines
    return (
        lines.replace(b"\xe2\x80\xa8", rb"\u2028")
        .replace(b"\xe2\x80\xa9", rb"\u2029")
        .replace(b"\xc2\x85", rb"\u0085")
    )
