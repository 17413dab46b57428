"""The requests the benchmark sends: one chat in every dialect, of any size."""

import json
from dataclasses import dataclass
from typing import Any

MODEL = "bench"
TURN_BYTES = 2000
TOOLS = 20
# Every turn has escapes and non-ASCII text, as source code in a chat has.
TURN = 'def greet(name):\n    return "¡hola, \\n" + name  # — ©\n'
PARAMETERS = {
    "type": "object",
    "properties": {
        "path": {"type": "string", "description": "An absolute path"},
        "content": {"type": "string"},
    },
    "required": ["path"],
}


@dataclass(frozen=True)
class Dialect:
    """``name`` is load's name for its terminator, ``prefix`` marks its scenarios."""

    name: str
    prefix: str
    path: str
    headers: tuple[str, ...] = ()


DIALECTS = {
    dialect.name: dialect
    for dialect in (
        Dialect("openai", "", "/v1/chat/completions"),
        Dialect("ollama", "o_", "/api/chat"),
        Dialect("anthropic", "a_", "/v1/messages", ("anthropic-version: 2023-06-01",)),
        Dialect("responses", "r_", "/v1/responses"),
    )
}


def _turns(size: int) -> list[dict[str, str]]:
    """Make a conversation of about ``size`` bytes, the user first and last."""
    if not size:
        return [{"role": "user", "content": "Hello"}]
    repeats = TURN_BYTES // len(TURN.encode()) + 1
    count = size // TURN_BYTES // 2 * 2 + 1
    roles = ("user", "assistant")
    return [{"role": roles[i % 2], "content": TURN * repeats} for i in range(count)]


def _tools() -> list[dict[str, Any]]:
    return [
        {
            "type": "function",
            "function": {
                "name": f"tool_{i}",
                "description": "Write a file.",
                "parameters": PARAMETERS,
            },
        }
        for i in range(TOOLS)
    ]


def chat_body(dialect: str, *, stream: bool, size: int = 0) -> bytes:
    """Write one chat request; a large one also has tools, as an editor's has."""
    turns = _turns(size)
    body: dict[str, Any] = {"model": MODEL, "stream": stream}
    body["input" if dialect == "responses" else "messages"] = turns
    if dialect == "anthropic":
        body["max_tokens"] = 4096
    if size:
        body["tools"] = _tools()
    return json.dumps(body, ensure_ascii=False).encode()
