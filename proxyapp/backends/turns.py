"""A conversation brought into the order every model server wants."""

from collections import deque
from collections.abc import Iterable
from collections.abc import Iterator
from typing import TypeVar

from proxyapp.neutral.messages import Message
from proxyapp.neutral.messages import Part
from proxyapp.neutral.messages import TextPart
from proxyapp.neutral.messages import ToolCall
from proxyapp.neutral.messages import ToolResult
from proxyapp.runtime import breathe

P = TypeVar("P", bound=Part)

_NO_RESULT = "No result provided"


def results_in_order(turns: list[Message]) -> list[Message]:
    """Put each result behind its call; fill missing ones, keep orphans as text."""
    # Reading thousands of turns took its time.
    breathe()
    waiting: dict[str, deque[ToolResult]] = {}
    for part in parts_of(turns, ToolResult):
        waiting.setdefault(part.call_id, deque()).append(part)
    answers = {
        id(call): waiting[call.id].popleft()
        for call in parts_of(turns, ToolCall)
        if waiting.get(call.id)
    }
    taken = {id(answer) for answer in answers.values()}
    ordered: list[Message] = []
    for turn in turns:
        breathe()
        if turn.role == "tool":
            ordered += [_orphan(p) for p in turn.content if id(p) not in taken]
            continue
        ordered.append(turn)
        results = [
            answers.get(id(call)) or ToolResult(call.id, (TextPart(_NO_RESULT),))
            for call in parts_of([turn], ToolCall)
        ]
        if results:
            ordered.append(Message("tool", tuple(results)))
    return ordered


def parts_of(turns: Iterable[Message], kind: type[P]) -> Iterator[P]:
    """Give every part of one kind, in order."""
    for turn in turns:
        for part in turn.content:
            if isinstance(part, kind):
                yield part


def _orphan(part: Part) -> Message:
    if not isinstance(part, ToolResult):
        return Message("user", (part,))
    label = TextPart(f"[tool result {part.call_id}] ")
    return Message("user", (label, *part.content))
