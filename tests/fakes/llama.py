"""The shapes of llama-server's streams, as recorded from build 0c1e570.

Key order is the recorded one: a gateway that carries bytes must not depend on a
friendlier order than the real server has. ``created`` is stamped when a chunk is
rendered, so it can change within one stream, as it really does.
"""

import json
import time
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.fakes import steps as s

FINGERPRINT = "b1-0c1e570"
DONE = b"data: [DONE]\n\n"


def compact(value: Any) -> str:
    """Write JSON as llama-server does: no blanks, UTF-8 left as it is."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def event(value: Any) -> bytes:
    """Write one SSE event."""
    return b"data: " + compact(value).encode() + b"\n\n"


@dataclass
class Envelope:
    """What every chunk of one reply repeats."""

    id: str
    model: str
    kind: str = "chat"
    include_usage: bool = False
    clock: Callable[[], float] = time.time

    def chat(self, choices: list[Any], extra: Mapping[str, Any]) -> dict[str, Any]:
        """Wrap chat choices; usage and timings come last."""
        return {
            "choices": choices,
            "created": int(self.clock()),
            "id": self.id,
            "model": self.model,
            "system_fingerprint": FINGERPRINT,
            "object": "chat.completion.chunk",
            **extra,
        }

    def completion(
        self, choices: list[Any], extra: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Wrap text completion choices; usage comes before the id, timings after."""
        timings = {k: v for k, v in extra.items() if k == "timings"}
        usage = {k: v for k, v in extra.items() if k != "timings"}
        return {
            "choices": choices,
            "created": int(self.clock()),
            "model": self.model,
            "system_fingerprint": FINGERPRINT,
            "object": "text_completion",
            **usage,
            "id": self.id,
            **timings,
        }


@dataclass
class Pending:
    """A chunk that is not rendered yet: later steps may still add to it."""

    delta: Mapping[str, Any] | None
    finish: str | None
    choice: int
    extra: dict[str, Any]

    def render(self, envelope: Envelope) -> bytes:
        """Write the chunk, stamped now."""
        if envelope.kind == "completion":
            return event(envelope.completion(self.text_choices(), self.extra))
        return event(envelope.chat(self.chat_choices(), self.extra))

    def chat_choices(self) -> list[dict[str, Any]]:
        """Give the one choice, or none for a usage chunk."""
        if self.delta is None:
            return []
        return [
            {"finish_reason": self.finish, "index": self.choice, "delta": self.delta}
        ]

    def text_choices(self) -> list[dict[str, Any]]:
        """Give the same as a text completion choice."""
        if self.delta is None:
            return []
        return [
            {
                "text": self.delta.get("content") or "",
                "index": self.choice,
                "logprobs": None,
                "finish_reason": self.finish,
            }
        ]


Item = Pending | bytes | s.Unframed | s.Endless | s.Pause | s.Wait | s.Hang | s.Cut


