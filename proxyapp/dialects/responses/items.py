"""The input of a Responses request: items, read as messages.

What the assistant did lies flat beside what others said: each thought, text and call
is an item of its own. Adjacent ones are one assistant turn here.
"""

from collections.abc import Callable
from collections.abc import Iterator
from typing import Any

from proxyapp.dialects import fields
from proxyapp.dialects.responses.tools import Origin
from proxyapp.dialects.text_files import text_file
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
from proxyapp.wire import jsons

Item = dict[str, Any]

_ROLES: dict[str, Role] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "assistant": "assistant",
}

_PASSED_OVER = frozenset(
    {
        "additional_tools",
        "apply_patch_call",
        "apply_patch_call_output",
        "code_interpreter_call",
        "compaction_trigger",
        "computer_call",
        "computer_call_output",
        "configuration_update",
        "file_search_call",
        "image_generation_call",
        "local_shell_call",
        "local_shell_call_output",
        "mcp_approval_request",
        "mcp_approval_response",
        "mcp_call",
        "mcp_list_tools",
        "program",
        "program_output",
        "shell_call",
        "shell_call_output",
        "tool_search_call",
        "tool_search_output",
        "web_search_call",
    }
)
"""What hosted tools left in a conversation that began elsewhere, and settings."""


def read_input(body: fields.Body) -> tuple[Message, ...]:
    """Read ``instructions`` and ``input``; unknown keys are ignored.

    Raises BadRequest naming the item that cannot be read.
    """
    turns: list[Message] = []
    instructions = fields.optional(body, "instructions", str)
    if instructions:
        turns.append(Message("system", (TextPart(instructions),)))
    given = body.get("input")
    if isinstance(given, str):
        turns.append(Message("user", (TextPart(given),)))
        return tuple(turns)
    for position, item in enumerate(fields.items(body, "input")):
        message = _read(item, f"input[{position}]")
        if message is not None:
            _append(turns, message)
    return tuple(turns)


def _append(turns: list[Message], message: Message) -> None:
    """Add to the assistant's turn in progress; two texts in a row are two turns."""
    last = turns[-1] if turns else None
    if last is None or {last.role, message.role} != {"assistant"}:
        turns.append(message)
        return
    opens_text = message.content and isinstance(message.content[0], TextPart)
    if opens_text and last.content and isinstance(last.content[-1], TextPart):
        turns.append(message)
    else:
        turns[-1] = Message("assistant", (*last.content, *message.content))


def _read(item: Any, where: str) -> Message | None:
    """Read one item; None is one that says nothing to the model."""
    if not isinstance(item, dict):
        raise BadRequest(f"'{where}' must be an object.", param=where)
    kind = fields.word(item.get("type") or "message")
    if kind in _PASSED_OVER:
        return None
    read = _READERS.get(kind)
    if read is None:
        known = ", ".join(_READERS)
        raise BadRequest(
            f"'{where}.type' is '{kind}'; it must be one of: {known}.",
            param=f"{where}.type",
        )
    return read(item, where)


def _message(item: Item, where: str) -> Message:
    role = _ROLES.get(fields.word(item.get("role")).lower())
    if role is None:
        known = ", ".join(_ROLES)
        raise BadRequest(f"'{where}.role' must be one of: {known}.", param=where)
    return Message(role, tuple(_content(item.get("content"), f"{where}.content")))


def _reasoning(item: Item, where: str) -> Message | None:
    """Read a thought; what is encrypted in it can be read by its author alone."""
    encrypted = item.get("encrypted_content")
    signature = encrypted if isinstance(encrypted, str) else ""
    for name in ("content", "summary"):
        parts = item.get(name)
        text = "\n\n".join(
            part["text"]
            for part in (parts if isinstance(parts, list) else ())
            if isinstance(part, dict) and isinstance(part.get("text"), str)
        )
        if text:
            return Message("assistant", (ThinkingPart(text, signature),))
    return Message("assistant", (ThinkingPart("", signature),)) if signature else None


