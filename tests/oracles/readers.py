"""Read the meaning out of an answer of any dialect.

    read("anthropic", raw_stream) and read("openai", whole_body)

give the same ``View`` when they tell the same, up to what a dialect cannot say.
``answer`` is bytes for a stream and a dict for a whole body. The readers are lenient:
they say what was said, the checkers say whether it was said well.
"""

import json
from collections.abc import Callable
from collections.abc import Iterator
from typing import Any

from tests.oracles import sse
from tests.oracles.views import Call
from tests.oracles.views import Draft
from tests.oracles.views import Usage
from tests.oracles.views import View

Answer = bytes | dict[str, Any]


def events_of(raw: bytes) -> Iterator[dict[str, Any]]:
    """Give the JSON objects of an SSE stream."""
    for event in sse.read(raw)[0]:
        value = sse.parsed(event, [], "")
        if value is not None:
            yield value


def lines_of(raw: bytes) -> Iterator[dict[str, Any]]:
    """Give the JSON objects of an NDJSON stream."""
    for line in raw.decode("utf-8").split("\n"):
        if line.strip():
            yield json.loads(line)


# ----------------------------------------------------------------------- openai


def read_openai(answer: Answer, choice: int = 0) -> View:
    """Read a chat or text completion, one choice of it."""
    draft = Draft()
    for body in events_of(answer) if isinstance(answer, bytes) else [answer]:
        if "error" in body:
            draft.failure = body["error"]["message"]
            continue
        if body.get("usage"):
            draft.usage = openai_usage(body["usage"])
        for one in body.get("choices", []):
            if one.get("index", 0) == choice:
                openai_choice(one, draft)
    return draft.view()


def openai_choice(choice: dict[str, Any], draft: Draft) -> None:
    """Add one choice, whole or a delta."""
    said = choice.get("delta") or choice.get("message") or {}
    draft.text += said.get("content") or choice.get("text") or ""
    draft.thinking += said.get("reasoning_content") or ""
    for position, call in enumerate(said.get("tool_calls") or []):
        function = call.get("function") or {}
        key = call.get("index", position)
        arguments = function.get("arguments") or ""
        draft.call(key, call.get("id"), function.get("name"), arguments)
    draft.finish = choice.get("finish_reason") or draft.finish


def openai_usage(usage: dict[str, Any]) -> Usage:
    """Read OpenAI's usage."""
    prompt = usage.get("prompt_tokens_details") or {}
    completion = usage.get("completion_tokens_details") or {}
    return Usage(
        usage["prompt_tokens"],
        usage["completion_tokens"],
        prompt.get("cached_tokens"),
        completion.get("reasoning_tokens"),
    )


# -------------------------------------------------------------------- responses


def read_responses(answer: Answer) -> View:
    """Read a response; of a stream, its deltas, not the copy at the end."""
    if isinstance(answer, dict):
        draft = Draft()
        for number, item in enumerate(answer.get("output", [])):
            response_item(item, number, draft)
        response_end(answer, draft)
        return draft.view()
    draft = Draft()
    for event in events_of(answer):
        response_event(event, draft)
    return draft.view()


def response_event(event: dict[str, Any], draft: Draft) -> None:
    """Add one event of a stream."""
    kind = event.get("type", "")
    if kind == "response.output_text.delta":
        draft.text += event["delta"]
    elif kind in (
        "response.reasoning_summary_text.delta",
        "response.reasoning_text.delta",
    ):
        draft.thinking += event["delta"]
    elif kind == "response.function_call_arguments.delta":
        draft.call(event["output_index"], None, "", event["delta"])
    elif kind == "response.output_item.added":
        item = event["item"]
        if item["type"] == "function_call":
            draft.call(event["output_index"], item["call_id"], item["name"], "")
    elif "response" in event:
        response_end(event["response"], draft)


def response_item(item: dict[str, Any], number: int, draft: Draft) -> None:
    """Add one finished item."""
    if item["type"] == "function_call":
        draft.call(number, item["call_id"], item["name"], item["arguments"])
    parts = [*(item.get("summary") or []), *(item.get("content") or [])]
    for part in parts:
        if item["type"] == "reasoning":
            draft.thinking += part["text"]
        elif part["type"] == "output_text":
            draft.text += part["text"]


