"""Answers written by hand: good ones, and the pieces to spoil them with."""

import json
from typing import Any

HEAD = {
    "id": "chatcmpl-1",
    "object": "chat.completion.chunk",
    "created": 1795000000,
    "model": "m",
}
USAGE = {"prompt_tokens": 10, "completion_tokens": 4, "total_tokens": 14}


def sse(*values: Any, done: bool = True) -> bytes:
    """Write data-only events; text is written as it stands."""
    lines = [value if isinstance(value, str) else json.dumps(value) for value in values]
    if done:
        lines.append("[DONE]")
    return "".join(f"data: {line}\n\n" for line in lines).encode()


def named(*values: dict[str, Any]) -> bytes:
    """Write events whose name is their type."""
    return "".join(
        f"event: {value['type']}\ndata: {json.dumps(value)}\n\n" for value in values
    ).encode()


def ndjson(*values: dict[str, Any]) -> bytes:
    """Write one object a line."""
    return "".join(json.dumps(value) + "\n" for value in values).encode()


# ------------------------------------------------------------------------ openai


def chunk(delta: Any, finish: str | None = None, **more: Any) -> dict[str, Any]:
    """Give a chat chunk."""
    choice = {"index": more.pop("index", 0), "delta": delta, "finish_reason": finish}
    return {**HEAD, "choices": [choice], **more}


ROLE = chunk({"role": "assistant", "content": ""})
TEXT = chunk({"content": "Hi"})
STOP = chunk({}, "stop")
CALLED = chunk({}, "tool_calls")
COUNT = {**HEAD, "choices": [], "usage": USAGE}
ERROR = {
    "error": {
        "message": "upstream broke off",
        "type": "server_error",
        "param": None,
        "code": "upstream_error",
    }
}


def call(index: int, **more: Any) -> dict[str, Any]:
    """Give the first chunk of a tool call."""
    function = {"name": more.pop("name", "ls"), "arguments": more.pop("arguments", "")}
    first = {"index": index, "id": f"call_{index}", "type": "function"}
    return chunk({"tool_calls": [{**first, "function": function, **more}]})


def fragment(index: int, text: str, **more: Any) -> dict[str, Any]:
    """Give a further chunk of a tool call."""
    piece = {"index": index, "function": {"arguments": text}, **more}
    return chunk({"tool_calls": [piece]})


def message(**more: Any) -> dict[str, Any]:
    """Give a whole chat completion; ``finish`` is its reason."""
    finish = more.pop("finish", "stop")
    said = {"role": "assistant", "content": "Hi", "refusal": None, **more}
    choice = {"index": 0, "message": said, "finish_reason": finish, "logprobs": None}
    return {**HEAD, "object": "chat.completion", "choices": [choice], "usage": USAGE}


def whole_call(**more: Any) -> dict[str, Any]:
    """Give a finished tool call."""
    function = {"name": "ls", "arguments": more.pop("arguments", '{"path":"/"}')}
    return {"id": "call_0", "type": "function", "function": function, **more}


# --------------------------------------------------------------------- anthropic

MESSAGE = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "m",
    "content": [],
    "stop_reason": None,
    "stop_sequence": None,
    "usage": {"input_tokens": 10, "output_tokens": 0},
}
STARTED = {"type": "message_start", "message": MESSAGE}
STOPPED = {"type": "message_stop"}
PING = {"type": "ping"}
OVERLOADED = {
    "type": "error",
    "error": {"type": "overloaded_error", "message": "busy"},
    "request_id": "req_1",
}
TEXT_BLOCK = {"type": "text", "text": ""}
THINKING_BLOCK = {"type": "thinking", "thinking": "", "signature": ""}
TOOL_BLOCK = {"type": "tool_use", "id": "call_0", "name": "ls", "input": {}}


def opened(index: int, block: dict[str, Any]) -> dict[str, Any]:
    """Give a content_block_start."""
    return {"type": "content_block_start", "index": index, "content_block": block}


def delta(index: int, kind: str, **said: Any) -> dict[str, Any]:
    """Give a content_block_delta."""
    inner = {"type": kind, **said}
    return {"type": "content_block_delta", "index": index, "delta": inner}


def closed(index: int) -> dict[str, Any]:
    """Give a content_block_stop."""
    return {"type": "content_block_stop", "index": index}


def ending(reason: str, **more: Any) -> dict[str, Any]:
    """Give a message_delta."""
    inner = {"stop_reason": reason, "stop_sequence": None, **more}
    usage = {"output_tokens": 4, "input_tokens": 10}
    return {"type": "message_delta", "delta": inner, "usage": usage}


def text_block(index: int, text: str = "Hi") -> list[dict[str, Any]]:
    """Give a whole text block."""
    said = delta(index, "text_delta", text=text)
    return [opened(index, TEXT_BLOCK), said, closed(index)]


