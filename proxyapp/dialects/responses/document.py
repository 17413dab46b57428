"""The response object and the items in it, as Responses clients read them."""

from typing import Any

from proxyapp.dialects import fields
from proxyapp.dialects.responses.tools import ClientTools
from proxyapp.dialects.responses.tools import Origin
from proxyapp.errors import ContextOverflow
from proxyapp.errors import ProxyError
from proxyapp.neutral.events import StopReason
from proxyapp.neutral.messages import ToolCall
from proxyapp.neutral.request import ChatRequest
from proxyapp.neutral.usage import Usage
from proxyapp.wire import jsons

_INCOMPLETE: dict[StopReason, str] = {
    "length": "max_output_tokens",
    "content_filter": "content_filter",
}
_SUMMARIES = ("auto", "concise", "detailed")
_TRUNCATIONS = ("auto", "disabled")
_LABELS = ("prompt_cache_key", "safety_identifier", "user")
_VERBOSITIES = ("low", "medium", "high")


def repeated(
    body: fields.Body, request: ChatRequest, tools: ClientTools
) -> dict[str, Any]:
    """Collect what a response repeats of its request.

    OpenAI's SDK requires most of it. What the client wrote in a form the SDK's models
    would refuse is left out.
    """
    choice = body.get("tool_choice")
    metadata = body.get("metadata")
    return {
        "background": False,
        "instructions": body.get("instructions"),
        "max_output_tokens": request.sampling.max_tokens,
        "metadata": _strings(metadata) if isinstance(metadata, dict) else {},
        "model": request.model,
        "parallel_tool_calls": request.parallel_tool_calls,
        "previous_response_id": None,
        "reasoning": _reasoning(body, request),
        "store": False,
        "temperature": body.get("temperature"),
        "text": _text(body, request),
        "tool_choice": "auto" if choice is None else choice,
        "tools": tools.echo,
        "top_p": body.get("top_p"),
        "truncation": _one_of(body.get("truncation"), _TRUNCATIONS) or "disabled",
    } | _strings({name: body.get(name) for name in _LABELS})


def _strings(values: dict[str, Any]) -> dict[str, str]:
    return {key: value for key, value in values.items() if isinstance(value, str)}


def _one_of(value: Any, known: tuple[str, ...]) -> str | None:
    return value if value in known else None


def _reasoning(body: fields.Body, request: ChatRequest) -> dict[str, Any]:
    asked = body.get("reasoning") or {}
    effort = request.reasoning.effort if request.reasoning else None
    return {"effort": effort, "summary": _one_of(asked.get("summary"), _SUMMARIES)}


def _text(body: fields.Body, request: ChatRequest) -> dict[str, Any]:
    form: dict[str, Any] = {"type": "text"}
    wanted = request.response_format
    if wanted is not None and wanted.schema is None:
        form = {"type": "json_object"}
    elif wanted is not None:
        form = {"type": "json_schema", "name": wanted.name, "schema": wanted.schema}
        form |= {"strict": wanted.strict, "description": None}
    verbosity = (body.get("text") or {}).get("verbosity")
    return {"format": form, "verbosity": _one_of(verbosity, _VERBOSITIES) or "medium"}


def status_of(reason: StopReason) -> str:
    """Tell how a response ended; clients take every other reason as completed."""
    return "incomplete" if reason in _INCOMPLETE else "completed"


def incomplete_details(reason: StopReason) -> dict[str, Any] | None:
    """Say why a response is incomplete, if it is."""
    return {"reason": _INCOMPLETE[reason]} if reason in _INCOMPLETE else None


def usage_object(usage: Usage) -> dict[str, Any]:
    """Write totals, with cached and reasoning tokens inside them."""
    return {
        "input_tokens": usage.input,
        "input_tokens_details": {
            "cached_tokens": usage.cache_read,
            "cache_write_tokens": usage.cache_write,
        },
        "output_tokens": usage.output,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning},
        "total_tokens": usage.total,
    }


def error_object(error: ProxyError) -> dict[str, Any]:
    """Write why a response failed; the codes are a closed list in OpenAI's SDK."""
    code = "server_error"
    if error.status == 429:
        code = "rate_limit_exceeded"
    elif isinstance(error, ContextOverflow) or error.status == 400:
        code = "invalid_prompt"
    return {"code": code, "message": error.message}


def text_part(text: str) -> dict[str, Any]:
    """Write the one part of a message."""
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def summary_part(text: str) -> dict[str, Any]:
    """Write the one part of a thought."""
    return {"type": "summary_text", "text": text}


def message_item(item_id: str, text: str | None, status: str) -> dict[str, Any]:
    """Write a message; None has no part yet."""
    return {
        "id": item_id,
        "type": "message",
        "status": status,
        "role": "assistant",
        "content": [] if text is None else [text_part(text)],
    }


def reasoning_item(item_id: str, text: str | None, status: str) -> dict[str, Any]:
    """Write a thought, as a summary: that is what clients show."""
    summary = [] if text is None else [summary_part(text)]
    return {"id": item_id, "type": "reasoning", "summary": summary}


def call_item(
    item_id: str, call: ToolCall, origin: Origin, status: str
) -> dict[str, Any]:
    """Write a call under the client's names; ``arguments`` may still be missing."""
    item: dict[str, Any] = {
        "id": item_id,
        "type": "custom_tool_call" if origin.custom else "function_call",
        "status": status,
        "call_id": call.id,
        "name": origin.name,
    }
    if origin.namespace:
        item["namespace"] = origin.namespace
    if origin.custom:
        return item | {"input": custom_input(call.arguments)}
    return item | {"arguments": call.arguments}


def custom_input(arguments: str) -> str:
    """Unwrap the text a custom tool is called with."""
    value = jsons.loads(arguments) if arguments else {"input": ""}
    text = value.get("input") if isinstance(value, dict) else None
    return text if isinstance(text, str) else arguments