def response_end(response: dict[str, Any], draft: Draft) -> None:
    """Read status and usage of a response object."""
    if response.get("error"):
        draft.failure = response["error"]["message"]
    reason = (response.get("incomplete_details") or {}).get("reason")
    reasons = {"max_output_tokens": "length", "content_filter": "content_filter"}
    finished = "tool_calls" if draft.calls else "stop"
    finishes = {"completed": finished, "incomplete": reasons.get(str(reason))}
    draft.finish = finishes.get(response.get("status", ""))
    usage = response.get("usage")
    if usage:
        draft.usage = Usage(
            usage["input_tokens"],
            usage["output_tokens"],
            usage["input_tokens_details"]["cached_tokens"],
            usage["output_tokens_details"]["reasoning_tokens"],
        )


# -------------------------------------------------------------------- anthropic

ANTHROPIC_FINISH = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
}


def read_anthropic(answer: Answer) -> View:
    """Read a message."""
    draft = Draft()
    usage: dict[str, Any] = {}
    if isinstance(answer, dict):
        for number, block in enumerate(answer.get("content", [])):
            anthropic_piece(block, number, draft)
        anthropic_end(answer, draft, usage)
        return draft.view()
    for event in events_of(answer):
        if event.get("type") == "content_block_start":
            anthropic_piece(event["content_block"], event["index"], draft)
        elif event.get("type") == "content_block_delta":
            anthropic_piece(event["delta"], event["index"], draft)
        else:
            message = {**event.get("delta", {}), "usage": event.get("usage")}
            anthropic_end({**event, **event.get("message", message)}, draft, usage)
    return draft.view()


def anthropic_piece(piece: dict[str, Any], number: int, draft: Draft) -> None:
    """Add a block, whole or at its start, or one delta."""
    draft.text += piece.get("text") or ""
    draft.thinking += piece.get("thinking") or ""
    if piece["type"] == "tool_use":
        arguments = piece.get("input") or ""
        draft.call(number, piece["id"], piece["name"], arguments)
    if piece["type"] == "input_json_delta":
        draft.call(number, None, "", piece["partial_json"])


def anthropic_end(holder: dict[str, Any], draft: Draft, usage: dict[str, Any]) -> None:
    """Read error, stop reason and usage; later counts replace earlier ones."""
    if "error" in holder:
        draft.failure = holder["error"]["message"]
    reason = holder.get("stop_reason")
    draft.finish = ANTHROPIC_FINISH.get(str(reason), draft.finish)
    given = holder.get("usage") or {}
    usage.update({key: value for key, value in given.items() if value is not None})
    if usage:
        cached = usage.get("cache_read_input_tokens", 0)
        written = usage.get("cache_creation_input_tokens", 0)
        prompt = usage.get("input_tokens", 0) + cached + written
        draft.usage = Usage(prompt, usage.get("output_tokens"), cached)


# ----------------------------------------------------------------------- ollama


def read_ollama(answer: Answer) -> View:
    """Read a chat or generate answer."""
    draft = Draft()
    for body in lines_of(answer) if isinstance(answer, bytes) else [answer]:
        if "error" in body:
            draft.failure = body["error"]
            continue
        said = body.get("message") or body
        draft.text += said.get("content") or said.get("response") or ""
        draft.thinking += said.get("thinking") or ""
        for call in said.get("tool_calls") or []:
            function = call["function"]
            key = len(draft.calls)
            draft.call(key, call.get("id"), function["name"], function["arguments"])
        if body.get("done"):
            ollama_end(body, draft)
    return draft.view()


def ollama_end(body: dict[str, Any], draft: Draft) -> None:
    """Read the final object; Ollama has no reason of its own for calls."""
    reason = body.get("done_reason")
    draft.finish = "tool_calls" if draft.calls and reason == "stop" else reason
    draft.usage = Usage(body.get("prompt_eval_count"), body.get("eval_count"))


READERS: dict[str, Callable[..., View]] = {
    "openai": read_openai,
    "completion": read_openai,
    "responses": read_responses,
    "anthropic": read_anthropic,
    "ollama": read_ollama,
    "generate": read_ollama,
}


def read(dialect: str, answer: Answer) -> View:
    """Read an answer of a dialect: a name of ``READERS``."""
    return READERS[dialect](answer)


def text_of(dialect: str, answer: Answer) -> str:
    """Give the text of an answer."""
    return read(dialect, answer).text


def thinking_of(dialect: str, answer: Answer) -> str:
    """Give the reasoning of an answer."""
    return read(dialect, answer).thinking


def calls_of(dialect: str, answer: Answer) -> tuple[Call, ...]:
    """Give the tool calls of an answer."""
    return read(dialect, answer).calls


def finish_of(dialect: str, answer: Answer) -> str | None:
    """Give why an answer ended, in OpenAI's words."""
    return read(dialect, answer).finish


def usage_of(dialect: str, answer: Answer) -> Usage | None:
    """Give the token counts of an answer."""
    return read(dialect, answer).usage
