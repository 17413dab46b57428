"""Chat completions: the request decoded, the reply encoded."""

from collections.abc import Callable
from typing import Any

from proxyapp.backends.base import Batch
from proxyapp.dialects import fields
from proxyapp.dialects.openai.errors import error_body
from proxyapp.dialects.openai.messages import decode_messages
from proxyapp.dialects.openai.usage import encode_usage
from proxyapp.errors import BadRequest
from proxyapp.errors import ProxyError
from proxyapp.neutral.events import MessageEnd
from proxyapp.neutral.events import MessageStart
from proxyapp.neutral.events import TextDelta
from proxyapp.neutral.events import ThinkingDelta
from proxyapp.neutral.events import ToolCallDelta
from proxyapp.neutral.events import ToolCallStart
from proxyapp.neutral.messages import Tool
from proxyapp.neutral.request import ChatRequest
from proxyapp.neutral.request import Reasoning
from proxyapp.neutral.request import ResponseFormat
from proxyapp.neutral.request import ToolChoice
from proxyapp.neutral.request import ToolMode
from proxyapp.relay.fold import Choice
from proxyapp.relay.fold import Reply
from proxyapp.runtime import new_id
from proxyapp.runtime import unix_time
from proxyapp.settings.schema import ThinkingMode
from proxyapp.wire import jsons

DONE = b"data: [DONE]\n\n"
HEARTBEAT = b": ping\n\n"

_MODES: dict[str, ToolMode] = {
    "auto": "auto",
    "none": "none",
    "required": "required",
}


def tool_definitions(body: fields.Body) -> Any:
    """Find the tools, or the functions that older clients send in their place."""
    tools = body.get("tools")
    functions = body.get("functions")
    if tools is None and isinstance(functions, list):
        return [{"type": "function", "function": function} for function in functions]
    return tools


def decode_chat(
    body: fields.Body, tools: tuple[Tool, ...], stream_by_default: bool = False
) -> ChatRequest:
    """Read a request; fields nobody knows are ignored. Raises BadRequest."""
    if body.get("web_search_options"):
        raise BadRequest("There is no web search here.", param="web_search_options")
    limit = fields.integer(body, "max_completion_tokens", low=0)
    if limit is None:
        limit = fields.integer(body, "max_tokens", low=0)
    stream_options = fields.optional(body, "stream_options", dict) or {}
    return ChatRequest(
        model=fields.text(body, "model"),
        messages=decode_messages(body),
        tools=tools,
        tool_choice=_tool_choice(body),
        parallel_tool_calls=fields.flag(body, "parallel_tool_calls", True),
        sampling=fields.sampling(body, limit, fields.stops(body, "stop")),
        response_format=response_format(body),
        reasoning=_reasoning(body),
        n=fields.integer(body, "n", low=1, high=128) or 1,
        stream=fields.flag(body, "stream", stream_by_default),
        include_usage=fields.flag(stream_options, "include_usage"),
    )


def _tool_choice(body: fields.Body) -> ToolChoice:
    choice = body.get("tool_choice")
    if choice is None:
        choice = body.get("function_call")
    if choice is None:
        return ToolChoice()
    if isinstance(choice, str) and choice in _MODES:
        return ToolChoice(_MODES[choice])
    if not isinstance(choice, dict):
        raise BadRequest(
            "'tool_choice' must be auto, none, required, or name a function.",
            param="tool_choice",
        )
    if choice.get("type") == "allowed_tools":
        allowed = choice.get("allowed_tools", choice)
        names = tuple(_chosen(tool) for tool in fields.items(allowed, "tools"))
        mode: ToolMode = "required" if allowed.get("mode") == "required" else "auto"
        return ToolChoice(mode, names)
    return ToolChoice("required", (_chosen(choice),))


def _chosen(choice: Any) -> str:
    inner = choice.get("function", choice) if isinstance(choice, dict) else None
    name = inner.get("name") if isinstance(inner, dict) else None
    if not isinstance(name, str):
        raise BadRequest(
            "'tool_choice' must name a function.", param="tool_choice.function.name"
        )
    return name


def response_format(body: fields.Body) -> ResponseFormat | None:
    """Read ``response_format``; plain text is the same as none."""
    wanted = fields.optional(body, "response_format", dict) or {}
    if wanted.get("type") == "json_object":
        schema = wanted.get("schema")
        return ResponseFormat(schema if isinstance(schema, dict) else None)
    if wanted.get("type") != "json_schema":
        return None
    inner = fields.optional(wanted, "json_schema", dict, "response_format") or wanted
    schema = fields.optional(inner, "schema", dict, "response_format.json_schema")
    strict = inner.get("strict")
    return ResponseFormat(
        schema,
        fields.word(inner.get("name")) or "response",
        strict if isinstance(strict, bool) else None,
    )


def _reasoning(body: fields.Body) -> Reasoning | None:
    effort = fields.effort(body, "reasoning_effort")
    return None if effort is None else Reasoning(effort)


