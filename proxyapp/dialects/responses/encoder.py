"""A Responses reply, encoded: as events or whole.

    response.created, response.in_progress
    per item   output_item.added
                   text or thought: part.added, delta..., done, part.done
                   call:            delta..., done
               output_item.done
    response.completed | response.incomplete | response.failed

One item is open at a time, ``sequence_number`` counts all events, and there is no
``[DONE]``. Codex takes a stream without one of the last three events for broken, and
passes over a bare ``error`` event.
"""

from collections.abc import Callable
from typing import Any

from proxyapp.backends.base import Batch
from proxyapp.dialects.responses import document
from proxyapp.dialects.responses.output import Fields
from proxyapp.dialects.responses.output import MESSAGE
from proxyapp.dialects.responses.output import OpenCall
from proxyapp.dialects.responses.output import OpenItem
from proxyapp.dialects.responses.output import OpenProse
from proxyapp.dialects.responses.output import PROSE
from proxyapp.dialects.responses.output import SealedThought
from proxyapp.dialects.responses.output import signed
from proxyapp.dialects.responses.tools import ClientTools
from proxyapp.errors import ProxyError
from proxyapp.neutral.events import MessageEnd
from proxyapp.neutral.events import MessageStart
from proxyapp.neutral.events import StopReason
from proxyapp.neutral.events import TextDelta
from proxyapp.neutral.events import ThinkingDelta
from proxyapp.neutral.events import ToolCallDelta
from proxyapp.neutral.events import ToolCallStart
from proxyapp.neutral.messages import TextPart
from proxyapp.neutral.messages import ThinkingPart
from proxyapp.neutral.messages import ToolCall
from proxyapp.relay.fold import Block
from proxyapp.relay.fold import Reply
from proxyapp.runtime import new_id
from proxyapp.runtime import unix_time
from proxyapp.wire import jsons

HEARTBEAT = b": ping\n\n"


