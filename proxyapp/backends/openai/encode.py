"""Requests as an OpenAI-compatible server reads them.

A body holds what the client asked for and what the backend knows, nothing else:
llama-server copies every unknown field into its sampling parameters.
"""

from collections.abc import Mapping
from typing import Any

from proxyapp.backends.openai.messages import encode_messages
from proxyapp.neutral.messages import Tool
from proxyapp.neutral.request import ChatRequest
from proxyapp.neutral.request import CompletionRequest
from proxyapp.neutral.request import Reasoning
from proxyapp.neutral.request import ResponseFormat
from proxyapp.neutral.request import Sampling
from proxyapp.settings.schema import Compat
from proxyapp.settings.schema import Filters

OPENAI_SAMPLING = frozenset(
    {
        "frequency_penalty",
        "logit_bias",
        "logprobs",
        "presence_penalty",
        "seed",
        "temperature",
        "top_logprobs",
        "top_p",
    }
)

LLAMA_SAMPLING = OPENAI_SAMPLING | frozenset(
    {
        "adaptive_decay",
        "adaptive_target",
        "cache_prompt",
        "chat_template_kwargs",
        "dry_allowed_length",
        "dry_base",
        "dry_multiplier",
        "dry_penalty_last_n",
        "dry_sequence_breakers",
        "dynatemp_exponent",
        "dynatemp_range",
        "grammar",
        "ignore_eos",
        "min_keep",
        "min_p",
        "mirostat",
        "mirostat_eta",
        "mirostat_tau",
        "n_keep",
        "repeat_last_n",
        "repeat_penalty",
        "samplers",
        "top_k",
        "top_n_sigma",
        "typical_p",
        "xtc_probability",
        "xtc_threshold",
    }
)


def encode_chat(model: str, request: ChatRequest, compat: Compat) -> dict[str, Any]:
    """Write a chat request; it always streams, which is what makes it cancellable."""
    body: dict[str, Any] = {
        "model": model,
        "messages": encode_messages(request.messages, compat),
    }
    body |= _encode_tools(request)
    body |= _encode_sampling(request.sampling, compat)
    if request.response_format is not None:
        body["response_format"] = _encode_format(request.response_format)
    if request.reasoning is not None:
        body |= _encode_reasoning(request.reasoning, body, compat)
    return body | _encode_stream(request.n, compat)


def encode_completion(
    model: str, request: CompletionRequest, compat: Compat
) -> dict[str, Any]:
    """Write a bare completion request."""
    body: dict[str, Any] = {"model": model, "prompt": request.prompt}
    if request.suffix:
        body["suffix"] = request.suffix
    if request.echo:
        body["echo"] = True
    body |= _encode_sampling(request.sampling, compat)
    if request.response_format is not None:
        body["response_format"] = _encode_format(request.response_format)
    return body | _encode_stream(request.n, compat)


def filtered(body: dict[str, Any], filters: Filters) -> dict[str, Any]:
    """Apply the owner's last word: fields set, then fields dropped."""
    kept = {**body, **filters.set}
    for name in filters.drop:
        kept.pop(name, None)
    return kept


def _encode_tools(request: ChatRequest) -> dict[str, Any]:
    """Write tools so that the choice is kept by servers that ignore it.

    llama-server reads tool_choice as a string: an object silently becomes "auto",
    and "none" still shows the tools to the model. So a named choice sends only the
    named tools, and "none" sends none.
    """
    choice = request.tool_choice
    tools = [
        tool
        for tool in request.tools
        if choice.mode != "none" and (not choice.names or tool.name in choice.names)
    ]
    if not tools:
        return {}
    wire: dict[str, Any] = {"tools": [_encode_tool(tool) for tool in tools]}
    if choice.mode == "required":
        wire["tool_choice"] = "required"
    if not request.parallel_tool_calls:
        wire["parallel_tool_calls"] = False
    return wire


def _encode_tool(tool: Tool) -> dict[str, Any]:
    function: dict[str, Any] = {"name": tool.name}
    if tool.description:
        function["description"] = tool.description
    function["parameters"] = tool.parameters
    return {"type": "function", "function": function}


def _encode_sampling(sampling: Sampling, compat: Compat) -> dict[str, Any]:
    known = LLAMA_SAMPLING if compat.llama_extensions else OPENAI_SAMPLING
    wire = {
        name: value
        for name, value in sampling.fields.items()
        if name in known or name in compat.extra_sampling
    }
    if sampling.max_tokens is not None:
        wire[compat.max_tokens_field] = sampling.max_tokens
    if sampling.stop and compat.supports_stop:
        wire["stop"] = list(sampling.stop)
    return wire


def _encode_format(wanted: ResponseFormat) -> dict[str, Any]:
    if wanted.schema is None:
        return {"type": "json_object"}
    schema: dict[str, Any] = {"name": wanted.name, "schema": wanted.schema}
    if wanted.strict is not None:
        schema["strict"] = wanted.strict
    return {"type": "json_schema", "json_schema": schema}


def _encode_reasoning(
    reasoning: Reasoning, body: Mapping[str, Any], compat: Compat
) -> dict[str, Any]:
    wire: dict[str, Any] = {}
    if reasoning.effort is not None:
        wire["reasoning_effort"] = reasoning.effort
    if compat.llama_extensions:
        given = body.get("chat_template_kwargs")
        kwargs = dict(given) if isinstance(given, dict) else {}
        kwargs.setdefault("enable_thinking", not reasoning.off)
        wire["chat_template_kwargs"] = kwargs
        if reasoning.budget is not None:
            wire["thinking_budget_tokens"] = reasoning.budget
    return wire


def _encode_stream(n: int, compat: Compat) -> dict[str, Any]:
    wire: dict[str, Any] = {"stream": True}
    if n > 1:
        wire["n"] = n
    if compat.supports_usage_in_stream:
        wire["stream_options"] = {"include_usage": True}
    return wire