def tool_block(
    index: int, text: str = '{"path":"/"}', **more: Any
) -> list[dict[str, Any]]:
    """Give a whole tool_use block."""
    said = delta(index, "input_json_delta", partial_json=text)
    return [opened(index, {**TOOL_BLOCK, **more}), said, closed(index)]


def thinking_block(index: int) -> list[dict[str, Any]]:
    """Give a whole thinking block."""
    return [
        opened(index, THINKING_BLOCK),
        delta(index, "thinking_delta", thinking="hm"),
        delta(index, "signature_delta", signature="gw1.x"),
        closed(index),
    ]


# ------------------------------------------------------------------------ ollama

METRICS = {
    "total_duration": 5_000_000,
    "load_duration": 1_000_000,
    "prompt_eval_count": 10,
    "prompt_eval_duration": 1_000_000,
    "eval_count": 4,
    "eval_duration": 2_000_000,
}
STAMP = {"model": "m", "created_at": "2026-11-21T00:00:00.123456789Z"}


def line(content: str = "Hi", **more: Any) -> dict[str, Any]:
    """Give a chat line before the end."""
    said = {"role": "assistant", "content": content, **more}
    return {**STAMP, "message": said, "done": False}


def last(**more: Any) -> dict[str, Any]:
    """Give the last chat line."""
    end = {"done": True, "done_reason": "stop", **METRICS, **more}
    return {**line(""), **end}


# --------------------------------------------------------------------- responses

RESPONSE = {
    "id": "resp_1",
    "object": "response",
    "created_at": 1795000000,
    "status": "in_progress",
    "error": None,
    "incomplete_details": None,
    "instructions": None,
    "metadata": {},
    "model": "m",
    "output": [],
    "parallel_tool_calls": True,
    "temperature": 1.0,
    "tool_choice": "auto",
    "tools": [],
    "top_p": 1.0,
    "usage": None,
}
RESPONSE_USAGE = {
    "input_tokens": 10,
    "input_tokens_details": {"cached_tokens": 3, "cache_write_tokens": 0},
    "output_tokens": 4,
    "output_tokens_details": {"reasoning_tokens": 1},
    "total_tokens": 14,
}
PART = {"type": "output_text", "text": "", "annotations": [], "logprobs": []}
ITEM = {
    "id": "item_0",
    "type": "message",
    "role": "assistant",
    "status": "completed",
    "content": [{**PART, "text": "Hi"}],
}
CALL_ITEM = {
    "id": "item_1",
    "type": "function_call",
    "status": "completed",
    "call_id": "call_0",
    "name": "ls",
    "arguments": '{"path":"/"}',
}


def response(status: str = "completed", **more: Any) -> dict[str, Any]:
    """Give a response object."""
    usage = None if status == "in_progress" else RESPONSE_USAGE
    return {**RESPONSE, "status": status, "usage": usage, **more}


def numbered(*events: dict[str, Any]) -> bytes:
    """Write events with their sequence numbers."""
    return named(*({**one, "sequence_number": n} for n, one in enumerate(events)))


def message_item(index: int = 0) -> list[dict[str, Any]]:
    """Give the events of a message item."""
    at = {"output_index": index, "item_id": "item_0"}
    part = {**at, "content_index": 0}
    fresh = {**ITEM, "status": "in_progress", "content": []}
    finished = {**PART, "text": "Hi"}
    text = {**part, "logprobs": []}
    return [
        {"type": "response.output_item.added", "output_index": index, "item": fresh},
        {"type": "response.content_part.added", **part, "part": PART},
        {"type": "response.output_text.delta", **text, "delta": "Hi"},
        {"type": "response.output_text.done", **text, "text": "Hi"},
        {"type": "response.content_part.done", **part, "part": finished},
        {"type": "response.output_item.done", "output_index": index, "item": ITEM},
    ]


def call_item(index: int = 1) -> list[dict[str, Any]]:
    """Give the events of a function call item."""
    at = {"output_index": index, "item_id": "item_1"}
    kind = "response.function_call_arguments"
    fresh = {**CALL_ITEM, "status": "in_progress", "arguments": ""}
    whole = {"name": "ls", "arguments": CALL_ITEM["arguments"]}
    return [
        {"type": "response.output_item.added", "output_index": index, "item": fresh},
        {"type": f"{kind}.delta", **at, "delta": '{"path"'},
        {"type": f"{kind}.delta", **at, "delta": ':"/"}'},
        {"type": f"{kind}.done", **at, **whole},
        {"type": "response.output_item.done", "output_index": index, "item": CALL_ITEM},
    ]


BEGINNING = [
    {"type": "response.created", "response": response("in_progress")},
    {"type": "response.in_progress", "response": response("in_progress")},
]
COMPLETED = {
    "type": "response.completed",
    "response": response(output=[ITEM, CALL_ITEM]),
}
