"""Where schemas lie inside a schema, and how to go through them without recursion."""

from collections.abc import Iterator
from typing import Any
from typing import NamedTuple

from proxyapp.errors import BadRequest

Schema = dict[str, Any]

MAX_DEPTH = 1024
"""Levels of nesting; what the JSON reader lets through."""

MAX_ENTRIES = 20_000
"""Members of all objects and arrays of one schema together."""

MAX_PROPERTIES = 900
"""Properties of one object: over 1,000 optional ones llama-server's grammar fails."""

SCHEMA_MAPS = frozenset(
    {"properties", "patternProperties", "$defs", "definitions"}
    | {"dependentSchemas", "dependencies"}
)
SCHEMA_LISTS = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
SINGLE_SCHEMAS = frozenset(
    {"items", "additionalItems", "additionalProperties", "contains"}
    | {"propertyNames", "not", "if", "then", "else", "contentSchema"}
    | {"unevaluatedItems", "unevaluatedProperties"}
)
APPLICATORS = SCHEMA_MAPS | SCHEMA_LISTS | SINGLE_SCHEMAS

_BRANCHES = frozenset(
    {"allOf", "anyOf", "oneOf", "not", "if", "then", "else", "dependentSchemas"}
)


class Place(NamedTuple):
    """A schema inside a schema.

    ``branch`` tells that the schema judges the same value as one of its ancestors
    (a member of ``anyOf``, say), so that what it lacks may be said there.
    """

    schema: Schema
    path: str
    branch: bool


def copy_json(value: Any, param: str) -> Any:
    """Copy a JSON value so that it may be changed; raise BadRequest if it is vast.

    Iterative: the depth is the client's choice and must not be the stack's.
    """
    holder: list[Any] = [None]
    todo: list[tuple[Any, Any, Any, int]] = [(holder, 0, value, 1)]
    entries = 0
    while todo:
        parent, key, item, depth = todo.pop()
        if not isinstance(item, dict | list):
            parent[key] = item
            continue
        entries += len(item)
        if depth > MAX_DEPTH or entries > MAX_ENTRIES:
            raise too_large(
                param, f"more than {MAX_DEPTH} levels or {MAX_ENTRIES} members"
            )
        if isinstance(item, dict):
            parent[key] = fresh = dict.fromkeys(item)
            todo.extend((fresh, name, child, depth + 1) for name, child in item.items())
        else:
            parent[key] = row = [None] * len(item)
            todo.extend((row, at, child, depth + 1) for at, child in enumerate(item))
    return holder[0]


def too_large(param: str, what: str) -> BadRequest:
    """Make the refusal of a schema that holds more than can be served."""
    return BadRequest(f"{param} has {what}; send a smaller schema.", param=param)


def subschemas(place: Place) -> Iterator[Place]:
    """Yield the schemas directly inside one, in order; booleans are left out."""
    for key, value in place.schema.items():
        if key not in APPLICATORS:
            continue
        path = f"{place.path}/{key}"
        branch = key in _BRANCHES
        if key in SCHEMA_MAPS and isinstance(value, dict):
            for name, child in value.items():
                if isinstance(child, dict):
                    yield Place(child, f"{path}/{escape(name)}", branch)
        elif isinstance(value, dict) and key in SINGLE_SCHEMAS:
            yield Place(value, path, branch)
        elif isinstance(value, list):
            for at, child in enumerate(value):
                if isinstance(child, dict):
                    yield Place(child, f"{path}/{at}", branch)


def every_schema(*starts: Place) -> Iterator[Place]:
    """Yield each schema once, parents before their children.

    What a consumer does to a schema it was given is seen by the rest of the walk.
    One schema may hang in two places; it is met in the first.
    """
    met: set[int] = set()
    todo = list(reversed(starts))
    while todo:
        place = todo.pop()
        if id(place.schema) in met:
            continue
        met.add(id(place.schema))
        yield place
        todo.extend(reversed(list(subschemas(place))))


def escape(name: str) -> str:
    """Write a member's name as a token of a JSON pointer."""
    return name.replace("~", "~0").replace("/", "~1")
