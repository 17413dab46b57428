"""Messages as Ollama's clients write them, and tool results brought to their calls."""

from collections import deque
from collections.abc import Iterable
from collections.abc import Iterator
from itertools import count
from typing import Any

from proxyapp.dialects import fields
from proxyapp.dialects.ollama.images import decode_images
from proxyapp.errors import BadRequest
from proxyapp.neutral.messages import ImagePart
from proxyapp.neutral.messages import Message
from proxyapp.neutral.messages import Part
from proxyapp.neutral.messages import Role
from proxyapp.neutral.messages import TextPart
from proxyapp.neutral.messages import ThinkingPart
from proxyapp.neutral.messages import ToolCall
from proxyapp.neutral.messages import ToolResult
from proxyapp.tools.arguments import clean_history_arguments

_ANY = ("name", "")

_ROLES: dict[str, Role] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "assistant": "assistant",
    "tool": "tool",
}


class _OpenCalls:
    """Calls that wait for their results; each is answered once, the oldest first."""

    def __init__(self) -> None:
        self._waiting: dict[int, ToolCall] = {}
        self._places: dict[tuple[str, str], deque[int]] = {}
        self._count = count()

    def add(self, calls: Iterable[ToolCall]) -> None:
        for call in calls:
            place = next(self._count)
            self._waiting[place] = call
            for key in (("id", call.id), ("name", call.name), _ANY):
                self._places.setdefault(key, deque()).append(place)

    def take(self, wanted: str, name: str) -> ToolCall | None:
        """Give the call of an id, or else of a name, or else the next."""
        for key in (("id", wanted), ("name", name), _ANY):
            places = self._places.get(key, ())
            while places:
                call = self._waiting.pop(places.popleft(), None)
                if call is not None:
                    return call
        return None


def decode_messages(body: fields.Body) -> tuple[Message, ...]:
    """Read ``messages``; there may be none, which asks to load the model."""
    open_calls = _OpenCalls()
    decoded: list[Message] = []
    for position, message in enumerate(fields.items(body, "messages")):
        where = f"messages[{position}]"
        role = _role(message, where)
        if role == "tool":
            decoded.append(Message(role, (_result(message, where, open_calls),)))
            continue
        parts: list[Part] = [*_text(message, where), *decode_images(message, where)]
        if role == "assistant":
            calls = list(_calls(message, where, position))
            open_calls.add(calls)
            parts = [*_thinking(message, where), *parts, *calls]
        decoded.append(Message(role, tuple(parts)))
    return tuple(decoded)


def _role(message: Any, where: str) -> Role:
    if not isinstance(message, dict):
        raise BadRequest(f"'{where}' must be an object.", param=where)
    role = _ROLES.get(fields.word(message.get("role")).lower())
    if role is None:
        known = ", ".join(_ROLES)
        raise BadRequest(f"'{where}.role' must be one of: {known}.", param=where)
    return role


def _text(message: dict[str, Any], where: str) -> Iterator[TextPart]:
    content = fields.optional(message, "content", str, where)
    if content:
        yield TextPart(content)


def _thinking(message: dict[str, Any], where: str) -> Iterator[ThinkingPart]:
    thinking = fields.optional(message, "thinking", str, where)
    if thinking:
        yield ThinkingPart(thinking)


def _calls(message: dict[str, Any], where: str, position: int) -> Iterator[ToolCall]:
    """Read calls; Ollama's own clients drop their ids, so a place gives one."""
    for number, call in enumerate(fields.items(message, "tool_calls", where)):
        place = f"{where}.tool_calls[{number}]"
        function = call.get("function") if isinstance(call, dict) else None
        if not isinstance(function, dict) or not isinstance(function.get("name"), str):
            raise BadRequest(f"'{place}.function.name' is required.", param=place)
        arguments = clean_history_arguments(function.get("arguments"))
        given = call.get("id")
        known_as = given if isinstance(given, str) else ""
        yield ToolCall(
            known_as or f"call_{position}_{number}", function["name"], arguments
        )


def _result(message: dict[str, Any], where: str, open_calls: _OpenCalls) -> ToolResult:
    """Read a result and take the call it answers from those that wait.

    A result names its call by id, or by the tool's name, or by coming next.
    """
    wanted = fields.optional(message, "tool_call_id", str, where) or ""
    name = fields.optional(message, "tool_name", str, where) or ""
    name = name or fields.optional(message, "name", str, where) or ""
    call = open_calls.take(wanted, name)
    content: tuple[TextPart | ImagePart, ...] = (
        *_text(message, where),
        *decode_images(message, where),
    )
    return ToolResult(
        call.id if call else wanted or name,
        content,
        name=name or (call.name if call else ""),
    )
