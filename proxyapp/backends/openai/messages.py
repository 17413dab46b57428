"""Messages as an OpenAI-compatible server reads them."""

from collections.abc import Iterable
from collections.abc import Iterator
from typing import Any

from proxyapp.backends.turns import results_in_order
from proxyapp.neutral.messages import AudioPart
from proxyapp.neutral.messages import ImagePart
from proxyapp.neutral.messages import Message
from proxyapp.neutral.messages import TextPart
from proxyapp.neutral.messages import ThinkingPart
from proxyapp.neutral.messages import ToolCall
from proxyapp.neutral.messages import ToolResult
from proxyapp.settings.schema import Compat

_SEE_IMAGE = "(see attached image)"


def encode_messages(
    messages: Iterable[Message], compat: Compat
) -> list[dict[str, Any]]:
    """Write a conversation so that every chat template can render it.

    Leading system messages become one. Where the backend's templates are strict
    (``late_system`` is not ``keep``), a later one becomes the user's or joins them,
    and messages of the same role in a row become one. Every tool call is followed by
    its result, in call order; a missing result is filled in, one without a call
    becomes user text.
    """
    turns = results_in_order([turn for turn in messages if not _is_sealed(turn)])
    leading, rest = _split_leading_system(turns)
    if compat.late_system == "hoist":
        leading += [turn.text for turn in rest if turn.role == "system" and turn.text]
        rest = [turn for turn in rest if turn.role != "system"]
    # A reminder begins no new turn, so this comes before it becomes the user's.
    pending_from = _after_last_user(rest)
    if compat.late_system == "fold":
        rest = _folded(rest)
    wire: list[dict[str, Any]] = []
    if leading:
        wire.append({"role": "system", "content": "\n\n".join(leading)})
    for position, turn in enumerate(rest):
        keep_thinking = position >= pending_from
        wire += _encode(turn, compat.reasoning_field if keep_thinking else None)
    return wire if compat.late_system == "keep" else _merged(wire)


def _is_sealed(turn: Message) -> bool:
    """Tell whether a message is nothing but thoughts that only their author can read.

    Here it would be one that says nothing.
    """
    return bool(turn.content) and all(
        isinstance(part, ThinkingPart) and not part.text for part in turn.content
    )


def _split_leading_system(turns: list[Message]) -> tuple[list[str], list[Message]]:
    count = 0
    while count < len(turns) and turns[count].role == "system":
        count += 1
    texts = [turn.text for turn in turns[:count]]
    return [text for text in texts if text], turns[count:]


def _folded(turns: list[Message]) -> list[Message]:
    """Make each late system message a user's, as a reminder, where it stands.

    It must not move: what follows it in the next request would push it along, and
    the server could no longer reuse the prompt from there on.
    """
    return [_reminder(turn) if turn.role == "system" else turn for turn in turns]


def _reminder(turn: Message) -> Message:
    text = f"<system-reminder>\n{turn.text}\n</system-reminder>"
    return Message("user", (TextPart(text),))


def _after_last_user(turns: list[Message]) -> int:
    """Find where the turn in progress starts: only its thinking is sent again."""
    for position in range(len(turns) - 1, -1, -1):
        if turns[position].role == "user":
            return position + 1
    return 0


def _encode(turn: Message, thinking_field: str | None) -> Iterator[dict[str, Any]]:
    if turn.role == "tool":
        yield from _encode_results(turn)
    elif turn.role == "assistant":
        yield _encode_assistant(turn, thinking_field)
    else:
        wire: dict[str, Any] = {"role": turn.role, "content": _content(turn.content)}
        if turn.name:
            wire["name"] = turn.name
        yield wire


def _encode_assistant(turn: Message, thinking_field: str | None) -> dict[str, Any]:
    calls = [part for part in turn.content if isinstance(part, ToolCall)]
    wire: dict[str, Any] = {"role": "assistant", "content": turn.text}
    thinking = "".join(
        part.text for part in turn.content if isinstance(part, ThinkingPart)
    )
    if thinking and thinking_field:
        wire[thinking_field] = thinking
    if calls:
        wire["content"] = turn.text or None
        wire["tool_calls"] = [_encode_call(call) for call in calls]
    return wire


def _encode_call(call: ToolCall) -> dict[str, Any]:
    function = {"name": call.name, "arguments": call.arguments}
    return {"id": call.id, "type": "function", "function": function}


def _encode_results(turn: Message) -> Iterator[dict[str, Any]]:
    images: list[ImagePart] = []
    for part in turn.content:
        if not isinstance(part, ToolResult):
            continue
        text = "".join(p.text for p in part.content if isinstance(p, TextPart))
        shown = [p for p in part.content if isinstance(p, ImagePart)]
        images += shown
        if shown and not text:
            text = _SEE_IMAGE
        if part.is_error and not text.startswith("Error"):
            text = f"Error: {text}"
        yield {"role": "tool", "tool_call_id": part.call_id, "content": text}
    if images:
        yield {"role": "user", "content": [_encode_part(image) for image in images]}


def _content(parts: Iterable[Any]) -> str | list[dict[str, Any]]:
    parts = list(parts)
    if all(isinstance(part, TextPart) for part in parts):
        return "".join(part.text for part in parts)
    return [wire for part in parts if (wire := _encode_part(part))]


def _encode_part(part: Any) -> dict[str, Any]:
    if isinstance(part, TextPart):
        return {"type": "text", "text": part.text}
    if isinstance(part, ImagePart):
        url = {"url": part.url}
        if part.detail:
            url["detail"] = part.detail
        return {"type": "image_url", "image_url": url}
    if isinstance(part, AudioPart):
        audio = {"data": part.data, "format": part.format}
        return {"type": "input_audio", "input_audio": audio}
    return {}


def _merged(wire: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Join user messages in a row, and assistant ones: templates want turns."""
    runs: list[list[dict[str, Any]]] = []
    for message in wire:
        if runs and _continues(runs[-1][-1], message):
            runs[-1].append(message)
        else:
            runs.append([message])
    return [_one(run) if len(run) > 1 else run[0] for run in runs]


def _continues(before: dict[str, Any], message: dict[str, Any]) -> bool:
    if before["role"] != message["role"]:
        return False
    role = message["role"]
    return role == "user" or (role == "assistant" and "tool_calls" not in before)


def _one(run: list[dict[str, Any]]) -> dict[str, Any]:
    """Join a run at once: one by one would copy a long one over and over."""
    first = run[0]
    if first["role"] == "user":
        return {**first, "content": _joined([one["content"] for one in run])}
    found: dict[str, list[Any]] = {}
    for message in run:
        for name, value in message.items():
            found.setdefault(name, []).append(value)
    return {
        name: values[0] if name in ("role", "tool_calls") else _joined(values)
        for name, values in found.items()
    }


def _joined(contents: list[Any]) -> Any:
    if all(isinstance(content, str | None) for content in contents):
        return "\n\n".join(text for text in contents if text) or contents[0]
    return [part for content in contents for part in _as_parts(content)]


def _as_parts(content: Any) -> list[dict[str, Any]]:
    if isinstance(content, list):
        return content
    return [{"type": "text", "text": content}] if content else []
