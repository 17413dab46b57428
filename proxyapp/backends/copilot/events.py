"""The Node process's account of a reply, read into neutral events.

Its blocks have numbers in the order they began, but a block may go on after a later
one has begun: through the completions API all texts are one block, and all ends come
last. So blocks are numbered anew as they are told, and a call is told when it is
complete: then its arguments are the ones to trust, whatever its pieces were.
"""

from collections.abc import Callable
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any
from typing import Final

from proxyapp.backends.copilot.failures import withheld
from proxyapp.backends.copilot.rpc import result_of
from proxyapp.backends.copilot.rpc import RpcError
from proxyapp.errors import UpstreamInvalid
from proxyapp.neutral.events import Event
from proxyapp.neutral.events import MessageEnd
from proxyapp.neutral.events import MessageStart
from proxyapp.neutral.events import StopReason
from proxyapp.neutral.events import TextDelta
from proxyapp.neutral.events import ThinkingDelta
from proxyapp.neutral.events import ToolCallDelta
from proxyapp.neutral.events import ToolCallStart
from proxyapp.neutral.record import Record
from proxyapp.neutral.usage import Usage
from proxyapp.runtime import new_id
from proxyapp.wire import jsons

Fields = Mapping[str, Any]

_REASONS: Final[Mapping[str, StopReason]] = MappingProxyType(
    {
        "stop": "stop",
        "length": "length",
        "toolUse": "tool_calls",
        "withheld": "content_filter",
    }
)


def _words(fields: Fields) -> str:
    words = fields.get("d", "")
    if not isinstance(words, str):
        raise TypeError("a piece is no text")
    return words


class _Call:
    """A call that is being written."""

    def __init__(self, fields: Fields) -> None:
        self.id = str(fields.get("callId") or "")
        self.name = str(fields["name"] or "")
        if not self.name:
            raise ValueError("a call has no name")
        self.pieces: list[str] = []


