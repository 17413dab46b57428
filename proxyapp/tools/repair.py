"""Make what clients send as tools into tools that every backend takes."""

from collections import OrderedDict
from collections.abc import Callable
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import replace
from threading import Lock
from types import MappingProxyType
from typing import Any
from typing import TypeVar

from proxyapp.neutral.messages import Tool
from proxyapp.runtime import breathe
from proxyapp.tools.entries import Dropped
from proxyapp.tools.entries import entries_of
from proxyapp.tools.entries import Entry
from proxyapp.tools.entries import read_entry
from proxyapp.tools.record import Recorder
from proxyapp.tools.record import Repair
from proxyapp.tools.rules.merge import same
from proxyapp.tools.rules.root import empty_object
from proxyapp.tools.schemas import SchemaRepairer
from proxyapp.wire import jsons

__all__ = ["Repair", "RepairedTools", "ToolRepairer"]

_MAX_CACHED_KEY = 1 << 20
"""Bytes; a larger tool list is repaired anew each time rather than kept."""

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class RepairedTools:
    """Tools as they go upstream.

    ``client_names`` maps a name the upstream knows to the client's own, where the
    two differ: control characters are stripped, and of two tools of one name the
    second gets the suffix ``_2``.
    """

    tools: tuple[Tool, ...]
    repairs: tuple[Repair, ...]
    client_names: Mapping[str, str]


class ToolRepairer:
    """Repair tool definitions and schemas, and remember the results by content.

    Agents send the same tools every turn. A result is shared by all who get it and
    must not be changed. Safe to use from several threads.
    """

    def __init__(self, cache_size: int = 64) -> None:
        self._schemas = SchemaRepairer()
        self._cache: OrderedDict[bytes, Any] = OrderedDict()
        self._cache_size = cache_size
        self._lock = Lock()

    def repair(self, tools: object) -> RepairedTools:
        """Repair a list of tools, one tool alone, or nothing.

        A tool that cannot be used is dropped with a record of it. Raises BadRequest
        where ``tools`` is no list, or names the tool whose schema is too large.
        """
        return self._remembered(b"tools", tools, self._repair_tools)

    def repair_schema(
        self, schema: object
    ) -> tuple[dict[str, Any], tuple[Repair, ...]]:
        """Repair the schema that a reply in JSON shall follow."""
        return self._remembered(b"reply", schema, self._repair_reply)

    def _remembered(
        self, kind: bytes, value: object, make: Callable[[object], Result]
    ) -> Result:
        key = _key(kind, value)
        if key is None:
            return make(value)
        with self._lock:
            if key in self._cache:
                self._cache.move_to_end(key)
                found: Result = self._cache[key]
                return found
        made = make(value)
        with self._lock:
            self._cache[key] = made
            while len(self._cache) > self._cache_size:
                self._cache.popitem(last=False)
        return made

    def _repair_reply(
        self, schema: object
    ) -> tuple[dict[str, Any], tuple[Repair, ...]]:
        record = Recorder("")
        return self._schemas.reply(schema, record, "schema"), _distinct(record.repairs)

    def _repair_tools(self, tools: object) -> RepairedTools:
        repairs: list[Repair] = []
        entries = _read(entries_of(tools), repairs)
        taken = {entry.name for _, entry in entries}
        namesakes: dict[str, list[Tool]] = {}
        kept: list[Tool] = []
        client_names: dict[str, str] = {}
        for at, entry in entries:
            breathe()
            tool = self._tool(entry, f"tools[{at}]", repairs)
            others = namesakes.setdefault(tool.name, [])
            if any(_alike(tool, other) for other in others):
                repairs.append(Repair(tool.name, "duplicate-dropped", ""))
                continue
            if others:
                repairs.append(Repair(tool.name, "duplicate-renamed", ""))
                tool = replace(tool, name=_free_name(tool.name, taken))
            others.append(tool)
            kept.append(tool)
            if tool.name != entry.client_name:
                client_names[tool.name] = entry.client_name
        names = MappingProxyType(client_names)
        return RepairedTools(tuple(kept), _distinct(repairs), names)

    def _tool(self, entry: Entry, param: str, repairs: list[Repair]) -> Tool:
        record = Recorder(entry.name)
        for rule in entry.rules:
            record.note(rule)
        schema = empty_object()
        if entry.schema is not None:
            schema = self._schemas.parameters(
                entry.schema, record, f"{param}.parameters"
            )
        else:
            record.note("parameters-missing")
        repairs.extend(record.repairs)
        return Tool(entry.name, entry.description, schema, entry.eager)


def _read(entries: list[Any], repairs: list[Repair]) -> list[tuple[int, Entry]]:
    """Read the entries, each with its place in the client's list; note the dropped."""
    kept: list[tuple[int, Entry]] = []
    for at, value in enumerate(entries):
        entry = read_entry(value)
        if isinstance(entry, Dropped):
            repairs.append(Repair(f"tools[{at}]", entry.rule, ""))
        else:
            kept.append((at, entry))
    return kept


def _free_name(name: str, taken: set[str]) -> str:
    number = 2
    while f"{name}_{number}" in taken:
        number += 1
    taken.add(f"{name}_{number}")
    return f"{name}_{number}"


def _alike(one: Tool, other: Tool) -> bool:
    return one.description == other.description and same(
        one.parameters, other.parameters
    )


def _distinct(repairs: list[Repair]) -> tuple[Repair, ...]:
    return tuple(dict.fromkeys(repairs))


def _key(kind: bytes, value: object) -> bytes | None:
    try:
        content = jsons.dumps(value)
    except TypeError:
        return None
    return kind + content if len(content) <= _MAX_CACHED_KEY else None