class ResponseEncoder:
    """Write one reply.

    ``repeated`` is what the response object repeats of its request;
    ``heartbeat_events`` is for a client that does not count comments.
    """

    def __init__(
        self, repeated: Fields, tools: ClientTools, *, heartbeat_events: bool = False
    ) -> None:
        self._token = new_id()
        self._head = {
            "id": f"resp_{self._token}",
            "object": "response",
            "created_at": unix_time(),
        }
        self._repeated = repeated
        self._tools = tools
        self._heartbeat_events = heartbeat_events
        self._told = 0
        self._open: OpenItem | None = None
        self._prose: OpenProse | None = None
        self._items: list[Fields] = []
        self._ending: MessageEnd | None = None

    def events(self, batch: Batch) -> bytes:
        """Write events; a token costs no JSON but the literal it came as."""
        written: list[bytes] = []
        for event in batch:
            if type(event) is ThinkingDelta and event.signature:
                written.append(self._sign(event))
            elif type(event) is TextDelta or type(event) is ThinkingDelta:
                prose = self._prose
                if prose is None or not prose.holds(event):
                    if event.quoted == _NOTHING:
                        continue
                    prose = self._prose_start(event, written)
                prose.pieces.append(event.quoted)
                written += (prose.delta_head, event.quoted, _DELTA_TAIL % self._told)
                self._told += 1
            else:
                written.append(_WRITERS[type(event)](self, event))
        return b"".join(written)

    def _sign(self, event: ThinkingDelta) -> bytes:
        """Close the open thought with its signature, or tell one that has no words."""
        if self._prose is not None and self._prose.holds(event):
            self._prose.signature = event.signature
            return self._close("completed")
        written = self._close("completed")
        sealed = SealedThought(event.signature, *self._place("rs_"))
        return written + self._begin(sealed) + self._close("completed")

    def _prose_start(
        self, event: TextDelta | ThinkingDelta, written: list[bytes]
    ) -> OpenProse:
        written.append(self._close("completed"))
        kind = PROSE[type(event)]
        prose = OpenProse(kind, event.index, *self._place(kind.prefix))
        written.append(self._begin(prose))
        self._prose = prose
        return prose

    def _event(self, name: str, fields: Fields) -> bytes:
        value = {"type": name, **fields, "sequence_number": self._told}
        self._told += 1
        return b"event: " + name.encode() + b"\ndata: " + jsons.dumps(value) + b"\n\n"

    def _place(self, prefix: str) -> tuple[str, int]:
        """Give the next item's id and its position."""
        position = len(self._items)
        return f"{prefix}{self._token}{position:04x}", position

    def _begin(self, item: OpenItem) -> bytes:
        self._open = item
        added = {
            "output_index": len(self._items),
            "item": item.item("in_progress", written=False),
        }
        written = self._event("response.output_item.added", added)
        return written + b"".join(self._event(*told) for told in item.opening())

    def _close(self, status: str) -> bytes:
        if self._open is None:
            return b""
        item = self._open.item(status)
        written = b"".join(self._event(*told) for told in self._open.closing())
        done = {"output_index": len(self._items), "item": item}
        self._items.append(item)
        self._open = self._prose = None
        return written + self._event("response.output_item.done", done)

    def _start(self, event: MessageStart | None = None) -> bytes:
        """Open the response, unless a heartbeat has done so."""
        if self._told:
            return b""
        response = {"response": self._response("in_progress", [])}
        created = self._event("response.created", response)
        return created + self._event("response.in_progress", response)

    def _call_start(self, event: ToolCallStart) -> bytes:
        written = self._close("completed")
        origin = self._tools.origin(event.name)
        place = self._place("ctc_" if origin.custom else "fc_")
        return written + self._begin(OpenCall(event, origin, *place))

    def _call_delta(self, event: ToolCallDelta) -> bytes:
        call: Any = self._open
        return b"".join(self._event(*told) for told in call.delta(event.json))

    def _end(self, event: MessageEnd) -> bytes:
        self._ending = event
        written = b""
        if self._open is None and not self._items:
            written = self._begin(OpenProse(MESSAGE, 0, *self._place("msg_")))
        # A call is told whole or not at all, so a limit never cuts one short.
        cut = isinstance(self._open, OpenProse)
        reason = event.stop_reason
        return written + self._close(document.status_of(reason) if cut else "completed")

    def end(self) -> bytes:
        """Write the event that ends a response: complete, or cut short by a limit."""
        ending: Any = self._ending
        response = self._finished(self._items, ending.stop_reason, ending.usage)
        return self._event(f"response.{response['status']}", {"response": response})

    def heartbeat(self) -> bytes:
        """Write a comment, or say again that the response is in progress."""
        if not self._heartbeat_events:
            return HEARTBEAT
        if not self._told:
            return self._start()
        response = {"response": self._response("in_progress", [])}
        return self._event("response.in_progress", response)

    def error(self, error: ProxyError) -> bytes:
        """Write ``response.failed``, with the items that were complete by then."""
        written = self._start()
        response = self._response("failed", self._items)
        response["error"] = document.error_object(error)
        return written + self._event("response.failed", {"response": response})

    def whole(self, reply: Reply) -> Fields:
        """Write the reply in one document."""
        choice = reply.choices[0]
        blocks: list[Block] = [
            block for block in choice.blocks if _says_something(block)
        ]
        items = [
            self._item(block, position, "completed")
            for position, block in enumerate(blocks or [TextPart("")])
        ]
        if items[-1]["type"] == "message":
            items[-1]["status"] = document.status_of(choice.stop_reason)
        return self._finished(items, choice.stop_reason, reply.usage)

    def _item(self, block: Block, position: int, status: str) -> Fields:
        end = f"{self._token}{position:04x}"
        if isinstance(block, TextPart):
            return document.message_item(f"msg_{end}", block.text, status)
        if isinstance(block, ThinkingPart):
            text = block.text or None
            item = document.reasoning_item(f"rs_{end}", text, status)
            return signed(item, block.signature)
        origin = self._tools.origin(block.name)
        prefix = "ctc_" if origin.custom else "fc_"
        return document.call_item(prefix + end, block, origin, status)

    def _finished(self, items: list[Fields], reason: StopReason, usage: Any) -> Fields:
        response = self._response(document.status_of(reason), items)
        response["incomplete_details"] = document.incomplete_details(reason)
        response["usage"] = document.usage_object(usage)
        return response

    def _response(self, status: str, items: list[Fields]) -> Fields:
        return {
            **self._head,
            "status": status,
            "error": None,
            "incomplete_details": None,
            **self._repeated,
            "output": items,
            "usage": None,
        }


def _says_something(block: Block) -> bool:
    if isinstance(block, ThinkingPart):
        return bool(block.text or block.signature)
    return isinstance(block, ToolCall) or bool(block.text)


_NOTHING = b'""'
_DELTA_TAIL = b',"sequence_number":%d}\n\n'
_WRITERS: dict[type, Callable[..., bytes]] = {
    MessageStart: ResponseEncoder._start,
    ToolCallStart: ResponseEncoder._call_start,
    ToolCallDelta: ResponseEncoder._call_delta,
    MessageEnd: ResponseEncoder._end,
}
