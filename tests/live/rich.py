"""Bodies that use much of what each route reads, and every place in them."""

from collections.abc import Iterator
from typing import Any

from tests import oracles

SCHEMA = {
    "type": "object",
    "properties": {
        "where": {"type": "string", "description": "A city.", "enum": ["Rome", "Oslo"]},
        "days": {"type": ["integer", "null"], "minimum": 1, "default": 3},
        "more": {"type": "array", "items": {"$ref": "#/$defs/one"}},
    },
    "required": ["where"],
    "additionalProperties": False,
    "$defs": {"one": {"anyOf": [{"type": "string"}, {"const": 4}]}},
}
ANSWER = {"type": "object", "properties": {"a": {"type": "string"}}}
PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAA"
    "AABJRU5ErkJggg=="
)
FUNCTION = {
    "name": "look",
    "description": "Look.",
    "parameters": SCHEMA,
    "strict": True,
}
ARGUMENTS = '{"where": "Rome"}'

CHAT = {
    "model": "tiny",
    "messages": [
        {"role": "system", "content": "Be brief."},
        {
            "role": "user",
            "name": "ada",
            "content": [
                {"type": "text", "text": "hi"},
                {
                    "type": "image_url",
                    "image_url": {
                        "url": f"data:image/png;base64,{PIXEL}",
                        "detail": "low",
                    },
                },
            ],
        },
        {
            "role": "assistant",
            "content": None,
            "reasoning_content": "hm",
            "tool_calls": [
                {
                    "id": "c1",
                    "type": "function",
                    "function": {"name": "look", "arguments": ARGUMENTS},
                }
            ],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "sun"},
        {"role": "user", "content": "and now?"},
    ],
    "tools": [{"type": "function", "function": FUNCTION}],
    "tool_choice": {"type": "function", "function": {"name": "look"}},
    "parallel_tool_calls": False,
    "response_format": {
        "type": "json_schema",
        "json_schema": {"name": "answer", "schema": ANSWER, "strict": True},
    },
    "stop": ["END"],
    "temperature": 0.5,
    "top_p": 0.9,
    "seed": 7,
    "n": 1,
    "max_completion_tokens": 50,
    "logprobs": True,
    "top_logprobs": 2,
    "logit_bias": {"50": -100},
    "reasoning_effort": "low",
    "stream": False,
    "stream_options": {"include_usage": True},
    "user": "u",
    "metadata": {"a": "b"},
    "chat_template_kwargs": {"enable_thinking": False},
}

COMPLETION = {
    "model": "tiny",
    "prompt": ["hi"],
    "max_tokens": 9,
    "suffix": None,
    "stop": ["END"],
    "echo": False,
    "logprobs": 1,
    "n": 1,
    "stream": False,
}

EMBEDDING = {
    "model": "tiny",
    "input": ["hi", "there"],
    "encoding_format": "base64",
    "dimensions": None,
    "user": "u",
}

MESSAGES = {
    "model": "tiny",
    "max_tokens": 50,
    "system": [
        {"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}
    ],
    "messages": [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "hi"},
                {
                    "type": "image",
                    "source": {
                        "type": "base64",
                        "media_type": "image/png",
                        "data": PIXEL,
                    },
                },
            ],
        },
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "hm", "signature": "Eq"},
                {"type": "redacted_thinking", "data": "AA"},
                {
                    "type": "tool_use",
                    "id": "toolu_1",
                    "name": "look",
                    "input": {"where": "Rome"},
                },
            ],
        },
        {
            "role": "user",
            "content": [
                {
                    "type": "tool_result",
                    "tool_use_id": "toolu_1",
                    "content": [{"type": "text", "text": "sun"}],
                    "is_error": False,
                }
            ],
        },
    ],
    "tools": [
        {"name": "look", "description": "Look.", "input_schema": SCHEMA},
        {"type": "custom", "name": "see", "input_schema": {"type": "object"}},
    ],
    "tool_choice": {"type": "tool", "name": "look", "disable_parallel_tool_use": True},
    "thinking": {"type": "enabled", "budget_tokens": 1024},
    "metadata": {"user_id": "u"},
    "stop_sequences": ["END"],
    "temperature": 1,
    "top_k": 5,
    "top_p": 0.9,
    "stream": False,
    "service_tier": "auto",
    "output_config": {"effort": "low"},
}

