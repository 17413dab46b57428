"""A conversation as pi-ai reads it.

Its messages have three roles; the system prompt stands apart. A result names its tool,
and a turn of the model holds thoughts, words and calls in their order. Who made an
earlier turn is stamped on it by the Node process.
"""

import re
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from dataclasses import replace
from itertools import groupby
from types import MappingProxyType
from typing import Any
from typing import Final

from proxyapp.backends.copilot.models import Api
from proxyapp.backends.copilot.models import COMPLETIONS
from proxyapp.backends.copilot.models import CopilotModel
from proxyapp.backends.copilot.models import MESSAGES
from proxyapp.backends.copilot.models import RESPONSES
from proxyapp.backends.turns import parts_of
from proxyapp.backends.turns import results_in_order
from proxyapp.errors import BadRequest
from proxyapp.neutral.messages import AudioPart
from proxyapp.neutral.messages import ImagePart
from proxyapp.neutral.messages import Message
from proxyapp.neutral.messages import Part
from proxyapp.neutral.messages import TextPart
from proxyapp.neutral.messages import ThinkingPart
from proxyapp.neutral.messages import ToolCall
from proxyapp.neutral.messages import ToolResult
from proxyapp.neutral.request import ChatRequest
from proxyapp.wire import jsons

Wire = dict[str, Any]

_ID: Final = re.compile(r"[^A-Za-z0-9_-]")
_ID_LENGTH: Final = 64
_DATA_URL: Final = re.compile(r"data:(image/[\w.+-]+);base64,(.+)", re.DOTALL)


def _is_item(signature: str) -> bool:
    return signature.startswith("{")


def _is_field(signature: str) -> bool:
    return signature.replace("_", "").isalpha() and signature.startswith("reasoning")


_READABLE: Final[Mapping[Api, Callable[[str], bool]]] = MappingProxyType(
    {
        # pi-ai keeps the name of the field a thought came in, or a whole item of the
        # Responses API; Anthropic's signatures are neither.
        COMPLETIONS: _is_field,
        RESPONSES: _is_item,
        MESSAGES: lambda signature: (
            not _is_item(signature) and not _is_field(signature)
        ),
    }
)


def encode_context(request: ChatRequest, model: CopilotModel) -> Wire:
    """Write the conversation and the tools; raise BadRequest for what cannot go."""
    system = [turn.text for turn in request.messages if turn.role == "system"]
    turns = [turn for turn in request.messages if turn.role != "system"]
    _refuse_unread(turns, model)
    turns = _with_reminders(results_in_order(turns))
    context: Wire = {"messages": list(_messages(turns, model))}
    prompt = "\n\n".join(text for text in system if text)
    if prompt:
        context["systemPrompt"] = prompt
    tools = offered_tools(request)
    if tools:
        context["tools"] = tools
    return context


def offered_tools(request: ChatRequest) -> list[Wire]:
    """Write the tools the choice leaves; a choice among several sends only those."""
    choice = request.tool_choice
    return [
        {
            "name": tool.name,
            "description": tool.description,
            "parameters": tool.parameters,
        }
        for tool in request.tools
        if choice.mode != "none" and (not choice.names or tool.name in choice.names)
    ]


def _refuse_unread(turns: Iterable[Message], model: CopilotModel) -> None:
    turns = list(turns)
    if any(parts_of(turns, AudioPart)):
        raise BadRequest("GitHub Copilot takes no audio.", param="messages")
    shown = any(parts_of(turns, ImagePart)) or any(
        isinstance(part, ImagePart)
        for result in parts_of(turns, ToolResult)
        for part in result.content
    )
    if shown and not model.images:
        raise BadRequest(f"The model '{model.id}' takes no images.", param="messages")


def _messages(turns: list[Message], model: CopilotModel) -> Iterator[Wire]:
    names = {call.id: call.name for call in parts_of(turns, ToolCall)}
    for role, group in groupby(turns, key=lambda turn: turn.role):
        yield from _WRITERS[role](list(group), names, model)


def _with_reminders(turns: Iterable[Message]) -> list[Message]:
    """Let words that came with tool results stand in the last of them.

    On their own they would be a user's turn, and GitHub counts those.
    """
    joined: list[Message] = []
    for turn in turns:
        if turn.same_turn and joined and joined[-1].role == "tool":
            *before, last = parts_of(joined[-1:], ToolResult)
            shown = [p for p in turn.content if isinstance(p, TextPart | ImagePart)]
            extended = replace(last, content=(*last.content, *shown))
            joined[-1] = Message("tool", (*before, extended))
        else:
            joined.append(turn)
    return joined


def _user_messages(
    turns: list[Message], names: Mapping[str, str], model: CopilotModel
) -> Iterator[Wire]:
    for turn in turns:
        yield {"role": "user", "content": list(map(_shown, turn.content)) or ""}


def _results(
    turns: list[Message], names: Mapping[str, str], model: CopilotModel
) -> Iterator[Wire]:
    for result in parts_of(turns, ToolResult):
        yield {
            "role": "toolResult",
            "toolCallId": _call_id(result.call_id),
            "toolName": result.name or names.get(result.call_id, ""),
            "content": list(map(_shown, result.content)),
            "isError": result.is_error,
        }


def _assistant(
    turns: list[Message], names: Mapping[str, str], model: CopilotModel
) -> Iterator[Wire]:
    readable = _READABLE[model.api]
    content = [
        wire
        for turn in turns
        for part in turn.content
        if (wire := _written(part, readable))
    ]
    if content:
        yield {"role": "assistant", "content": content}


_WRITERS: Final[Mapping[str, Callable[..., Iterator[Wire]]]] = MappingProxyType(
    {"user": _user_messages, "tool": _results, "assistant": _assistant}
)


def _shown(part: Part) -> Wire:
    if isinstance(part, ImagePart):
        found = _DATA_URL.fullmatch(part.url)
        if found is None:
            raise BadRequest(
                "GitHub Copilot takes images as base64 in data: URLs only.",
                param="messages",
            )
        return {"type": "image", "mimeType": found.group(1), "data": found.group(2)}
    assert isinstance(part, TextPart)
    return {"type": "text", "text": part.text}


def _written(part: Part, readable: Callable[[str], bool]) -> Wire | None:
    if isinstance(part, ToolCall):
        arguments = jsons.loads(part.arguments)
        call_id = _call_id(part.id)
        call = {"type": "toolCall", "id": call_id, "name": part.name}
        return {**call, "arguments": arguments}
    if isinstance(part, ThinkingPart):
        return _thinking(part) if part.signature and readable(part.signature) else None
    if isinstance(part, TextPart) and part.text:
        return {"type": "text", "text": part.text}
    return None


def _thinking(part: ThinkingPart) -> Wire:
    """Write a thought that the model will know for its own; no other is sent.

    pi-ai would turn an unsigned one into plain text, as if the model had said it.
    """
    wire = {"type": "thinking", "thinking": part.text}
    wire["thinkingSignature"] = part.signature
    return wire | ({"redacted": True} if part.redacted else {})


def _call_id(name: str) -> str:
    """Make an id that every API takes; the same id always becomes the same."""
    return _ID.sub("_", name)[:_ID_LENGTH]
