"""Answers of POST /responses: the events of OpenAI's Responses API, Copilot's way.

Copilot gives an output item another opaque id in every event and other ciphertext in
the last one: ``output_index`` alone tells which item an event belongs to. (Reports of
captured streams: BerriAI/litellm#30072, vercel/ai#18548, Menci/Floway#119.)
"""

from __future__ import annotations

import base64
import hashlib
import time
from typing import Any

from tests.fakes.copilot import steps as s
from tests.fakes.copilot.writer import Writer
from tests.fakes.llama import arguments_text
from tests.fakes.llama import pieces

ID_BYTES = 300


class Responses(Writer):
    """Write response events; one output item is open at a time.

    ``steady`` gives an item the same id throughout, as OpenAI itself does.
    """

    steady = False

    def __init__(self, model: str, number: int) -> None:
        super().__init__(model, number)
        self.sequence = 0
        self.created = int(time.time())
        self.output: list[dict[str, Any]] = []
        self.item: dict[str, Any] | None = None

    def event(self, name: str, **fields: Any) -> None:
        """Add an event under the next sequence number."""
        numbered = {"type": name, **fields, "sequence_number": self.sequence}
        self.emit(numbered, name)
        self.sequence += 1

    def fresh_id(self) -> str:
        """Give the open item's id for one event."""
        assert self.item is not None
        if self.steady:
            return str(self.item["id"])
        return opaque(f"{self.number}/{self.sequence}")

    def part(self, name: str, **fields: Any) -> None:
        """Add an event that belongs to the open item."""
        place = {"item_id": self.fresh_id(), "output_index": len(self.output)}
        self.event(f"response.{name}", **place, **fields)

    def delta(self, name: str, delta: str, **fields: Any) -> None:
        """Add a delta, padded so that its length tells nothing."""
        self.part(name, delta=delta, obfuscation="x" * (-len(delta) % 16), **fields)

    # --------------------------------------------------------------- response

    def response(self, status: str, **fields: Any) -> dict[str, Any]:
        """Give the response object as it stands."""
        return {
            "id": f"resp_{self.number:048d}",
            "object": "response",
            "created_at": self.created,
            "status": status,
            "error": None,
            "incomplete_details": None,
            "instructions": None,
            "max_output_tokens": None,
            "model": self.model,
            "output": [self.seen_last(item) for item in self.output],
            "parallel_tool_calls": True,
            "previous_response_id": None,
            "store": False,
            "temperature": 1.0,
            "tool_choice": "auto",
            "tools": [],
            "top_p": 1.0,
            "truncation": "disabled",
            "usage": None,
            "metadata": {},
            **fields,
        }

    def seen_last(self, item: dict[str, Any]) -> dict[str, Any]:
        """Give an item as the last event shows it: with another id and cipher."""
        if self.steady:
            return item
        other = {**item, "id": opaque(f"last/{self.number}/{item['id']}")}
        if "encrypted_content" in item:
            other["encrypted_content"] = item["encrypted_content"] + "=="
        return other

    def opening(self) -> None:
        self.event("response.created", response=self.response("in_progress"))
        self.event("response.in_progress", response=self.response("in_progress"))

    # ------------------------------------------------------------------ items

    def begin_item(self, kind: str, prefix: str, **fields: Any) -> None:
        """Open an item after the one before it."""
        self.open()
        self.end_item("completed")
        given = f"{prefix}_{self.number:020d}{next(self.ids):04d}"
        self.item = {"id": given, "type": kind, **fields}
        if not self.steady:
            self.item["id"] = opaque(given)
        index = len(self.output)
        self.event("response.output_item.added", output_index=index, item=self.item)

    def end_item(self, status: str) -> None:
        """Close the open item, if any."""
        if self.item is None:
            return
        ends = {
            "message": self.end_message,
            "function_call": self.end_call,
            "reasoning": lambda _: None,
        }
        ends[self.item["type"]](status)
        item = {**self.item, "id": self.fresh_id()}
        place = {"output_index": len(self.output)}
        self.event("response.output_item.done", **place, item=item)
        self.output.append(item)
        self.item = None

    def message_part(self, kind: str, field: str) -> dict[str, Any]:
        """Give the content part being written, opened when it is not yet."""
        if self.item is None or self.item["type"] != "message":
            status = {"status": "in_progress", "role": "assistant"}
            self.begin_item("message", "msg", **status, content=[])
        assert self.item is not None
        content = self.item["content"]
        if not content or content[-1]["type"] != kind:
            self.end_part()
            part: dict[str, Any] = {"type": kind, field: ""}
            if kind == "output_text":
                part |= {"annotations": [], "logprobs": []}
            place = {"content_index": len(content)}
            self.part("content_part.added", **place, part=dict(part))
            content = [*content, part]
            self.item = {**self.item, "content": content}
        opened: dict[str, Any] = content[-1]
        return opened

    def end_part(self) -> None:
        """Close the last content part, if any."""
        assert self.item is not None
        content = self.item["content"]
        if not content:
            return
        place = {"content_index": len(content) - 1}
        part = content[-1]
        if part["type"] == "output_text":
            text = {"text": part["text"], "logprobs": []}
            self.part("output_text.done", **place, **text)
        else:
            self.part("refusal.done", **place, refusal=part["refusal"])
        self.part("content_part.done", **place, part=part)

    def end_message(self, status: str) -> None:
        self.end_part()
        assert self.item is not None
        self.item = {**self.item, "status": status}

    def end_call(self, status: str) -> None:
        assert self.item is not None
        given = self.item["arguments"]
        self.part("function_call_arguments.done", arguments=given)
        self.item = {**self.item, "status": status}

    # ---------------------------------------------------------------- content

    def text(self, text: str) -> None:
        part = self.message_part("output_text", "text")
        assert self.item is not None
        place = {"content_index": len(self.item["content"]) - 1, "logprobs": []}
        self.delta("output_text.delta", text, **place)
        part["text"] += text

    def refusal(self, text: str) -> None:
        part = self.message_part("refusal", "refusal")
        assert self.item is not None
        place = {"content_index": len(self.item["content"]) - 1}
        self.delta("refusal.delta", text, **place)
        part["refusal"] += text

    def thinking(self, step: s.Thinking) -> None:
        self.reason(step.signature)
        assert self.item is not None
        part = {"type": "summary_text", "text": ""}
        place = {"summary_index": 0}
        if step.text:
            self.part("reasoning_summary_part.added", **place, part=part)
            for piece in pieces(step.text, step.fragments):
                self.delta("reasoning_summary_text.delta", piece, **place)
            self.part("reasoning_summary_text.done", **place, text=step.text)
            part = {**part, "text": step.text}
            self.part("reasoning_summary_part.done", **place, part=part)
            self.item = {**self.item, "summary": [part]}
        self.end_item("completed")

    def redacted(self, data: str) -> None:
        self.reason(data)
        self.end_item("completed")

    def reason(self, cipher: str) -> None:
        """Open a reasoning item."""
        self.begin_item("reasoning", "rs", summary=[], encrypted_content=cipher)

    def tool(self, call: s.ToolCall) -> None:
        fields = {"status": "in_progress", "arguments": "", "call_id": call.id}
        self.begin_item("function_call", "fc", **fields, name=call.name)
        text = arguments_text(call)
        for piece in pieces(text, call.fragments):
            self.delta("function_call_arguments.delta", piece)
        assert self.item is not None
        self.item = {**self.item, "arguments": text}

    # -------------------------------------------------------------------- end

    def finish(self, reason: str, sequence: str | None) -> None:
        causes = {"length": "max_output_tokens", "content_filter": "content_filter"}
        cause = causes.get(reason)
        status = "incomplete" if cause else "completed"
        self.end_item(status)
        why = {"reason": cause} if cause else None
        fields = {"incomplete_details": why, "usage": self.counted()}
        self.event(f"response.{status}", response=self.response(status, **fields))

    def counted(self) -> dict[str, Any]:
        """Give the usage."""
        used = self.usage
        cache = {"cached_tokens": used.cached, "cache_write_tokens": used.written}
        return {
            "input_tokens": used.prompt,
            "input_tokens_details": cache,
            "output_tokens": used.completion,
            "output_tokens_details": {"reasoning_tokens": used.reasoning},
            "total_tokens": used.prompt + used.completion,
        }

    def failure(self, fail: s.Fail) -> None:
        error = {"code": fail.code or "server_error", "message": fail.message}
        if not fail.failed:
            self.event("error", **error, param=None)
            return
        self.open()
        response = self.response("failed", error=error)
        self.event("response.failed", response=response)


def opaque(seed: str) -> str:
    """Derive an id that looks like ciphertext, of the length the real ones have."""
    return base64.b64encode(hashlib.shake_256(seed.encode()).digest(ID_BYTES)).decode()