RESPONSES = {
    "model": "tiny",
    "instructions": "Be brief.",
    "input": [
        {
            "type": "message",
            "role": "user",
            "content": [
                {"type": "input_text", "text": "hi"},
                {
                    "type": "input_image",
                    "image_url": f"data:image/png;base64,{PIXEL}",
                    "detail": "low",
                },
            ],
        },
        {
            "type": "reasoning",
            "id": "rs_1",
            "summary": [{"type": "summary_text", "text": "hm"}],
            "encrypted_content": "AA",
        },
        {
            "type": "function_call",
            "call_id": "c1",
            "name": "look",
            "arguments": ARGUMENTS,
            "status": "completed",
        },
        {"type": "function_call_output", "call_id": "c1", "output": "sun"},
        {"type": "custom_tool_call", "call_id": "c2", "name": "patch", "input": "x"},
        {"type": "custom_tool_call_output", "call_id": "c2", "output": "done"},
        {
            "type": "message",
            "role": "assistant",
            "content": [{"type": "output_text", "text": "ok", "annotations": []}],
        },
        {"role": "user", "content": "and now?"},
    ],
    "tools": [
        {"type": "function", **FUNCTION},
        {
            "type": "custom",
            "name": "patch",
            "description": "Patch.",
            "format": {"type": "grammar", "syntax": "lark", "definition": "start: /x/"},
        },
        {
            "type": "namespace",
            "name": "web",
            "description": "Web.",
            "tools": [{"type": "function", "name": "fetch", "parameters": ANSWER}],
        },
    ],
    "tool_choice": "auto",
    "parallel_tool_calls": True,
    "text": {
        "format": {"type": "json_schema", "name": "answer", "schema": ANSWER},
        "verbosity": "low",
    },
    "reasoning": {"effort": "low", "summary": "auto"},
    "include": ["reasoning.encrypted_content"],
    "metadata": {"a": "b"},
    "max_output_tokens": 50,
    "temperature": 0.5,
    "store": False,
    "stream": False,
    "previous_response_id": None,
    "truncation": "disabled",
}

OPTIONS = {"num_ctx": 4096, "num_predict": 9, "seed": 7, "stop": ["END"], "top_k": 5}
OLLAMA_CHAT = {
    "model": "tiny",
    "messages": [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "hi", "images": [PIXEL]},
        {
            "role": "assistant",
            "content": "",
            "thinking": "hm",
            "tool_calls": [
                {"function": {"name": "look", "arguments": {"where": "Rome"}}}
            ],
        },
        {"role": "tool", "tool_name": "look", "content": "sun"},
    ],
    "tools": [{"type": "function", "function": FUNCTION}],
    "format": ANSWER,
    "options": OPTIONS,
    "think": False,
    "keep_alive": "5m",
    "logprobs": True,
    "top_logprobs": 2,
    "stream": False,
}

GENERATE = {
    "model": "tiny",
    "prompt": "hi",
    "suffix": "",
    "system": "Be brief.",
    "template": "",
    "context": [1, 2],
    "images": [PIXEL],
    "format": "json",
    "options": OPTIONS,
    "think": False,
    "raw": False,
    "keep_alive": 300,
    "stream": False,
}

OLLAMA_EMBED = {
    "model": "tiny",
    "input": ["hi"],
    "truncate": True,
    "dimensions": None,
    "options": OPTIONS,
    "keep_alive": "5m",
}

# The route, the oracle of its errors, and a body.
RICH = {
    "openai": ("/v1/chat/completions", oracles.openai_error, CHAT),
    "completions": ("/v1/completions", oracles.openai_error, COMPLETION),
    "embeddings": ("/v1/embeddings", oracles.openai_error, EMBEDDING),
    "anthropic": ("/v1/messages", oracles.anthropic_error, MESSAGES),
    "responses": ("/v1/responses", oracles.openai_error, RESPONSES),
    "ollama": ("/api/chat", oracles.ollama_error, OLLAMA_CHAT),
    "generate": ("/api/generate", oracles.ollama_error, GENERATE),
    "embed": ("/api/embed", oracles.ollama_error, OLLAMA_EMBED),
    "show": ("/api/show", oracles.ollama_error, {"model": "tiny", "verbose": True}),
}


# What a model server may stream: every field that is read, in three pieces.
CHOSEN = {"token": "he", "logprob": -0.1, "bytes": [104, 101]}
CALL = {"index": 0, "id": "c1", "type": "function"}
REPLY: list[dict[str, Any]] = [
    {
        "id": "c",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "m",
        "choices": [
            {
                "index": 0,
                "delta": {
                    "role": "assistant",
                    "content": "he",
                    "reasoning_content": "hm",
                    "tool_calls": [
                        {**CALL, "function": {"name": "look", "arguments": '{"a":'}}
                    ],
                },
                "text": "he",
                "logprobs": {"content": [{**CHOSEN, "top_logprobs": [CHOSEN]}]},
                "finish_reason": None,
            }
        ],
        "usage": None,
    },
    {
        "choices": [
            {
                "index": 0,
                "delta": {
                    "tool_calls": [{"index": 0, "function": {"arguments": "1}"}}]
                },
                "finish_reason": None,
            }
        ]
    },
    {
        "choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}],
        "usage": {
            "prompt_tokens": 2,
            "completion_tokens": 2,
            "total_tokens": 4,
            "prompt_tokens_details": {"cached_tokens": 1},
            "completion_tokens_details": {"reasoning_tokens": 1},
        },
        "timings": {"prompt_ms": 1.0, "predicted_ms": 1.0},
    },
]


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Give the path to every value inside another."""
    inside = {dict: dict.items, list: enumerate}.get(type(value))
    for key, one in inside(value) if inside else ():
        yield (*path, key)
        yield from places(one, (*path, key))


def put(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    """Copy a value with another one at a place."""
    if not path:
        return new
    key, *rest = path
    changed = value.copy()
    changed[key] = put(value[key], tuple(rest), new)
    return changed
