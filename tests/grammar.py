"""The grammar of a reply's events, as ``proxyapp.neutral.events`` describes it."""

import json
from collections.abc import Iterable

from proxyapp.neutral.events import Event
from proxyapp.neutral.events import MessageEnd
from proxyapp.neutral.events import MessageStart
from proxyapp.neutral.events import TextDelta
from proxyapp.neutral.events import ThinkingDelta
from proxyapp.neutral.events import ToolCallDelta
from proxyapp.neutral.events import ToolCallStart

KINDS = {
    TextDelta: "text",
    ThinkingDelta: "thinking",
    ToolCallStart: "call",
    ToolCallDelta: "call",
}


class _Choice:
    """One choice, followed event by event."""

    def __init__(self) -> None:
        self.ended = False
        self.index = -1
        self.kind = ""
        self.ids: set[str] = set()

    def violation(self, event: Event) -> str:
        """Say what is wrong with the next event, or nothing."""
        if self.ended:
            return "an event follows the end"
        if isinstance(event, MessageStart):
            return "a second start"
        if isinstance(event, MessageEnd):
            self.ended = True
            return ""
        return self.misplaced(event) or self.unreadable(event)

    def misplaced(self, event: Event) -> str:
        kind = KINDS[type(event)]
        opens = event.index > self.index
        if event.index < self.index:
            return "the index goes down"
        if isinstance(event, ToolCallStart) and not opens:
            return "a call starts in an open block"
        if isinstance(event, ToolCallDelta) and (opens or self.kind != "call"):
            return "arguments come without their start"
        if not opens and kind != self.kind:
            return "a block changes its kind"
        self.index, self.kind = event.index, kind
        return ""

    def unreadable(self, event: Event) -> str:
        if isinstance(event, TextDelta | ThinkingDelta):
            try:
                read = json.loads(event.quoted)
            except ValueError:
                read = None
            return "" if isinstance(read, str) else "the text is no JSON string"
        if isinstance(event, ToolCallStart):
            if not event.name or not event.id or event.id in self.ids:
                return "a call has no name, or no id of its own"
            self.ids.add(event.id)
        return ""


def check_order(events: Iterable[Event]) -> list[str]:
    """Give every violation of the grammar, in order; none in a complete reply."""
    choices: dict[int, _Choice] = {}
    violations: list[str] = []
    for event in events:
        if event.choice in choices:
            violations.append(choices[event.choice].violation(event))
            continue
        choices[event.choice] = _Choice()
        if not isinstance(event, MessageStart):
            violations.append("the first event is no start")
    if not choices:
        violations.append("there are no events")
    if not all(choice.ended for choice in choices.values()):
        violations.append("a choice has no end")
    return [violation for violation in violations if violation]
