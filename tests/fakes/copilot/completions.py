"""Answers of POST /chat/completions, with Copilot's own additions.

Those are a first chunk without id, time or choice, which carries the verdict of the
content filter on the prompt, and the fields ``reasoning_text``/``reasoning_opaque``.
"""

from __future__ import annotations

import time
from typing import Any

from tests.fakes.copilot import steps as s
from tests.fakes.copilot.writer import Writer
from tests.fakes.llama import arguments_text
from tests.fakes.llama import pieces

SAFE = {"filtered": False, "severity": "safe"}
VERDICT = {name: SAFE for name in ("hate", "self_harm", "sexual", "violence")}
REASONS = {"stop_sequence": "stop", "refusal": "stop"}


class Completions(Writer):
    """Write chat.completion.chunk events."""

    calls = 0

    def chunk(self, delta: dict[str, Any], **more: Any) -> None:
        """Add a chunk with one choice; ``more`` are fields beside the choices."""
        finish = more.pop("finish_reason", None)
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        self.emit({"choices": [choice], **self.envelope(), **more})

    def envelope(self) -> dict[str, Any]:
        """Give what every chunk repeats."""
        return {
            "created": int(time.time()),
            "id": f"chatcmpl-{self.number:028d}",
            "model": f"{self.model}-2026-04-14",
            "object": "chat.completion.chunk",
            "system_fingerprint": "fp_44709d6fcb",
        }

    def opening(self) -> None:
        verdict = {"content_filter_results": VERDICT, "prompt_index": 0}
        empty = {"choices": [], "created": 0, "id": ""}
        self.emit({**empty, "prompt_filter_results": [verdict]})
        self.chunk({"content": "", "role": "assistant"})

    def say(self, **delta: Any) -> None:
        """Add a chunk once the answer has begun."""
        self.open()
        self.chunk(delta)

    def text(self, text: str) -> None:
        self.say(content=text)

    def thinking(self, step: s.Thinking) -> None:
        for piece in pieces(step.text, step.fragments):
            if piece:
                self.say(content=None, reasoning_text=piece)
        self.redacted(step.signature)

    def redacted(self, data: str) -> None:
        self.say(content=None, reasoning_opaque=data)

    def refusal(self, text: str) -> None:
        self.say(content=None, refusal=text)

    def tool(self, call: s.ToolCall) -> None:
        index, self.calls = self.calls, self.calls + 1
        named = {"name": call.name, "arguments": ""}
        first = {"index": index, "id": call.id, "type": "function", "function": named}
        self.say(content=None, tool_calls=[first])
        for piece in pieces(arguments_text(call), call.fragments):
            more = {"index": index, "function": {"arguments": piece}}
            self.say(content=None, tool_calls=[more])

    def finish(self, reason: str, sequence: str | None) -> None:
        reason = REASONS.get(reason, reason)
        self.chunk({"content": None}, finish_reason=reason, usage=self.counted())
        self.emit("[DONE]")

    def counted(self) -> dict[str, Any]:
        """Give the usage."""
        used = self.usage
        details = {
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
            "reasoning_tokens": used.reasoning,
        }
        return {
            "completion_tokens": used.completion,
            "completion_tokens_details": details,
            "prompt_tokens": used.prompt,
            "prompt_tokens_details": {"cached_tokens": used.cached},
            "total_tokens": used.prompt + used.completion,
        }

    def failure(self, fail: s.Fail) -> None:
        code = fail.code or "server_error"
        self.emit({"error": {"message": fail.message, "code": code}})