class ChatEncoder:
    """Write one reply, as chunks or whole.

    Identity, model and time are the same in every chunk: llama-server restamps them.
    """

    def __init__(
        self,
        model: str,
        *,
        include_usage: bool = False,
        thinking_mode: ThinkingMode = "default",
        vscode: bool = False,
    ) -> None:
        self._id = f"chatcmpl-{new_id()}"
        self._created = unix_time()
        self._model = model
        self._include_usage = include_usage
        self._thinking_mode = thinking_mode
        self._vscode = vscode
        self._calls: dict[int, int] = {}
        head = {
            "id": self._id,
            "object": "chat.completion.chunk",
            "created": self._created,
            "model": model,
        }
        self._head = b"data: " + jsons.dumps(head)[:-1] + b',"choices":['
        self._text_head = self._head + b'{"index":0,"delta":{"content":'

    def events(self, batch: Batch) -> bytes:
        """Write events as chunks."""
        written: list[bytes] = []
        for event in batch:
            if type(event) is TextDelta and not event.choice and not event.logprobs:
                written += (self._text_head, event.quoted, _TEXT_TAIL)
            else:
                written.append(_WRITERS[type(event)](self, event))
        return b"".join(written)

    def _chunk(self, choice: int, delta: Any, finish: str | None = None) -> bytes:
        entry = {"index": choice, "delta": delta, "finish_reason": finish}
        return self._head + jsons.dumps(entry) + b"]}\n\n"

    def _start(self, event: MessageStart) -> bytes:
        return self._chunk(event.choice, {"role": "assistant", "content": ""})

    def _text(self, event: TextDelta) -> bytes:
        entry = {
            "index": event.choice,
            "delta": {"content": jsons.loads(event.quoted)},
            "logprobs": event.logprobs,
            "finish_reason": None,
        }
        return self._head + jsons.dumps(entry) + b"]}\n\n"

    def _thinking(self, event: ThinkingDelta) -> bytes:
        """Write reasoning under both names clients read, or as its own event."""
        text = jsons.loads(event.quoted)
        written = b""
        if self._thinking_mode in ("events", "both"):
            own = jsons.dumps({"type": "thinking", "thinking": text})
            written = b"event: thinking\ndata: " + own + b"\n\n"
        if self._thinking_mode != "events":
            delta = {"reasoning_content": text, "reasoning_text": text}
            written += self._chunk(event.choice, delta)
        return written

    def _call_start(self, event: ToolCallStart) -> bytes:
        number = self._calls.get(event.choice, -1) + 1
        self._calls[event.choice] = number
        function = {"name": event.name, "arguments": ""}
        call = {
            "index": number,
            "id": event.id,
            "type": "function",
            "function": function,
        }
        return self._chunk(event.choice, {"tool_calls": [call]})

    def _call_delta(self, event: ToolCallDelta) -> bytes:
        call = {
            "index": self._calls[event.choice],
            "function": {"arguments": event.json},
        }
        return self._chunk(event.choice, {"tool_calls": [call]})

    def _end(self, event: MessageEnd) -> bytes:
        written = self._chunk(event.choice, {}, event.stop_reason)
        if event.usage is not None and self._include_usage:
            usage = jsons.dumps(encode_usage(event.usage))
            written += self._head + b'],"usage":' + usage + b"}\n\n"
        return written

    def end(self) -> bytes:
        """Write the terminator."""
        return DONE

    def heartbeat(self) -> bytes:
        """Write a comment: an empty ``data:`` line crashes OpenAI's SDK."""
        return HEARTBEAT

    def error(self, error: ProxyError) -> bytes:
        """Write the error and the terminator.

        VS Code shows an error after content only if a finish comes before it.
        """
        first = self._chunk(0, {}, "error") if self._vscode else b""
        return first + b"data: " + jsons.dumps(error_body(error)) + b"\n\n" + DONE

    def whole(self, reply: Reply) -> dict[str, Any]:
        """Write the reply in one document."""
        return {
            "id": self._id,
            "object": "chat.completion",
            "created": self._created,
            "model": self._model,
            "choices": [_encode_choice(choice) for choice in reply.choices],
            "usage": encode_usage(reply.usage),
        }


_TEXT_TAIL = b'},"finish_reason":null}]}\n\n'
_WRITERS: dict[type, Callable[..., bytes]] = {
    MessageStart: ChatEncoder._start,
    TextDelta: ChatEncoder._text,
    ThinkingDelta: ChatEncoder._thinking,
    ToolCallStart: ChatEncoder._call_start,
    ToolCallDelta: ChatEncoder._call_delta,
    MessageEnd: ChatEncoder._end,
}


def _encode_choice(choice: Choice) -> dict[str, Any]:
    message: dict[str, Any] = {
        "role": "assistant",
        "content": choice.text if choice.text or not choice.calls else None,
        "refusal": None,
    }
    if choice.thinking:
        message["reasoning_content"] = choice.thinking
        message["reasoning_text"] = choice.thinking
    if choice.calls:
        message["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": call.arguments},
            }
            for call in choice.calls
        ]
    return {
        "index": choice.index,
        "message": message,
        "logprobs": _joined_logprobs(choice.logprobs),
        "finish_reason": choice.stop_reason,
    }


def _joined_logprobs(pieces: list[Any]) -> Any:
    found = [piece for piece in pieces if isinstance(piece, dict)]
    if not found:
        return None
    content = [entry for piece in found for entry in piece.get("content") or []]
    return {"content": content, "refusal": None}
