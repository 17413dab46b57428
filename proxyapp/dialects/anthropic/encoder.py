"""Messages, written for Anthropic's clients: streamed or whole."""

from typing import Any

from proxyapp.backends.base import Batch
from proxyapp.dialects.anthropic.errors import write_error
from proxyapp.dialects.anthropic.signature import sign
from proxyapp.dialects.anthropic.usage import encode_usage
from proxyapp.errors import ProxyError
from proxyapp.neutral.events import Event
from proxyapp.neutral.events import MessageEnd
from proxyapp.neutral.events import MessageStart
from proxyapp.neutral.events import StopReason
from proxyapp.neutral.events import TextDelta
from proxyapp.neutral.events import ThinkingDelta
from proxyapp.neutral.events import ToolCallDelta
from proxyapp.neutral.events import ToolCallStart
from proxyapp.neutral.messages import TextPart
from proxyapp.neutral.messages import ThinkingPart
from proxyapp.neutral.messages import ToolCall
from proxyapp.neutral.usage import Usage
from proxyapp.relay.fold import Block
from proxyapp.relay.fold import Reply
from proxyapp.runtime import new_id
from proxyapp.wire import jsons

PING = b'event: ping\ndata: {"type":"ping"}\n\n'
_STOP = b'event: message_stop\ndata: {"type":"message_stop"}\n\n'
_DELTA = b'event: content_block_delta\ndata: {"type":"content_block_delta","index":'
_TAIL = b"}}\n\n"
_EMPTY = b'""'

_STOP_REASONS: dict[StopReason, str] = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "content_filter": "refusal",
}


class MessageEncoder:
    """Write one reply; ``input_tokens`` is the estimate that opens a stream.

    Blocks are numbered anew, from 0 without a gap: stages drop some of the neutral
    ones, and Anthropic's SDKs take a block's number for its place in a list.
    """

    def __init__(self, model: str, input_tokens: int, request: str) -> None:
        self._id = f"msg_{new_id()}"
        self._model = model
        self._input_tokens = input_tokens
        self._request = request
        self._block = -1
        self._open: type[Event] | None = None
        self._called = False
        # The neutral index of the open block, if it is one of text or of thinking.
        self._text = self._thinking = -1
        self._text_head = self._thinking_head = b""
        self._thoughts: list[bytes] = []
        self._signature = ""

    def events(self, batch: Batch) -> bytes:
        """Write events; a text that continues its block is only spliced in."""
        written: list[bytes] = []
        for event in batch:
            if event.choice:
                continue
            if type(event) is TextDelta and event.index == self._text:
                written += (self._text_head, event.quoted, _TAIL)
            else:
                _WRITERS[type(event)](self, event, written)
        return b"".join(written)

    def _write_start(self, event: MessageStart, written: list[bytes]) -> None:
        usage = encode_usage(Usage(self._input_tokens))
        message = self._message([], None, None, usage)
        written.append(_event("message_start", {"message": message}))

    def _write_text(self, event: TextDelta, written: list[bytes]) -> None:
        if event.quoted == _EMPTY:
            return
        self._enter(TextDelta, {"type": "text", "text": ""}, written)
        self._text = event.index
        self._text_head = self._head("text_delta", "text")
        written += (self._text_head, event.quoted, _TAIL)

    def _write_thinking(self, event: ThinkingDelta, written: list[bytes]) -> None:
        if event.redacted:
            block = _redacted(event.signature)
            self._enter(TextDelta, block, written)
            return
        if event.index != self._thinking:
            block = {"type": "thinking", "thinking": "", "signature": ""}
            self._enter(ThinkingDelta, block, written)
            self._thinking = event.index
            self._thinking_head = self._head("thinking_delta", "thinking")
        self._signature += event.signature
        if event.quoted != _EMPTY:
            self._thoughts.append(event.quoted)
            written += (self._thinking_head, event.quoted, _TAIL)

    def _write_call(self, event: ToolCallStart, written: list[bytes]) -> None:
        self._called = True
        self._enter(ToolCallStart, _tool_use(event.id, event.name, {}), written)

    def _write_arguments(self, event: ToolCallDelta, written: list[bytes]) -> None:
        head = self._head("input_json_delta", "partial_json")
        written += (head, jsons.dumps(event.json), _TAIL)

    def _write_end(self, event: MessageEnd, written: list[bytes]) -> None:
        self._leave(written)
        reason, stop = stop_of(event.stop_reason, event.stop_sequence, self._called)
        usage = encode_usage(event.usage or Usage(self._input_tokens))
        delta = {"stop_reason": reason, "stop_sequence": stop}
        written.append(_event("message_delta", {"delta": delta, "usage": usage}))

    def _enter(
        self, kind: type[Event], block: dict[str, Any], written: list[bytes]
    ) -> None:
        """Open a block, closing the one before."""
        self._leave(written)
        self._block += 1
        self._open = kind
        start = {"index": self._block, "content_block": block}
        written.append(_event("content_block_start", start))

    def _leave(self, written: list[bytes]) -> None:
        if self._open is ThinkingDelta:
            signature = jsons.dumps(self._signature or sign(_joined(self._thoughts)))
            written += (self._head("signature_delta", "signature"), signature, _TAIL)
            self._thoughts, self._signature = [], ""
        if self._open is not None:
            written.append(_event("content_block_stop", {"index": self._block}))
        self._open = None
        self._text = self._thinking = -1

    def _head(self, delta: str, field: str) -> bytes:
        kind = f'{self._block},"delta":{{"type":"{delta}","{field}":'
        return _DELTA + kind.encode()

    def _message(
        self,
        content: list[dict[str, Any]],
        reason: str | None,
        stop: str | None,
        usage: dict[str, int],
    ) -> dict[str, Any]:
        return {
            "id": self._id,
            "type": "message",
            "role": "assistant",
            "model": self._model,
            "content": content,
            "stop_reason": reason,
            "stop_sequence": stop,
            "usage": usage,
        }

    def end(self) -> bytes:
        """Write the terminator."""
        return _STOP

    def heartbeat(self) -> bytes:
        """Write a ping: the SDKs skip it, also before the message has begun."""
        return PING

    def error(self, error: ProxyError) -> bytes:
        """Write the error; it ends the stream, with a block open or not."""
        body = write_error(error, self._request)
        return b"event: error\ndata: " + jsons.dumps(body) + b"\n\n"

    def whole(self, reply: Reply) -> dict[str, Any]:
        """Write a reply that is not streamed; where nothing was said, no block."""
        choice = reply.choices[0]
        content = [written for block in choice.blocks if (written := _block(block))]
        reason, stop = stop_of(
            choice.stop_reason, choice.stop_sequence, bool(choice.calls)
        )
        return self._message(content, reason, stop, encode_usage(reply.usage))


