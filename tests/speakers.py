"""One row for each operation a client can ask for, in each dialect.

    for speaker in SPEAKERS:
        reply = speaker.post(gateway, "hello", stream=True)
        assert speaker.stream_violations(reply.content) == []

A dialect joins every test that goes by this table as soon as ``DIALECTS`` has it.
"""

from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field
from typing import Any

import pytest
import requests

from proxyapp.dialects import DIALECTS
from tests import oracles
from tests.oracles.views import View
from tests.servers import RunningGateway

LIMIT = 20.0
SSE = "text/event-stream; charset=utf-8"
Violations = list[str]
Parameters = Mapping[str, Any]


@dataclass(frozen=True)
class Speaker:
    """An operation: how to ask, and the oracles that judge the answer.

    ``request`` makes a body from a text and tools, each a name with its parameters;
    ``reader`` is a name of ``oracles.readers``. ``calls`` and ``thinks`` tell whether
    the operation has words for tool calls and for reasoning.
    """

    name: str
    dialect: str
    path: str
    request: Callable[[str, Mapping[str, Parameters]], dict[str, Any]]
    whole_violations: Callable[[Any], Violations]
    stream_oracle: Callable[..., Violations]
    error_violations: Callable[[int, Any], Violations]
    reader: str
    content_type: str = SSE
    headers: Mapping[str, str] = field(default_factory=dict)
    calls: bool = True
    thinks: bool = True

    def body(
        self,
        text: str = "hi",
        tools: Mapping[str, Parameters] | Sequence[str] = (),
        *,
        stream: bool = False,
        **fields: Any,
    ) -> dict[str, Any]:
        """Make a request's body."""
        given = tools if isinstance(tools, Mapping) else {key: {} for key in tools}
        return {**self.request(text, given), "stream": stream, **fields}

    def post(
        self, gateway: RunningGateway, *args: Any, **fields: Any
    ) -> requests.Response:
        """Ask, and read the whole answer."""
        return post(gateway, self.path, self.body(*args, **fields), self.headers)

    def stream_violations(self, raw: bytes, *, failed: bool = False) -> Violations:
        """Check a stream; ``failed`` expects the dialect's error at its end."""
        return self.stream_oracle(raw, failed)

    def view(self, answer: bytes | dict[str, Any]) -> View:
        """Read what an answer tells."""
        return oracles.read(self.reader, answer)


def post(
    gateway: RunningGateway,
    path: str,
    body: Any,
    headers: Mapping[str, str] | None = None,
    **options: Any,
) -> requests.Response:
    """POST a value as JSON, or bytes as they are, and read the whole answer."""
    content = {"data": body} if isinstance(body, bytes) else {"json": body}
    return requests.post(
        gateway.url + path, headers=headers, timeout=LIMIT, **content, **options
    )


def get(
    gateway: RunningGateway, path: str, headers: Mapping[str, str] | None = None
) -> requests.Response:
    """GET a path; redirects are answers."""
    return requests.get(
        gateway.url + path, headers=headers, timeout=LIMIT, allow_redirects=False
    )


# ------------------------------------------------------------------------ requests


def user(text: str) -> list[dict[str, Any]]:
    """Make a conversation of one user message."""
    return [{"role": "user", "content": text}]


def functions(tools: Mapping[str, Parameters]) -> dict[str, Any]:
    """Write tools as OpenAI's chat and Ollama do."""
    written = [
        {"type": "function", "function": {"name": name, "parameters": dict(schema)}}
        for name, schema in tools.items()
    ]
    return {"tools": written} if written else {}


def chat_request(text: str, tools: Mapping[str, Parameters]) -> dict[str, Any]:
    return {
        "model": "tiny",
        "messages": user(text),
        "stream_options": {"include_usage": True},
        **functions(tools),
    }


def completion_request(text: str, tools: Mapping[str, Parameters]) -> dict[str, Any]:
    options = {"include_usage": True}
    return {"model": "tiny", "prompt": text, "stream_options": options}


def ollama_request(text: str, tools: Mapping[str, Parameters]) -> dict[str, Any]:
    return {"model": "tiny", "messages": user(text), **functions(tools)}


def generate_request(text: str, tools: Mapping[str, Parameters]) -> dict[str, Any]:
    return {"model": "tiny", "prompt": text}


def anthropic_request(text: str, tools: Mapping[str, Parameters]) -> dict[str, Any]:
    written = [
        {"name": name, "input_schema": {"type": "object", **schema}}
        for name, schema in tools.items()
    ]
    return {
        "model": "tiny",
        "max_tokens": 4096,
        "messages": user(text),
        "thinking": {"type": "enabled", "budget_tokens": 1024},
        **({"tools": written} if written else {}),
    }


def responses_request(text: str, tools: Mapping[str, Parameters]) -> dict[str, Any]:
    written = [
        {"type": "function", "name": name, "parameters": dict(schema), "strict": False}
        for name, schema in tools.items()
    ]
    return {"model": "tiny", "input": text, **({"tools": written} if written else {})}


# ------------------------------------------------------------------------- the table


def chat_stream(raw: bytes, failed: bool) -> Violations:
    return oracles.openai_chat_stream(raw, include_usage=True, expect_error=failed)


def completion_stream(raw: bytes, failed: bool) -> Violations:
    return oracles.openai_completion_stream(
        raw, include_usage=True, expect_error=failed
    )


ROWS = (
    Speaker(
        "openai",
        "openai",
        "/v1/chat/completions",
        chat_request,
        oracles.openai_chat,
        chat_stream,
        oracles.openai_error,
        "openai",
    ),
    Speaker(
        "completion",
        "openai",
        "/v1/completions",
        completion_request,
        oracles.openai_completion,
        completion_stream,
        oracles.openai_error,
        "completion",
        calls=False,
        thinks=False,
    ),
    Speaker(
        "ollama",
        "ollama",
        "/api/chat",
        ollama_request,
        oracles.ollama_chat,
        lambda raw, failed: oracles.ollama_stream(raw, "chat", failed),
        oracles.ollama_error,
        "ollama",
        content_type="application/x-ndjson",
    ),
    Speaker(
        "generate",
        "ollama",
        "/api/generate",
        generate_request,
        oracles.ollama_generate,
        lambda raw, failed: oracles.ollama_stream(raw, "generate", failed),
        oracles.ollama_error,
        "generate",
        content_type="application/x-ndjson",
        calls=False,
    ),
    Speaker(
        "anthropic",
        "anthropic",
        "/v1/messages",
        anthropic_request,
        oracles.anthropic_message,
        lambda raw, failed: oracles.anthropic_stream(raw, expect_error=failed),
        oracles.anthropic_error,
        "anthropic",
        headers={"anthropic-version": "2023-06-01"},
    ),
    Speaker(
        "responses",
        "responses",
        "/v1/responses",
        responses_request,
        oracles.openai_response,
        lambda raw, failed: oracles.openai_responses_stream(raw, expect_error=failed),
        oracles.openai_error,
        "responses",
    ),
)

SPEAKERS = tuple(row for row in ROWS if row.dialect in DIALECTS)
CHATS = tuple(row for row in SPEAKERS if row.calls)


def each_speaker(
    speakers: Sequence[Speaker] = SPEAKERS,
) -> pytest.MarkDecorator:
    """Run a test once for each of these speakers."""
    return pytest.mark.parametrize("speaker", speakers, ids=lambda row: row.name)


def needs(dialect: str) -> pytest.MarkDecorator:
    """Skip a test while a dialect is not there."""
    return pytest.mark.skipif(
        dialect not in DIALECTS, reason=f"the {dialect} dialect is not served"
    )
