"""VS Code Copilot's reading of a chat stream, rule by rule.

Written from observation of that client (extension 0.42.0, March 2026) against
recorded and made-up streams. ``newer`` is the reader of mid-2026, which also knows
``reasoning_content``. It is not tolerant where the client is not: what is lost here
is lost to the user.
"""

import json
from dataclasses import dataclass
from dataclasses import field
from typing import Any

THINKING = ("cot_summary", "reasoning_text", "thinking")
NEWER_THINKING = (
    "cot_summary",
    "reasoning_text",
    "reasoning_content",
    "reasoning",
    "thinking",
)
COMPLETE = ("stop", "tool_calls", "function_call")
REASONS = {
    "length": "Response too long.",
    "content_filter": "Response got filtered.",
    "error": "Server error. Stream terminated",
}
NO_CHOICES = "Response contained no choices."
EMPTY = "No response from language model"
USAGE_CRASH = "Cannot read properties of undefined (reading 'headerRequestId')"
CONTENT_CRASH = "text.replace is not a function"
COUNTS = ("prompt_tokens", "completion_tokens", "total_tokens")


@dataclass(frozen=True)
class Call:
    """A tool call as the client hands it on."""

    id: str | None
    name: str
    arguments: Any


@dataclass
class Reading:
    """What the user of VS Code gets; ``failure`` is the reason shown instead.

    ``logged`` counts lines the client complains about in its log.
    """

    text: str = ""
    thinking: str = ""
    calls: tuple[Call, ...] = ()
    finish: str | None = None
    usage: dict[str, Any] | None = None
    failure: str | None = None
    logged: int = 0


@dataclass
class Pieces:
    """One call while its arguments arrive."""

    id: str | None
    name: str = ""
    arguments: str = ""


@dataclass
class Reader:
    """The state of the client while it reads."""

    newer: bool = False
    reading: Reading = field(default_factory=Reading)
    pieces: list[Pieces] = field(default_factory=list)
    crashed: bool = False

    def run(self, raw: bytes) -> Reading:
        """Read a whole stream."""
        # The rest after the last newline is never looked at.
        for line in raw.decode("utf-8", "replace").split("\n")[:-1]:
            if self.crashed or not self.line(line):
                break
        if not self.crashed:
            self.settle()
        return self.reading

    def line(self, line: str) -> bool:
        """Read one line; False is the end."""
        if not line or line.startswith(":"):
            return True
        if not line.startswith("data:"):
            self.reading.logged += 1
            return True
        data = line.removeprefix("data:").strip()
        if data == "[DONE]":
            return False
        try:
            value = json.loads(data)
        except ValueError:
            self.reading.logged += 1
            return True
        self.value(value)
        return True

    def value(self, value: Any) -> None:
        """Read one chunk."""
        if not isinstance(value, dict):
            self.reading.logged += 1
            return
        self.usage(value.get("usage"))
        choices = value.get("choices")
        if choices is None:
            self.error(value.get("error"))
        for choice in choices or []:
            self.choice(choice)

    def error(self, error: Any) -> None:
        """Read an error: after content it counts only behind a finish reason."""
        if not isinstance(error, dict):
            self.reading.logged += 1
            return
        began = self.reading.text or self.pieces
        if not began or self.reading.finish is not None:
            self.reading.failure = json.dumps(error, ensure_ascii=False)

    def usage(self, usage: Any) -> None:
        """Read usage: anything but three numbers crashes the client."""
        if usage is None:
            return
        counts = usage if isinstance(usage, dict) else {}
        if not all(isinstance(counts.get(name), int) for name in COUNTS):
            self.crash(USAGE_CRASH)
            return
        self.reading.usage = counts

    def choice(self, choice: dict[str, Any]) -> None:
        """Read one choice."""
        delta = choice.get("delta") or {}
        self.think(delta)
        if self.reading.finish is not None:
            return
        calls = delta.get("tool_calls")
        if calls is not None:
            # Even an empty list: content in the same delta is never looked at.
            self.call_pieces(calls)
        elif delta.get("content") is not None:
            self.content(delta["content"])
        reason = choice.get("finish_reason")
        if reason in COMPLETE or reason in REASONS:
            self.reading.finish = reason

    def think(self, delta: dict[str, Any]) -> None:
        """Read reasoning: the first known name only."""
        for name in NEWER_THINKING if self.newer else THINKING:
            if isinstance(delta.get(name), str):
                self.reading.thinking += delta[name]
                return

    def content(self, content: Any) -> None:
        """Read text."""
        if not isinstance(content, str):
            self.crash(CONTENT_CRASH)
            return
        self.reading.text += content

    def call_pieces(self, calls: list[dict[str, Any]]) -> None:
        """Read pieces of calls: they are told apart by id, never by index."""
        for call in calls:
            piece = self.piece(call.get("id"))
            function = call.get("function") or {}
            piece.name = function.get("name") or piece.name
            piece.arguments += str(function.get("arguments") or "")

    def piece(self, call_id: str | None) -> Pieces:
        """Find the call a piece belongs to: without an id, the last one."""
        if self.pieces and not call_id:
            return self.pieces[-1]
        for piece in self.pieces:
            if piece.id == call_id:
                return piece
        self.pieces.append(Pieces(call_id))
        return self.pieces[-1]

    def crash(self, message: str) -> None:
        """Fail at once."""
        self.reading.failure = message
        self.crashed = True

    def settle(self) -> None:
        """Decide what the user sees once the stream has ended."""
        reading = self.reading
        if reading.failure is not None:
            return
        if reading.finish is None:
            reading.failure = NO_CHOICES
        elif reading.finish in REASONS:
            reading.failure = REASONS[reading.finish]
        else:
            reading.calls = tuple(filter(None, map(delivered, self.pieces)))
            if not reading.text and not reading.calls:
                reading.failure = EMPTY


def delivered(piece: Pieces) -> Call | None:
    """Give a call as it is handed on; broken arguments lose it."""
    try:
        arguments = json.loads(piece.arguments or "{}")
    except ValueError:
        return None
    return Call(piece.id, piece.name, arguments)


def vscode_reads(raw: bytes, newer: bool = False) -> Reading:
    """Read a stream as VS Code's chat does."""
    return Reader(newer=newer).run(raw)