_WRITERS: dict[type, Any] = {
    MessageStart: MessageEncoder._write_start,
    TextDelta: MessageEncoder._write_text,
    ThinkingDelta: MessageEncoder._write_thinking,
    ToolCallStart: MessageEncoder._write_call,
    ToolCallDelta: MessageEncoder._write_arguments,
    MessageEnd: MessageEncoder._write_end,
}


def stop_of(
    reason: StopReason, stop_sequence: str | None, called: bool
) -> tuple[str, str | None]:
    """Say why the reply ended: for tools exactly if one was called and none was cut."""
    if called and reason != "length":
        return "tool_use", None
    if stop_sequence is not None:
        return "stop_sequence", stop_sequence
    return _STOP_REASONS["stop" if reason == "tool_calls" else reason], None


def _event(name: str, value: dict[str, Any]) -> bytes:
    data = jsons.dumps({"type": name, **value})
    return b"event: %b\ndata: %b\n\n" % (name.encode(), data)


def _joined(literals: list[bytes]) -> str:
    """Decode a text from its literals; one character may lie across two of them."""
    return str(jsons.loads(b'"%b"' % b"".join(piece[1:-1] for piece in literals)))


def _redacted(data: str) -> dict[str, Any]:
    return {"type": "redacted_thinking", "data": data}


def _tool_use(call_id: str, name: str, arguments: Any) -> dict[str, Any]:
    return {"type": "tool_use", "id": call_id, "name": name, "input": arguments}


def _block(block: Block) -> dict[str, Any] | None:
    if isinstance(block, ToolCall):
        return _tool_use(block.id, block.name, jsons.loads(block.arguments))
    if isinstance(block, ThinkingPart):
        if block.redacted:
            return _redacted(block.signature)
        signature = block.signature or sign(block.text)
        return {"type": "thinking", "thinking": block.text, "signature": signature}
    assert isinstance(block, TextPart)
    return {"type": "text", "text": block.text} if block.text else None
