"""Make every ``$ref`` one that llama-server can follow, or take it away.

llama-server follows ``#/`` and literal member names, nothing else: no escapes, no
anchors, no ``#`` alone, no other document. A reference that means something in
another spelling is pointed at an entry of the root's ``$defs``; nothing is ever
expanded, so no schema can grow by its references, and nothing is ever fetched.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from dataclasses import field
from typing import Any
from urllib.parse import unquote

from proxyapp.tools.record import Recorder
from proxyapp.tools.walk import every_schema
from proxyapp.tools.walk import Place
from proxyapp.tools.walk import Schema
from proxyapp.tools.walk import SCHEMA_MAPS
from proxyapp.tools.walk import subschemas

REFERENCES = ("$ref", "$dynamicRef", "$recursiveRef")

_IN_PLACE_LISTS = ("anyOf", "oneOf", "allOf")
_NOT_NAME = re.compile(r"[^A-Za-z0-9_.-]+")


@dataclass(slots=True)
class _Document:
    """All schemas of a document, by identity, and how they hang together."""

    root: Schema
    places: dict[int, Place] = field(default_factory=dict)
    parents: dict[int, Schema] = field(default_factory=dict)
    anchors: dict[str, Schema] = field(default_factory=dict)
    maps: set[int] = field(default_factory=set)
    aliases: dict[int, str] = field(default_factory=dict)

    def add(self, start: Place) -> list[Place]:
        """Take in a schema and all inside it; return those that are new."""
        found = [p for p in every_schema(start) if id(p.schema) not in self.places]
        for place in found:
            self.places[id(place.schema)] = place
            for child in subschemas(place):
                self.parents.setdefault(id(child.schema), place.schema)
            for key in ("$anchor", "$dynamicAnchor"):
                name = place.schema.get(key)
                if isinstance(name, str):
                    self.anchors.setdefault(f"#{name}", place.schema)
            for key in SCHEMA_MAPS & place.schema.keys():
                self.maps.add(id(place.schema[key]))
        return found

    def enclosing(self, schema: Schema) -> Iterator[Schema]:
        """Yield the schema and its ancestors, the nearest first."""
        met: set[int] = set()
        at: Schema | None = schema
        while at is not None and id(at) not in met:
            met.add(id(at))
            yield at
            at = self.parents.get(id(at))


def repair_references(root: Schema, record: Recorder) -> None:
    """Rewrite or remove the references of ``root``, in place."""
    if not _has_reference(root):
        return
    document = _Document(root)
    document.add(Place(root, "#", branch=False))
    _include_targets(document)
    for place in list(document.places.values()):
        for key in REFERENCES:
            if key in place.schema:
                _repair_reference(document, place, key, record)
    _break_loops(document, record)


def target_of(root: Schema, reference: object) -> Schema | None:
    """Return what llama-server takes ``reference`` to point at, if it is a schema."""
    if not isinstance(reference, str) or not reference.startswith("#/"):
        return None
    found = _descend(root, reference[2:].split("/"))
    return found if isinstance(found, dict) else None


def _has_reference(root: Schema) -> bool:
    places = every_schema(Place(root, "#", branch=False))
    return any(key in place.schema for place in places for key in REFERENCES)


def _include_targets(document: _Document) -> None:
    # A target may lie where no keyword leads ("#/components/schemas/Pet"): what
    # is used as a schema is repaired as one, wherever it lies.
    todo = list(document.places.values())
    while todo:
        reference = todo.pop().schema.get("$ref")
        target = target_of(document.root, reference)
        if target is None or id(target) in document.places:
            continue
        if id(target) not in document.maps:
            todo.extend(document.add(Place(target, str(reference), branch=False)))
            document.parents.setdefault(id(target), document.root)


def _repair_reference(
    document: _Document, place: Place, key: str, record: Recorder
) -> None:
    reference = place.schema[key]
    literal = target_of(document.root, reference)
    if key == "$ref" and literal is not None and id(literal) in document.places:
        return
    target = _find(document, place.schema, reference)
    if target is None or id(target) not in document.places:
        del place.schema[key]
        record.note("reference-unresolved", place.path)
    elif key == "$ref":
        place.schema[key] = f"#/$defs/{_alias(document, target, reference)}"
        record.note("reference-respelled", place.path)


def _find(document: _Document, schema: Schema, reference: object) -> Schema | None:
    if not isinstance(reference, str):
        return None
    identity = document.root.get("$id")
    if isinstance(identity, str) and identity:
        reference = reference.removeprefix(identity.rstrip("#")) or "#"
    if reference == "#":
        return document.root
    if not reference.startswith("#/"):
        return document.anchors.get(unquote(reference))
    literal = reference[2:].split("/")
    plain = [_unescape(token) for token in literal]
    for base in document.enclosing(schema):
        for tokens in (literal, plain):
            found = _descend(base, tokens)
            if isinstance(found, dict):
                return found
    return None


def _descend(base: Any, tokens: list[str]) -> Any:
    for token in tokens:
        if isinstance(base, dict):
            base = base.get(token)
        elif isinstance(base, list) and token.isdecimal() and int(token) < len(base):
            base = base[int(token)]
        else:
            return None
    return base


def _unescape(token: str) -> str:
    return unquote(token).replace("~1", "/").replace("~0", "~")


def _alias(document: _Document, target: Schema, reference: str) -> str:
    """Hang ``target`` into the root's ``$defs`` and return its name there."""
    if id(target) in document.aliases:
        return document.aliases[id(target)]
    if not isinstance(document.root.get("$defs"), dict):
        document.root["$defs"] = {}
    definitions = document.root["$defs"]
    last = _unescape(reference.rpartition("/")[2]).strip("#")
    base = _NOT_NAME.sub("-", last) or "root"
    name, number = base, 2
    while name in definitions:
        name, number = f"{base}-{number}", number + 1
    if target is document.root:
        # Without the definitions, or the root would hang inside itself.
        target = {k: v for k, v in target.items() if k not in ("$defs", "definitions")}
        document.places[id(target)] = Place(target, f"#/$defs/{name}", branch=False)
        document.aliases[id(document.root)] = name
    document.aliases[id(target)] = name
    definitions[name] = target
    return name


