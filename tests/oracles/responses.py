"""Checkers for OpenAI Responses: a whole response and its stream of events."""

from collections.abc import Callable
from dataclasses import dataclass
from dataclasses import field
from typing import Any

from openai.types.responses import Response
from openai.types.responses import ResponseStreamEvent

from tests.oracles import sse
from tests.oracles.strict import check
from tests.oracles.strict import check_member
from tests.oracles.strict import is_object_text
from tests.oracles.strict import missing
from tests.oracles.strict import repeated

TERMINAL = {
    "response.completed": "completed",
    "response.incomplete": "incomplete",
    "response.failed": "failed",
}
# What a part's deltas must add up to: delta event -> (done event, its key).
SUMS = {
    "response.output_text.delta": ("response.output_text.done", "text"),
    "response.refusal.delta": ("response.refusal.done", "refusal"),
    "response.reasoning_text.delta": ("response.reasoning_text.done", "text"),
    "response.reasoning_summary_text.delta": (
        "response.reasoning_summary_text.done",
        "text",
    ),
    "response.function_call_arguments.delta": (
        "response.function_call_arguments.done",
        "arguments",
    ),
    "response.custom_tool_call_input.delta": (
        "response.custom_tool_call_input.done",
        "input",
    ),
}
DONES = {done: (delta, key) for delta, (done, key) in SUMS.items()}


def openai_response(body: Any) -> list[str]:
    """Check a whole response."""
    found = check(Response, body)
    if found:
        return found
    found += missing(body, "status", "error", "incomplete_details")
    status = body.get("status")
    if status not in ("completed", "incomplete", "failed"):
        found.append(f"status {status!r}")
    if (status == "failed") != (body.get("error") is not None):
        found.append(f"error {body.get('error')!r} with status {status!r}")
    if (status == "incomplete") != bool(body.get("incomplete_details")):
        found.append(f"incomplete_details with status {status!r}")
    found += usage_violations(body)
    found += repeated([item.get("id") for item in body["output"]], "item ids")
    return found + [one for item in body["output"] for one in item_violations(item)]


def usage_violations(body: dict[str, Any]) -> list[str]:
    """Check that an answer that ended well tells its usage, and that it adds up."""
    usage = body.get("usage")
    if usage is None:
        failed = body.get("status") == "failed"
        return [] if failed else ["usage missing"]
    if usage["total_tokens"] != usage["input_tokens"] + usage["output_tokens"]:
        return [f"usage does not add up: {usage!r}"]
    return []


def item_violations(item: dict[str, Any]) -> list[str]:
    """Check a finished output item."""
    if item["type"] != "function_call" or item.get("status") == "incomplete":
        return []
    if not item.get("call_id") or not item.get("name"):
        return ["function_call without call_id or name"]
    if not is_object_text(item.get("arguments")):
        return [f"arguments are no JSON object: {item.get('arguments')!r}"]
    return []


