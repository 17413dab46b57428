"""Checkers for Anthropic: messages, their streams, models, errors."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from dataclasses import field
from typing import Any

from anthropic.types import Message
from anthropic.types import MessageTokensCount
from anthropic.types import ModelInfo
from anthropic.types import RawMessageStreamEvent
from anthropic.types.shared import ErrorResponse

from tests.oracles import sse
from tests.oracles.strict import check
from tests.oracles.strict import check_member
from tests.oracles.strict import is_object_text
from tests.oracles.strict import missing
from tests.oracles.strict import repeated

CALL_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
STOPS = frozenset(
    {
        "end_turn",
        "max_tokens",
        "stop_sequence",
        "tool_use",
        "pause_turn",
        "refusal",
        "model_context_window_exceeded",
    }
)
# A call may stand beside these: the answer broke off after it.
CUT_STOPS = frozenset({"tool_use", "max_tokens", "model_context_window_exceeded"})
ERROR_TYPES = {
    400: {"invalid_request_error"},
    401: {"authentication_error"},
    402: {"billing_error"},
    403: {"permission_error"},
    404: {"not_found_error"},
    413: {"invalid_request_error", "request_too_large"},
    429: {"rate_limit_error"},
    500: {"api_error"},
    502: {"api_error"},
    503: {"api_error", "overloaded_error"},
    504: {"timeout_error", "api_error"},
    529: {"overloaded_error"},
}
DELTAS = {
    "text": {"text_delta", "citations_delta"},
    "thinking": {"thinking_delta", "signature_delta"},
    "tool_use": {"input_json_delta"},
    "redacted_thinking": set(),
}


def anthropic_error(status: int, body: Any) -> list[str]:
    """Check an error body: a type that fits the status, a request id."""
    found = check(ErrorResponse, body, "error")
    if found:
        return found
    kind = body["error"]["type"]
    if kind not in ERROR_TYPES.get(status, {kind}):
        found.append(f"HTTP {status} with error.type {kind}")
    if status < 400:
        found.append(f"error body with HTTP {status}")
    if not body.get("request_id"):
        found.append("error without request_id")
    if not body["error"].get("message"):
        found.append("error without a message")
    return found


def anthropic_models(body: Any) -> list[str]:
    """Check the list of models and its paging keys."""
    found = missing(body, "data", "has_more", "first_id", "last_id")
    models = body.get("data") or []
    for number, model in enumerate(models):
        found += check(ModelInfo, model, f"data[{number}]")
    ids = [model.get("id") for model in models] or [None]
    if (body.get("first_id"), body.get("last_id")) != (ids[0], ids[-1]):
        found.append("first_id and last_id do not match the data")
    return found


def anthropic_count(body: Any) -> list[str]:
    """Check the answer of count_tokens."""
    found = check(MessageTokensCount, body)
    if not found and body["input_tokens"] < 1:
        found.append("input_tokens is not positive")
    return found


# ----------------------------------------------------------------- a whole message


def anthropic_message(body: Any) -> list[str]:
    """Check a whole message."""
    found = check(Message, body)
    if found:
        return found
    found += missing(body, "stop_sequence")
    for number, block in enumerate(body["content"]):
        found += block_violations(block, f"content[{number}]")
    called = [block["id"] for block in body["content"] if block["type"] == "tool_use"]
    found += repeated(called, "tool_use ids")
    found += stop_violations(body, bool(called))
    return found + usage_violations(body["usage"], "usage")


def block_violations(block: dict[str, Any], where: str) -> list[str]:
    """Check one content block."""
    if block["type"] == "text" and not block["text"]:
        return [f"{where}: empty text block (it would be refused on replay)"]
    if block["type"] == "tool_use" and not CALL_ID.fullmatch(block["id"]):
        return [f"{where}: tool_use id {block['id']!r} would be refused on replay"]
    return []


def stop_violations(holder: dict[str, Any], called: bool) -> list[str]:
    """Check that the stop reason fits the content."""
    reason = holder.get("stop_reason")
    if reason not in STOPS:
        return [f"stop_reason {reason!r}"]
    found = []
    if called and reason not in CUT_STOPS:
        found.append(f"tool_use block but stop_reason {reason!r}")
    if not called and reason == "tool_use":
        found.append("stop_reason 'tool_use' without a tool_use block")
    if (reason == "stop_sequence") != bool(holder.get("stop_sequence")):
        found.append(f"stop_sequence {holder.get('stop_sequence')!r} with {reason!r}")
    return found


def usage_violations(usage: dict[str, Any], where: str) -> list[str]:
    """Check that counts are not negative and that some input was counted."""
    names = ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
    inputs = [usage.get(name) or 0 for name in names]
    if min(*inputs, usage["output_tokens"]) < 0:
        return [f"{where}: negative count"]
    return [] if sum(inputs) else [f"{where}: no input tokens at all"]


# ----------------------------------------------------------------------- a stream


@dataclass
class Block:
    """A content block while its deltas arrive."""

    index: int
    start: dict[str, Any]
    json: str = ""
    text: str = ""
    signatures: int = 0


@dataclass
class MessageStream:
    """The order of a message's events: blocks never overlap, one end, then nothing.

    ping anywhere; message_start; blocks 0, 1, 2, ... each start, deltas, stop;
    message_delta; message_stop. An error ends the stream wherever it comes.
    """

    found: list[str] = field(default_factory=list)
    state: str = "new"
    open: Block | None = None
    blocks: list[Block] = field(default_factory=list)

    def run(self, raw: bytes, expect_error: bool) -> list[str]:
        """Check a whole stream."""
        events, self.found = sse.read(raw)
        for number, event in enumerate(events):
            where = f"event[{number}]"
            if event.data == sse.DONE:
                self.found.append(f"{where}: [DONE] does not belong here")
                continue
            value = sse.parsed(event, self.found, where)
            if value is not None:
                self.event(event.name, value, where)
        failed = self.state == "failed"
        if failed != expect_error:
            seen = "an error" if failed else "no error"
            self.found.append(f"{seen}, against expectation")
        if not failed and self.state != "ended":
            self.found.append(f"the stream ends in state {self.state!r}")
        return self.found

    def event(self, name: str | None, value: dict[str, Any], where: str) -> None:
        """Check one event."""
        kind = value.get("type")
        if name != kind:
            self.found.append(f"{where}: event {name!r} with data.type {kind!r}")
        if self.state in ("ended", "failed"):
            self.found.append(f"{where}: {kind} after the end")
        if kind == "ping":
            return
        if kind == "error":
            self.found += check(ErrorResponse, value, where)
            self.state = "failed"
            return
        objections = check_member(RawMessageStreamEvent, value, where)
        self.found += objections
        if not objections:
            self.order(str(kind), where)
            acts: dict[str, Callable[[dict[str, Any], str], None]] = {
                "message_start": self.message_start,
                "content_block_start": self.block_start,
                "content_block_delta": self.block_delta,
                "content_block_stop": self.block_stop,
                "message_delta": self.message_delta,
                "message_stop": self.message_stop,
            }
            acts[str(kind)](value, where)

    def order(self, kind: str, where: str) -> None:
        """Check an event against the state the message is in."""
        expected = {"message_start": "new", "message_stop": "closing"}
        if self.state != expected.get(kind, "begun"):
            self.found.append(f"{where}: {kind} in state {self.state!r}")

    def message_start(self, value: dict[str, Any], where: str) -> None:
        message = value["message"]
        self.state = "begun"
        if message["content"] or message.get("stop_reason") is not None:
            self.found.append(f"{where}: message_start is not empty")
        if not message["model"] or not message["id"].startswith("msg_"):
            self.found.append(f"{where}: id {message['id']!r}, {message['model']!r}")
        self.found += usage_violations(message["usage"], where)

    def block_start(self, value: dict[str, Any], where: str) -> None:
        block = Block(value["index"], value["content_block"])
        if self.open is not None:
            self.found.append(f"{where}: block {self.open.index} is still open")
        if block.index != len(self.blocks):
            self.found.append(f"{where}: index {block.index} is not the next")
        empty = {"text": ("text", ""), "thinking": ("signature", "")}
        empty["tool_use"] = ("input", {})
        key, nothing = empty.get(block.start["type"], ("type", block.start["type"]))
        if block.start.get(key) != nothing:
            self.found.append(f"{where}: {block.start['type']} must start empty")
        self.open = block
        self.blocks.append(block)

    def block_delta(self, value: dict[str, Any], where: str) -> None:
        block = self.block_at(value["index"], where)
        delta = value["delta"]
        if block is None:
            return
        kind = block.start["type"]
        if delta["type"] not in DELTAS.get(kind, {delta["type"]}):
            self.found.append(f"{where}: {delta['type']} in a {kind} block")
        block.json += delta.get("partial_json", "")
        block.text += delta.get("text", "") or delta.get("thinking", "")
        block.signatures += delta["type"] == "signature_delta"

    def block_stop(self, value: dict[str, Any], where: str) -> None:
        block = self.block_at(value["index"], where)
        self.open = None
        if block is None:
            return
        if block.start["type"] == "thinking" and block.signatures != 1:
            self.found.append(f"{where}: {block.signatures} signatures, not one")
        if block.start["type"] == "text" and not block.text:
            self.found.append(f"{where}: empty text block")
        self.found += block_violations({**block.start, "text": "-"}, where)

    def block_at(self, index: int, where: str) -> Block | None:
        """Give the open block, if it is the one meant."""
        if self.open is None or self.open.index != index:
            self.found.append(f"{where}: block {index} is not the open one")
            return None
        return self.open

    def message_delta(self, value: dict[str, Any], where: str) -> None:
        self.state = "closing"
        if self.open is not None:
            self.found.append(f"{where}: block {self.open.index} is still open")
        calls = [one for one in self.blocks if one.start["type"] == "tool_use"]
        self.found += missing(value["delta"], "stop_sequence", where=where)
        self.found += stop_violations(value["delta"], bool(calls))
        self.found += repeated([one.start["id"] for one in calls], "tool_use ids")
        for call in calls:
            # The SDK raises ValueError on a broken input, whatever the stop reason.
            if call.json and not is_object_text(call.json):
                text = json.dumps(call.json)
                self.found.append(f"{where}: tool input is no JSON object: {text}")

    def message_stop(self, value: dict[str, Any], where: str) -> None:
        self.state = "ended"


def anthropic_stream(raw: bytes, expect_error: bool = False) -> list[str]:
    """Check a message stream."""
    return MessageStream().run(raw, expect_error)
