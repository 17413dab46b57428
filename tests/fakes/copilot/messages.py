"""Answers of POST /v1/messages: the events of Anthropic's Messages API."""

from __future__ import annotations

from typing import Any

from tests.fakes.copilot import steps as s
from tests.fakes.copilot.writer import Writer
from tests.fakes.llama import arguments_text
from tests.fakes.llama import pieces

REASONS = {
    "stop": "end_turn",
    "tool_calls": "tool_use",
    "length": "max_tokens",
    "content_filter": "refusal",
}


class Messages(Writer):
    """Write message and content block events; one block is open at a time."""

    index = -1
    kind: str | None = None

    def event(self, name: str, **fields: Any) -> None:
        """Add an event that names its type twice, as the API does."""
        self.emit({"type": name, **fields}, name)

    def opening(self) -> None:
        message = {
            "id": f"msg_{self.number:024d}",
            "type": "message",
            "role": "assistant",
            "model": self.model,
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": {**self.counted(), "output_tokens": 1},
        }
        self.event("message_start", message=message)
        self.event("ping")

    def counted(self) -> dict[str, Any]:
        """Give the usage; the API keeps cached tokens out of the input tokens."""
        used = self.usage
        return {
            "input_tokens": used.prompt - used.cached - used.written,
            "cache_creation_input_tokens": used.written,
            "cache_read_input_tokens": used.cached,
            "output_tokens": used.completion,
        }

    def block(self, kind: str, **fields: Any) -> None:
        """Open a block after the one before it."""
        self.open()
        self.end_block()
        self.index += 1
        self.kind = kind
        block = {"type": kind, **fields}
        self.event("content_block_start", index=self.index, content_block=block)

    def delta(self, kind: str, **fields: Any) -> None:
        """Add to the open block."""
        delta = {"type": kind, **fields}
        self.event("content_block_delta", index=self.index, delta=delta)

    def end_block(self) -> None:
        """Close the open block, if any."""
        if self.kind is not None:
            self.event("content_block_stop", index=self.index)
            self.kind = None

    def text(self, text: str) -> None:
        if self.kind != "text":
            self.block("text", text="")
        self.delta("text_delta", text=text)

    def thinking(self, step: s.Thinking) -> None:
        self.block("thinking", thinking="", signature="")
        for piece in pieces(step.text, step.fragments):
            self.delta("thinking_delta", thinking=piece)
        self.delta("signature_delta", signature=step.signature)
        self.end_block()

    def redacted(self, data: str) -> None:
        self.block("redacted_thinking", data=data)
        self.end_block()

    def refusal(self, text: str) -> None:
        self.text(text)

    def tool(self, call: s.ToolCall) -> None:
        self.block("tool_use", id=call.id, name=call.name, input={})
        self.delta("input_json_delta", partial_json="")
        for piece in pieces(arguments_text(call), call.fragments):
            self.delta("input_json_delta", partial_json=piece)

    def finish(self, reason: str, sequence: str | None) -> None:
        self.end_block()
        reason = REASONS.get(reason, reason)
        delta = {"stop_reason": reason, "stop_sequence": sequence}
        usage = self.counted()
        if self.usage.reasoning:
            details = {"thinking_tokens": self.usage.reasoning}
            usage["output_tokens_details"] = details
        self.event("message_delta", delta=delta, usage=usage)
        self.event("message_stop")

    def failure(self, fail: s.Fail) -> None:
        error = {"type": fail.code or "api_error", "message": fail.message}
        self.event("error", error=error)