def _agent_message(item: Item, where: str) -> Message:
    """Read what another agent said, as Codex passes it on: it speaks as a user."""
    return Message("user", tuple(_content(item.get("content"), f"{where}.content")))


def _function_call(item: Item, where: str) -> Message:
    return _call(item, where, clean_history_arguments(item.get("arguments")))


def _custom_call(item: Item, where: str) -> Message:
    text = fields.optional(item, "input", str, where) or ""
    return _call(item, where, jsons.text({"input": text}))


def _call(item: Item, where: str, arguments: str) -> Message:
    name, namespace = item.get("name"), item.get("namespace")
    if not isinstance(name, str) or not name:
        raise BadRequest(f"'{where}.name' is required: a string.", param=where)
    origin = Origin(name, namespace if isinstance(namespace, str) else "")
    call = ToolCall(_call_id(item, where), origin.function, arguments)
    return Message("assistant", (call,))


def _call_output(item: Item, where: str) -> Message:
    output = item.get("output")
    if isinstance(output, str | list) or output is None:
        parts = list(_content(output, f"{where}.output"))
    else:
        parts = [TextPart(jsons.text(output))]
    result = ToolResult(
        _call_id(item, where),
        tuple(part for part in parts if isinstance(part, TextPart | ImagePart)),
        is_error=item.get("status") == "incomplete",
    )
    return Message("tool", (result,))


def _call_id(item: Item, where: str) -> str:
    call_id = item.get("call_id") or item.get("id")
    if not isinstance(call_id, str):
        raise BadRequest(f"'{where}.call_id' is required: a string.", param=where)
    return call_id


def _reference(item: Item, where: str) -> Message:
    raise BadRequest(
        f"'{where}' refers to an item of an earlier response, and none is stored here;"
        " send the item itself.",
        param=where,
    )


def _compaction(item: Item, where: str) -> Message:
    raise BadRequest(
        f"'{where}' is a conversation compacted by OpenAI, which only OpenAI can read;"
        " start a new one.",
        param=where,
    )


_READERS: dict[str, Callable[[Item, str], Message | None]] = {
    "message": _message,
    "agent_message": _agent_message,
    "reasoning": _reasoning,
    "function_call": _function_call,
    "function_call_output": _call_output,
    "custom_tool_call": _custom_call,
    "custom_tool_call_output": _call_output,
    "item_reference": _reference,
    "compaction": _compaction,
    "context_compaction": _compaction,
}


def _content(content: Any, where: str) -> Iterator[Part]:
    if isinstance(content, str):
        yield TextPart(content)
        return
    if content is not None and not isinstance(content, list):
        raise BadRequest(f"'{where}' must be a string or parts.", param=where)
    for position, part in enumerate(content or ()):
        yield _part(part, f"{where}[{position}]")


def _part(part: Any, where: str) -> Part:
    kind = part.get("type") if isinstance(part, dict) else None
    read = _PARTS.get(kind if isinstance(kind, str) else "")
    if read is None:
        known = ", ".join(_PARTS)
        raise BadRequest(f"'{where}.type' must be one of: {known}.", param=where)
    return read(part, where)


def _text(part: Item, where: str) -> Part:
    value = part.get("text", part.get("refusal", ""))
    if not isinstance(value, str):
        raise BadRequest(f"'{where}.text' must be a string.", param=where)
    return TextPart(value)


def _image(part: Item, where: str) -> Part:
    url = part.get("image_url")
    if not isinstance(url, str) or not url.startswith("data:"):
        raise BadRequest(
            f"'{where}.image_url' must be a data: URL; the gateway fetches nothing and"
            " stores no files.",
            param=f"{where}.image_url",
        )
    detail = part.get("detail")
    return ImagePart(url, detail if isinstance(detail, str) else None)


_PARTS: dict[str, Callable[[Item, str], Part]] = {
    "input_text": _text,
    "output_text": _text,
    "text": _text,
    "summary_text": _text,
    "refusal": _text,
    "input_image": _image,
    "input_file": text_file,
}