def _break_loops(document: _Document, record: Recorder) -> None:
    """Take away references that lead back to themselves without a value between.

    llama-server's grammar refuses left recursion, and ``allOf`` over such a loop
    recurses until its stack is gone. ``A = A or X`` is ``X``: an alternative that
    only leads back is dropped, which changes nothing.
    """
    hollow: set[int] = set()
    finished: set[int] = set()
    for start in list(document.places.values()):
        open_ids = {id(start.schema)}
        trail = [(start.schema, _judges_same_value(document, start.schema))]
        while trail:
            schema, successors = trail[-1]
            found = next(successors, None)
            if found is None:
                trail.pop()
                open_ids.discard(id(schema))
                finished.add(id(schema))
                continue
            key, successor = found
            if id(successor) in open_ids:
                _cut(schema, key, successor, hollow)
                record.note("reference-loop", document.places[id(schema)].path)
            elif id(successor) not in finished and id(successor) in document.places:
                open_ids.add(id(successor))
                trail.append((successor, _judges_same_value(document, successor)))
    for place in document.places.values():
        _drop_hollow(place.schema, hollow)


def _cut(schema: Schema, key: str, successor: Schema, hollow: set[int]) -> None:
    if key in REFERENCES:
        del schema[key]
        hollow.add(id(schema))
    else:
        schema[key] = [member for member in schema[key] if member is not successor]


def _drop_hollow(schema: Schema, hollow: set[int]) -> None:
    for key in _IN_PLACE_LISTS:
        members = schema.get(key)
        if isinstance(members, list):
            schema[key] = [m for m in members if m or id(m) not in hollow]


def _judges_same_value(
    document: _Document, schema: Schema
) -> Iterator[tuple[str, Schema]]:
    for key in REFERENCES:
        if key in schema:
            target = _find(document, schema, schema[key])
            if target is not None:
                yield key, target
    for key in _IN_PLACE_LISTS:
        members = schema.get(key)
        for member in list(members) if isinstance(members, list) else ():
            if isinstance(member, dict):
                yield key, member
