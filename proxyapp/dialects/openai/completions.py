"""Bare completions: the request decoded, the reply encoded."""

from collections.abc import Callable
from typing import Any

from proxyapp.backends.base import Batch
from proxyapp.dialects import fields
from proxyapp.dialects.openai.chat import DONE
from proxyapp.dialects.openai.chat import HEARTBEAT
from proxyapp.dialects.openai.chat import response_format
from proxyapp.dialects.openai.errors import error_body
from proxyapp.dialects.openai.usage import encode_usage
from proxyapp.errors import BadRequest
from proxyapp.errors import ProxyError
from proxyapp.neutral.events import MessageEnd
from proxyapp.neutral.events import TextDelta
from proxyapp.neutral.request import CompletionRequest
from proxyapp.relay.fold import Reply
from proxyapp.runtime import new_id
from proxyapp.runtime import unix_time
from proxyapp.wire import jsons


def decode_completion(
    body: fields.Body, stream_by_default: bool = False
) -> CompletionRequest:
    """Read a request; raises BadRequest."""
    stream_options = fields.optional(body, "stream_options", dict) or {}
    best_of = fields.integer(body, "best_of", low=1)
    n = fields.integer(body, "n", low=1, high=128) or 1
    if best_of is not None and best_of != n:
        raise BadRequest("'best_of' must be the same as 'n' here.", param="best_of")
    limit = fields.integer(body, "max_tokens", low=0)
    return CompletionRequest(
        model=fields.text(body, "model"),
        prompt=_prompt(body.get("prompt")),
        suffix=fields.optional(body, "suffix", str),
        echo=fields.flag(body, "echo"),
        sampling=fields.sampling(body, limit, fields.stops(body, "stop")),
        response_format=response_format(body),
        n=n,
        stream=fields.flag(body, "stream", stream_by_default),
        include_usage=fields.flag(stream_options, "include_usage"),
    )


def _prompt(prompt: Any) -> Any:
    if prompt is None:
        return ""
    if isinstance(prompt, str):
        return prompt
    if isinstance(prompt, list) and prompt and all(map(_is_prompt_item, prompt)):
        return prompt
    raise BadRequest(
        "'prompt' must be a string, tokens, or a list of either.", param="prompt"
    )


def _is_prompt_item(item: Any) -> bool:
    if isinstance(item, list):
        return all(_is_token(token) for token in item)
    return isinstance(item, str) or _is_token(item)


def _is_token(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


class CompletionEncoder:
    """Write one reply, as chunks or whole."""

    def __init__(self, model: str, *, include_usage: bool = False) -> None:
        self._include_usage = include_usage
        self._identity = {
            "id": f"cmpl-{new_id()}",
            "object": "text_completion",
            "created": unix_time(),
            "model": model,
        }
        head = jsons.dumps(self._identity)[:-1]
        self._head = b"data: " + head + b',"choices":['

    def events(self, batch: Batch) -> bytes:
        """Write events as chunks; this dialect has words for text and end only."""
        return b"".join(
            _WRITERS[type(event)](self, event)
            for event in batch
            if type(event) in _WRITERS
        )

    def _chunk(self, choice: int, quoted: bytes, rest: dict[str, Any]) -> bytes:
        entry = b'{"text":' + quoted + b',"index":' + str(choice).encode()
        return self._head + entry + b"," + jsons.dumps(rest)[1:] + b"]}\n\n"

    def _text(self, event: TextDelta) -> bytes:
        rest = {"logprobs": event.logprobs, "finish_reason": None}
        return self._chunk(event.choice, event.quoted, rest)

    def _end(self, event: MessageEnd) -> bytes:
        rest = {"logprobs": None, "finish_reason": _finish(event.stop_reason)}
        written = self._chunk(event.choice, b'""', rest)
        if event.usage is not None and self._include_usage:
            usage = jsons.dumps(encode_usage(event.usage))
            written += self._head + b'],"usage":' + usage + b"}\n\n"
        return written

    def end(self) -> bytes:
        """Write the terminator."""
        return DONE

    def heartbeat(self) -> bytes:
        """Write a comment."""
        return HEARTBEAT

    def error(self, error: ProxyError) -> bytes:
        """Write the error and the terminator."""
        return b"data: " + jsons.dumps(error_body(error)) + b"\n\n" + DONE

    def whole(self, reply: Reply) -> dict[str, Any]:
        """Write the reply in one document."""
        choices = [
            {
                "text": choice.text,
                "index": choice.index,
                "logprobs": _joined_logprobs(choice.logprobs),
                "finish_reason": _finish(choice.stop_reason),
            }
            for choice in reply.choices
        ]
        usage = encode_usage(reply.usage)
        return {**self._identity, "choices": choices, "usage": usage}


_WRITERS: dict[type, Callable[..., bytes]] = {
    TextDelta: CompletionEncoder._text,
    MessageEnd: CompletionEncoder._end,
}


def _finish(stop_reason: str) -> str:
    return "stop" if stop_reason == "tool_calls" else stop_reason


def _joined_logprobs(pieces: list[Any]) -> Any:
    """Join logprobs list by list, whichever lists the server writes."""
    found = [piece for piece in pieces if isinstance(piece, dict)]
    if not found:
        return None
    joined: dict[str, list[Any]] = {}
    for piece in found:
        for name, values in piece.items():
            if isinstance(values, list):
                joined.setdefault(name, []).extend(values)
    return joined
