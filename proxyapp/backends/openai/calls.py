"""Tool calls put together from an upstream's deltas, whatever order they come in."""

import hashlib
import re
from dataclasses import dataclass
from dataclasses import field
from typing import Any

from proxyapp.errors import UpstreamInvalid
from proxyapp.neutral.events import Event
from proxyapp.neutral.events import ToolCallDelta
from proxyapp.neutral.events import ToolCallStart
from proxyapp.runtime import new_id
from proxyapp.wire import jsons

_MAX_SIZE = 16 << 20
"""The largest tool calls of one choice, in characters of all their arguments."""

_SAFE_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(slots=True)
class _Call:
    given_id: str
    name: str = ""
    pieces: list[str] = field(default_factory=list)
    told: int = 0
    looked_at: int = 0
    block: int = -1


class CallAssembler:
    """Turn the tool-call deltas of one choice into ordered events.

    Upstreams start an index at 1, repeat index 0 with new ids, leave the index out,
    send a new id with every fragment, split or repeat the name, and interleave
    parallel calls. Clients get each call whole before the next begins: the first
    open call streams, later ones wait until it is complete.
    """

    def __init__(self, choice: int) -> None:
        self._choice = choice
        self._calls: list[_Call] = []
        self._by_index: dict[int, _Call] = {}
        self._streaming = 0
        self._ids: set[str] = set()
        self._size = 0

    def __bool__(self) -> bool:
        return bool(self._calls)

    def add(self, delta: Any) -> None:
        """Take one entry of a delta's ``tool_calls``.

        Raises UpstreamInvalid when they do not end, or cannot be written.
        """
        if not isinstance(delta, dict):
            return
        function = delta.get("function")
        function = function if isinstance(function, dict) else {}
        name = _text(function.get("name"))
        call = self._find(delta.get("index"), _text(delta.get("id")), name)
        if name and name != call.name and not any(call.pieces):
            call.name += name
        arguments = function.get("arguments")
        if isinstance(arguments, dict):
            arguments = _written(arguments)
        if isinstance(arguments, str) and arguments:
            call.pieces.append(arguments)
            self._size += len(arguments)
        self._size += 1
        if self._size > _MAX_SIZE:
            raise UpstreamInvalid("The model server sent a tool call without an end.")

    def _find(self, index: Any, given_id: str, name: str) -> _Call:
        known = isinstance(index, int) and not isinstance(index, bool)
        last = self._calls[-1] if self._calls else None
        call = self._by_index.get(index) if known else last
        if call is None or _begins_another(call, given_id, name):
            call = _Call(given_id)
            self._calls.append(call)
            if known:
                self._by_index[index] = call
        return call

    def settled(self) -> bool:
        """Tell whether every call is told and complete; nothing is added to it then."""
        if self._streaming == len(self._calls) - 1:
            call = self._calls[-1]
            # Asked for each piece of text amid a call, whose arguments may be long.
            if call.block >= 0 and call.looked_at < len(call.pieces):
                call.looked_at = len(call.pieces)
                self._streaming += _is_json("".join(call.pieces))
        return self._streaming == len(self._calls)

    def events(self, next_block: int, *, final: bool = False) -> list[Event]:
        """Give what can be told now, new blocks numbered from ``next_block``."""
        told: list[Event] = []
        while self._streaming < len(self._calls):
            call = self._calls[self._streaming]
            last = self._streaming == len(self._calls) - 1
            if call.block < 0:
                if not (call.pieces or final or not last):
                    break
                call.block = next_block
                next_block += 1
                told.append(self._start(call))
            told += [
                ToolCallDelta(call.block, piece, self._choice)
                for piece in call.pieces[call.told :]
            ]
            call.told = len(call.pieces)
            if not final and (last or not _is_json("".join(call.pieces))):
                break
            self._streaming += 1
        return told

    def _start(self, call: _Call) -> ToolCallStart:
        if not call.name:
            raise UpstreamInvalid("The model server sent a tool call without a name.")
        call_id = stable_id(call.given_id)
        if call_id in self._ids:
            call_id = stable_id("")
        self._ids.add(call_id)
        return ToolCallStart(call.block, call_id, call.name, self._choice)


def stable_id(given: str) -> str:
    """Keep an id every client accepts; derive one from any other, always the same.

    An empty one becomes random.
    """
    if _SAFE_ID.fullmatch(given):
        return given
    if not given:
        return f"call_{new_id()}"
    return f"call_{hashlib.sha256(given.encode()).hexdigest()[:24]}"


def _begins_another(call: _Call, given_id: str, name: str) -> bool:
    """Tell whether a fragment that would continue ``call`` opens the next one.

    Without an id only the name can tell: it is repeated within a call, split before
    the arguments begin, and new, or given again, once they are complete.
    """
    if not name or given_id:
        return bool(name) and given_id != call.given_id
    arguments = "".join(call.pieces)
    return bool(arguments) and (name != call.name or _is_json(arguments))


def _written(arguments: dict[str, Any]) -> str:
    try:
        return jsons.text(arguments)
    except jsons.TooDeep:
        raise UpstreamInvalid(
            "The model server sent a tool call that is nested too deeply."
        ) from None


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _is_json(text: str) -> bool:
    try:
        jsons.loads(text)
    except ValueError:
        return False
    return True