class Compiler:
    """Turn the steps of a script into chunks, bytes and acts on the connection."""

    def __init__(self, envelope: Envelope) -> None:
        self.envelope = envelope
        self.items: list[Item] = []
        self.calls: dict[int, int] = {}
        self.opened: set[int] = set()
        self.done = False
        self.role = envelope.kind == "chat"
        self.table: dict[type, Callable[[Any], None]] = {
            s.Text: lambda t: self.add({"content": t.text}, t.choice),
            s.Reasoning: lambda r: self.add({"reasoning_content": r.text}, r.choice),
            s.ToolCall: self.tool_call,
            s.Delta: lambda d: self.add(dict(d.delta), d.choice, d.finish),
            s.Chunk: lambda c: self.items.append(event(c.value)),
            s.Finish: lambda f: self.add({}, f.choice, f.reason),
            s.Usage: self.usage,
            s.Timings: self.timings,
            s.Error: self.error,
            s.Done: self.mark_done,
            s.NoDone: self.no_done,
            s.Role: lambda r: self.open(r.choice),
            s.NoRole: self.no_role,
            s.Raw: lambda r: self.items.append(r.data),
        }

    def compile(self, script: Iterable[s.Step]) -> list[Item]:
        """Give the items to send; ``[DONE]`` is added unless the script settled it."""
        for step in script:
            act = self.table.get(type(step), self.items.append)
            act(step)
            self.done = self.done or isinstance(step, s.Cut | s.Hang)
        if not self.done:
            self.items.append(DONE)
        return self.items

    def add(self, delta: Mapping[str, Any], choice: int, finish: Any = None) -> None:
        self.open(choice)
        self.items.append(Pending(delta, finish, choice, {}))

    def open(self, choice: int) -> None:
        if self.role and choice not in self.opened:
            self.opened.add(choice)
            opening = {"role": "assistant", "content": None}
            self.items.append(Pending(opening, None, choice, {}))

    def tool_call(self, call: s.ToolCall) -> None:
        index = call.index
        if index is None:
            index = self.calls.get(call.choice, 0)
        self.calls[call.choice] = index + 1
        first, *rest = pieces(arguments_text(call), call.fragments)
        function = {"name": call.name, "arguments": first}
        opening = {"index": index, "id": call.id, "type": "function"}
        self.add({"tool_calls": [{**opening, "function": function}]}, call.choice)
        for piece in rest:
            more = {"index": index, "function": {"arguments": piece}}
            self.add({"tool_calls": [more]}, call.choice)

    def usage(self, usage: s.Usage) -> None:
        if usage.when_asked and not self.envelope.include_usage:
            return
        extra = {"usage": usage_object(usage)}
        last = self.items[-1] if self.items else None
        if self.envelope.kind == "completion" and isinstance(last, Pending):
            last.extra.update(extra)
        else:
            self.items.append(Pending(None, None, 0, extra))

    def timings(self, timings: s.Timings) -> None:
        for item in reversed(self.items):
            if isinstance(item, Pending):
                item.extra["timings"] = timings_object(timings)
                return

    def error(self, error: s.Error) -> None:
        self.items.append(event(error_object(error)))
        self.done = True

    def mark_done(self, _: s.Done) -> None:
        self.items.append(DONE)
        self.done = True

    def no_done(self, _: s.NoDone) -> None:
        self.done = True

    def no_role(self, _: s.NoRole) -> None:
        self.role = False


def pieces(text: str, count: int) -> list[str]:
    """Cut a text into ``count`` pieces of about the same size, at least one."""
    size = max(1, -(-len(text) // max(1, count)))
    return [text[i : i + size] for i in range(0, len(text), size)] or [""]


def arguments_text(call: s.ToolCall) -> str:
    """Give a call's arguments as the JSON text that travels."""
    if isinstance(call.arguments, str):
        return call.arguments
    return compact(dict(call.arguments))


def usage_object(usage: s.Usage) -> dict[str, Any]:
    """Write usage as llama-server does; reasoning tokens only when given."""
    body: dict[str, Any] = {
        "completion_tokens": usage.completion,
        "prompt_tokens": usage.prompt,
        "total_tokens": usage.prompt + usage.completion,
        "prompt_tokens_details": {"cached_tokens": usage.cached},
    }
    if usage.reasoning is not None:
        body["completion_tokens_details"] = {"reasoning_tokens": usage.reasoning}
    return body


def timings_object(timings: s.Timings) -> dict[str, Any]:
    """Write timings with the derived rates."""
    prompt_each = timings.prompt_ms / max(1, timings.prompt_n)
    predicted_each = timings.predicted_ms / max(1, timings.predicted_n)
    return {
        "cache_n": timings.cache_n,
        "prompt_n": timings.prompt_n,
        "prompt_ms": timings.prompt_ms,
        "prompt_per_token_ms": prompt_each,
        "prompt_per_second": 1000 / prompt_each if prompt_each else 0.0,
        "predicted_n": timings.predicted_n,
        "predicted_ms": timings.predicted_ms,
        "predicted_per_token_ms": predicted_each,
        "predicted_per_second": 1000 / predicted_each if predicted_each else 0.0,
    }


def error_object(error: s.Error) -> dict[str, Any]:
    """Write an error as llama-server's SSE does: an integer code, no param."""
    inner = {"code": error.code, "message": error.message, "type": error.type}
    return {"error": inner}