@dataclass
class EventStream:
    """The order of events: items one after the other, each opened and closed."""

    found: list[str] = field(default_factory=list)
    number: int = 0
    open: dict[str, Any] | None = None
    done: list[dict[str, Any]] = field(default_factory=list)
    sums: dict[tuple[Any, ...], str] = field(default_factory=dict)
    parts: set[tuple[Any, ...]] = field(default_factory=set)
    ended: str = ""

    def run(self, raw: bytes, expect_error: bool) -> list[str]:
        """Check a whole stream."""
        events, self.found = sse.read(raw)
        for index, event in enumerate(events):
            where = f"event[{index}]"
            if event.data == sse.DONE:
                self.found.append(f"{where}: [DONE] does not belong here")
                continue
            value = sse.parsed(event, self.found, where)
            if value is not None:
                self.event(event.name, value, f"{where} {value.get('type')}")
        if self.ended not in TERMINAL:
            self.found.append("no response.completed, incomplete or failed at the end")
        if (self.ended == "response.failed") != expect_error:
            self.found.append(f"ended with {self.ended!r}, against expectation")
        return self.found

    def event(self, name: str | None, value: dict[str, Any], where: str) -> None:
        """Check one event."""
        kind = str(value.get("type"))
        if name != kind:
            self.found.append(f"{where}: its event name is {name!r}")
        if value.get("sequence_number") != self.number:
            number = value.get("sequence_number")
            self.found.append(f"{where}: number {number} where {self.number} is next")
        opening = {0: "response.created", 1: "response.in_progress"}
        if opening.get(self.number, kind) != kind:
            self.found.append(f"{where}: {opening[self.number]} expected")
        self.number += 1
        if self.ended:
            self.found.append(f"{where}: after the end")
        objections = check_member(ResponseStreamEvent, value, where)
        self.found += objections
        if not objections:
            self.act_on(kind)(value, where)

    def act_on(self, kind: str) -> Callable[[dict[str, Any], str], None]:
        """Give the check for a kind of event."""
        table: dict[str, Callable[[dict[str, Any], str], None]] = {
            "response.created": self.opening,
            "response.in_progress": self.opening,
            "response.output_item.added": self.item_added,
            "response.output_item.done": self.item_done,
            "response.content_part.added": self.part_added,
            "response.content_part.done": self.part_done,
            "response.reasoning_summary_part.added": self.part_added,
            "response.reasoning_summary_part.done": self.part_done,
            "error": self.plain_error,
        }
        table |= dict.fromkeys(TERMINAL, self.terminal)
        table |= dict.fromkeys(SUMS, self.delta)
        table |= dict.fromkeys(DONES, self.sum_done)
        return table.get(kind, lambda value, where: None)

    def opening(self, value: dict[str, Any], where: str) -> None:
        response = value["response"]
        if response["output"] or response.get("status") != "in_progress":
            self.found.append(f"{where}: not an empty response in progress")

    def item_added(self, value: dict[str, Any], where: str) -> None:
        if self.open is not None:
            self.found.append(f"{where}: item {self.open['id']} is still open")
        if value["output_index"] != len(self.done):
            self.found.append(f"{where}: output_index {value['output_index']}")
        self.open = value["item"]
        self.sums.clear()
        self.parts.clear()

    def item_done(self, value: dict[str, Any], where: str) -> None:
        item = value["item"]
        if not self.belongs(value["output_index"], item.get("id"), where):
            return
        if self.parts:
            self.found.append(f"{where}: a part of it is still open")
        if self.sums:
            self.found.append(f"{where}: deltas without their done event")
        self.found += item_violations(item)
        self.done.append(item)
        self.open = None

    def part_added(self, value: dict[str, Any], where: str) -> None:
        if self.belongs(value["output_index"], value["item_id"], where):
            self.parts.add(part_key(value))

    def part_done(self, value: dict[str, Any], where: str) -> None:
        self.belongs(value["output_index"], value["item_id"], where)
        if part_key(value) not in self.parts:
            self.found.append(f"{where}: the part was not opened")
        self.parts.discard(part_key(value))

    def delta(self, value: dict[str, Any], where: str) -> None:
        if not self.belongs(value["output_index"], value["item_id"], where):
            return
        if part_key(value) != (None,) and part_key(value) not in self.parts:
            self.found.append(f"{where}: delta for a part that is not open")
        key = (value["type"], *part_key(value))
        self.sums[key] = self.sums.get(key, "") + value["delta"]

    def sum_done(self, value: dict[str, Any], where: str) -> None:
        self.belongs(value["output_index"], value["item_id"], where)
        delta, name = DONES[value["type"]]
        if self.sums.pop((delta, *part_key(value)), "") != value[name]:
            self.found.append(f"{where}: differs from the sum of its deltas")

    def terminal(self, value: dict[str, Any], where: str) -> None:
        self.ended = value["type"]
        response = value["response"]
        if self.open is not None and self.ended != "response.failed":
            self.found.append(f"{where}: item {self.open['id']} is still open")
        if response.get("status") != TERMINAL[self.ended]:
            self.found.append(f"{where}: status {response.get('status')!r}")
        self.found += openai_response(response)
        if response["output"] != self.done and self.ended != "response.failed":
            self.found.append(f"{where}: output differs from the streamed items")

    def plain_error(self, value: dict[str, Any], where: str) -> None:
        self.found.append(f"{where}: clients ignore it; say response.failed")

    def belongs(self, output_index: int, item_id: Any, where: str) -> bool:
        """Tell whether an event is about the open item; note it if it is not."""
        if self.open is None or output_index != len(self.done):
            self.found.append(f"{where}: item {output_index} is not open")
            return False
        if self.open.get("id") != item_id:
            self.found.append(f"{where}: item id {item_id!r} is not the open one")
            return False
        return True


def part_key(value: dict[str, Any]) -> tuple[Any, ...]:
    """Give what names a part within its item; arguments have none."""
    return (value.get("content_index", value.get("summary_index")),)


def openai_responses_stream(raw: bytes, expect_error: bool = False) -> list[str]:
    """Check a stream of response events; an error is ``response.failed``."""
    return EventStream().run(raw, expect_error)
