"""Ask for messages as Anthropic's clients do."""

from typing import Any

import requests
from anthropic.types import Message

from tests.conformance.conftest import strict_anthropic
from tests.fakes.upstream import FakeUpstream
from tests.fakes.upstream import Finish
from tests.fakes.upstream import Reasoning
from tests.fakes.upstream import Step
from tests.fakes.upstream import Text
from tests.fakes.upstream import ToolCall
from tests.fakes.upstream import Usage
from tests.oracles.readers import events_of
from tests.servers import RunningGateway
from tests.speakers import post

VERSION = {"anthropic-version": "2023-06-01"}
LS = {
    "name": "ls",
    "description": "List a directory",
    "input_schema": {"type": "object", "properties": {"path": {"type": "string"}}},
}
THINKING = {"type": "enabled", "budget_tokens": 1024}
EAGER = {**LS, "name": "write", "eager_input_streaming": True}
TOOLS = [LS, EAGER]
END = (Finish("stop"), Usage(10, 4))
CALLED = (Finish("tool_calls"), Usage(10, 4))
CALL = {"type": "tool_use", "id": "call_1", "name": "ls", "input": {"path": "/"}}


def user(content: Any = "hi") -> dict[str, Any]:
    """Write a user's turn."""
    return {"role": "user", "content": content}


def assistant(content: Any) -> dict[str, Any]:
    """Write the model's turn."""
    return {"role": "assistant", "content": content}


def result(call_id: str = "call_1", **fields: Any) -> dict[str, Any]:
    """Write a tool's result."""
    return {"type": "tool_result", "tool_use_id": call_id, **fields}


def text(words: str, **fields: Any) -> dict[str, Any]:
    """Write a text block."""
    return {"type": "text", "text": words, **fields}


def request(*messages: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """Write a request's body; None leaves a field out."""
    body = {
        "model": "tiny",
        "max_tokens": 512,
        "messages": list(messages) or [user()],
        **fields,
    }
    return {name: value for name, value in body.items() if value is not None}


def ask(
    gateway: RunningGateway, *messages: dict[str, Any], **fields: Any
) -> requests.Response:
    """Send a request for a message."""
    return post(gateway, "/v1/messages", request(*messages, **fields), VERSION)


def sent(
    gateway: RunningGateway,
    upstream: FakeUpstream,
    *messages: dict[str, Any],
    **fields: Any,
) -> dict[str, Any]:
    """Give the body that the upstream got for a request, which must succeed."""
    reply = ask(gateway, *messages, **fields)
    assert reply.status_code == 200, reply.text
    body: dict[str, Any] = upstream.generations[-1].json
    return body


def refused(gateway: RunningGateway, *messages: dict[str, Any], **fields: Any) -> str:
    """Give the words of a request's refusal, which must be a 400."""
    reply = ask(gateway, *messages, **fields)
    assert reply.status_code == 400, reply.text
    assert reply.json()["error"]["type"] == "invalid_request_error"
    return str(reply.json()["error"]["message"])


def ls(number: int) -> ToolCall:
    """Write a model's call of a tool."""
    return ToolCall(f"call_{number}", "ls", {"path": f"/{number}"})


SCRIPTS: dict[str, tuple[Step, ...]] = {
    "text": (Text("Hel"), Text("lo"), *END),
    "thinking, text": (Reasoning("h"), Reasoning("m"), Text("Hello"), *END),
    "text, thinking": (Text("Hello"), Reasoning("hm"), *END),
    "text, tool": (Text("I look."), ls(1), *CALLED),
    "tool, text, tool": (ls(1), Text("and"), ls(2), *CALLED),
    "three tools": (ls(1), ls(2), ls(3), *CALLED),
    "thinking twice": (Reasoning("a"), Text("b"), Reasoning("c"), ls(1), *CALLED),
    "nothing": END,
}


def stream(gateway: RunningGateway, *messages: Any, **fields: Any) -> bytes:
    """Give a stream; tools and thinking are asked for unless ``fields`` say more."""
    options = {"tools": TOOLS, "thinking": THINKING, **fields}
    reply = ask(gateway, *messages, stream=True, **options)
    assert reply.status_code == 200, reply.text
    assert reply.headers["Content-Type"].startswith("text/event-stream")
    return bytes(reply.content)


def whole(gateway: RunningGateway, *messages: Any, **fields: Any) -> dict[str, Any]:
    """Give a whole message, asked for as in ``stream``."""
    options = {"tools": TOOLS, "thinking": THINKING, **fields}
    reply = ask(gateway, *messages, **options)
    assert reply.status_code == 200, reply.text
    message: dict[str, Any] = reply.json()
    return message


def events(raw: bytes, kind: str) -> list[dict[str, Any]]:
    """Give a stream's events of one kind."""
    return [event for event in events_of(raw) if event["type"] == kind]


def sdk_message(gateway: RunningGateway, **fields: Any) -> Message:
    """Give what Anthropic's own SDK makes of a stream, asked for as in ``stream``."""
    body = request(**{"tools": TOOLS, "thinking": THINKING, **fields})
    with strict_anthropic(gateway) as client, client.messages.stream(**body) as told:
        return told.get_final_message()