class EventReader:
    """Read the messages of one call.

    ``heard`` once anything came, ``done`` once the reply is complete, ``failure`` when
    there will be none: what was said before it still counts. ``premium`` is what the
    call costs once it is taken.
    """

    def __init__(self, model: str, record: Record, premium: float = 0.0) -> None:
        self.heard = False
        self.done = False
        self.failure: RpcError | None = None
        self._begun = False
        self._model = model
        self._record = record
        self._premium = premium
        self._index = -1
        self._block: Any = None
        self._calls: dict[Any, _Call] = {}
        self._ids: set[str] = set()

    def feed(self, messages: list[dict[str, Any]]) -> list[Event]:
        """Read messages that arrived together; raise UpstreamInvalid for nonsense."""
        self.heard = True
        events: list[Event] = []
        try:
            for message in messages:
                if not self.done:
                    self._read(message, events)
        except (AttributeError, KeyError, TypeError, ValueError):
            raise UpstreamInvalid(
                "The GitHub Copilot helper said what makes no sense."
            ) from None
        return events

    def _read(self, message: dict[str, Any], events: list[Event]) -> None:
        if message.get("method") == "chat.event":
            fields = message.get("params") or {}
            read = _READERS.get(fields.get("t"))
            if read is not None:
                read(self, fields, events)
        elif message.get("id") == 1:
            self._answered(message, events)

    def _answered(self, message: dict[str, Any], events: list[Event]) -> None:
        try:
            result = result_of(message) or {}
        except RpcError as error:
            if not withheld(error):
                self.failure = error
                return
            result = {"stopReason": "withheld"}
        self._end(result, events)

    def _start(self, fields: Fields, events: list[Event]) -> None:
        self._record.initiator = str(fields.get("initiator") or "")
        if self._record.initiator != "agent":
            self._record.premium = self._premium
        quota = fields.get("quota")
        if isinstance(quota, dict):
            self._record.quota = {str(k): str(v) for k, v in quota.items()}
        self._begin(events)

    def _begin(self, events: list[Event]) -> None:
        if not self._begun:
            self._begun = True
            events.append(MessageStart("", self._model))

    def _enter(self, block: Any, events: list[Event]) -> int:
        self._begin(events)
        if block != self._block:
            self._block = block
            self._index += 1
        return self._index

    def _text(self, fields: Fields, events: list[Event]) -> None:
        index = self._enter(("text", fields.get("i")), events)
        events.append(TextDelta(index, jsons.dumps(_words(fields))))

    def _thinking(self, fields: Fields, events: list[Event]) -> None:
        index = self._enter(("thinking", fields.get("i")), events)
        events.append(ThinkingDelta(index, jsons.dumps(_words(fields))))

    def _thinking_end(self, fields: Fields, events: list[Event]) -> None:
        """Sign the thought that is being told; a signature that comes later is lost."""
        signature, redacted = fields.get("signature"), bool(fields.get("redacted"))
        block = ("thinking", fields.get("i"))
        if signature and (redacted or block == self._block or self._is_new(block)):
            index = self._enter(block, events)
            events.append(
                ThinkingDelta(index, b'""', signature=signature, redacted=redacted)
            )

    def _is_new(self, block: tuple[str, Any]) -> bool:
        """Tell whether a thought ends that had no words."""
        return self._block is None or (block[1] or 0) > (self._block[1] or 0)

    def _tool_start(self, fields: Fields, events: list[Event]) -> None:
        self._begin(events)
        if fields.get("i") in self._calls:
            raise ValueError("a call begins inside another")
        call = self._calls[fields.get("i")] = _Call(fields)
        if not call.id or call.id in self._ids:
            # Some models count their calls anew in every reply, or not at all.
            call.id = f"call_{new_id()}"
        self._ids.add(call.id)

    def _tool_delta(self, fields: Fields, events: list[Event]) -> None:
        call = self._calls.get(fields.get("i"))
        if call is None:
            raise UpstreamInvalid("The GitHub Copilot helper lost track of a call.")
        call.pieces.append(_words(fields))

    def _tool_end(self, fields: Fields, events: list[Event]) -> None:
        block = fields.get("i")
        call = self._calls.pop(block, None)
        if call is not None:
            arguments = fields.get("arguments")
            pieces = "".join(call.pieces)
            told = arguments if isinstance(arguments, str) else pieces
            self._tell(block, call, told, events)

    def _tell(
        self, block: Any, call: _Call, arguments: str, events: list[Event]
    ) -> None:
        index = self._enter(("call", block, call.id), events)
        events.append(ToolCallStart(index, call.id, call.name))
        if arguments:
            events.append(ToolCallDelta(index, arguments))

    def _end(self, result: Fields, events: list[Event]) -> None:
        self._begin(events)
        # A limit cut these; what there is of them is judged as every cut call is.
        for block, call in self._calls.items():
            self._tell(block, call, "".join(call.pieces), events)
        self._calls.clear()
        events.append(
            MessageEnd(
                _REASONS.get(str(result.get("stopReason")), "stop"),
                usage_of(result.get("usage") or {}),
                stop_sequence=result.get("stopSequence"),
            )
        )
        self.done = True


_READERS: Final[Mapping[Any, Callable[[EventReader, Fields, list[Event]], None]]] = (
    MappingProxyType(
        {
            "start": EventReader._start,
            "text": EventReader._text,
            "thinking": EventReader._thinking,
            "thinking_end": EventReader._thinking_end,
            "tool_start": EventReader._tool_start,
            "tool_delta": EventReader._tool_delta,
            "tool_end": EventReader._tool_end,
        }
    )
)


def usage_of(counts: Fields) -> Usage | None:
    """Read a reply's tokens; pi-ai's ``input`` is what no cache had a part in."""
    fresh, read, write, output, reasoning = (
        max(int(counts.get(name) or 0), 0)
        for name in ("input", "cacheRead", "cacheWrite", "output", "reasoning")
    )
    whole, output = fresh + read + write, max(output, reasoning)
    return Usage(whole, output, read, write, reasoning) if whole or output else None
