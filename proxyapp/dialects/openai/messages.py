"""Chat messages as OpenAI's clients write them."""

from collections.abc import Iterator
from typing import Any

from proxyapp.dialects import fields
from proxyapp.dialects.text_files import text_file
from proxyapp.errors import BadRequest
from proxyapp.neutral.messages import AudioPart
from proxyapp.neutral.messages import ImagePart
from proxyapp.neutral.messages import Message
from proxyapp.neutral.messages import Part
from proxyapp.neutral.messages import Role
from proxyapp.neutral.messages import TextPart
from proxyapp.neutral.messages import ThinkingPart
from proxyapp.neutral.messages import ToolCall
from proxyapp.neutral.messages import ToolResult
from proxyapp.tools.arguments import clean_history_arguments

_ROLES: dict[str, Role] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "assistant": "assistant",
    "tool": "tool",
    "function": "tool",
}
_THINKING = ("reasoning_content", "reasoning", "reasoning_text", "cot_summary")


def decode_messages(body: fields.Body) -> tuple[Message, ...]:
    """Read ``messages``; keys nobody knows are ignored."""
    messages = fields.items(body, "messages")
    if not messages:
        raise BadRequest("'messages' is required: at least one.", param="messages")
    return tuple(
        _message(message, f"messages[{position}]")
        for position, message in enumerate(messages)
    )


def _message(message: Any, where: str) -> Message:
    if not isinstance(message, dict):
        raise BadRequest(f"'{where}' must be an object.", param=where)
    role = _ROLES.get(fields.word(message.get("role")).lower())
    if role is None:
        known = ", ".join(_ROLES)
        raise BadRequest(f"'{where}.role' must be one of: {known}.", param=where)
    if role == "tool":
        return Message(role, (_result(message, where),))
    content = list(_content(message.get("content"), f"{where}.content"))
    if role == "assistant":
        content = [*_thinking(message), *content, *_calls(message, where)]
    name = message.get("name")
    return Message(role, tuple(content), name if isinstance(name, str) else None)


def _result(message: dict[str, Any], where: str) -> ToolResult:
    name = message.get("name")
    parts = _content(message.get("content"), f"{where}.content")
    return ToolResult(
        fields.word(message.get("tool_call_id")) or fields.word(name),
        tuple(part for part in parts if isinstance(part, TextPart | ImagePart)),
        name=name if isinstance(name, str) else "",
    )


def _thinking(message: dict[str, Any]) -> Iterator[ThinkingPart]:
    for field in _THINKING:
        value = message.get(field)
        if isinstance(value, str) and value:
            yield ThinkingPart(value)
            return


def _calls(message: dict[str, Any], where: str) -> Iterator[ToolCall]:
    for position, call in enumerate(fields.items(message, "tool_calls", where)):
        place = f"{where}.tool_calls[{position}]"
        yield _call(call, place, f"call_{position}")
    legacy = message.get("function_call")
    if isinstance(legacy, dict):
        name = fields.word(legacy.get("name"))
        yield _call({"id": name, "function": legacy}, f"{where}.function_call", name)


def _call(call: Any, where: str, default_id: str) -> ToolCall:
    function = call.get("function") if isinstance(call, dict) else None
    if not isinstance(function, dict) or not isinstance(function.get("name"), str):
        raise BadRequest(f"'{where}.function.name' is required.", param=where)
    arguments = clean_history_arguments(function.get("arguments"))
    known_as = fields.word(call.get("id")) or default_id
    return ToolCall(known_as, function["name"], arguments)


def _content(content: Any, where: str) -> Iterator[Part]:
    if content is None:
        return
    if isinstance(content, str):
        yield TextPart(content)
        return
    if not isinstance(content, list):
        raise BadRequest(f"'{where}' must be a string or parts.", param=where)
    for position, part in enumerate(content):
        yield _part(part, f"{where}[{position}]")


def _part(part: Any, where: str) -> Part:
    if isinstance(part, str):
        return TextPart(part)
    kind = part.get("type") if isinstance(part, dict) else None
    read = _PARTS.get(kind if isinstance(kind, str) else "")
    if read is None:
        known = ", ".join(_PARTS)
        raise BadRequest(f"'{where}.type' must be one of: {known}.", param=where)
    return read(part, where)


def _text(part: dict[str, Any], where: str) -> Part:
    value = part.get("text", part.get("refusal", ""))
    if not isinstance(value, str):
        raise BadRequest(f"'{where}.text' must be a string.", param=where)
    return TextPart(value)


def _image(part: dict[str, Any], where: str) -> Part:
    image = part.get("image_url")
    url = image.get("url") if isinstance(image, dict) else image
    if not isinstance(url, str) or not url.startswith("data:"):
        raise BadRequest(
            f"'{where}.image_url' must be a data: URL; the gateway fetches nothing.",
            param=where,
        )
    detail = image.get("detail") if isinstance(image, dict) else None
    return ImagePart(url, detail if isinstance(detail, str) else None)


def _audio(part: dict[str, Any], where: str) -> Part:
    audio = part.get("input_audio")
    if not isinstance(audio, dict) or not isinstance(audio.get("data"), str):
        raise BadRequest(f"'{where}.input_audio.data' is required.", param=where)
    return AudioPart(audio["data"], fields.word(audio.get("format")) or "wav")


def _file(part: dict[str, Any], where: str) -> Part:
    return text_file(part.get("file"), f"{where}.file")


_PARTS = {
    "text": _text,
    "refusal": _text,
    "input_text": _text,
    "output_text": _text,
    "image_url": _image,
    "input_audio": _audio,
    "file": _file,
}
