"""Hold settings against their JSON Schema, and word what is wrong."""

import datetime
import difflib
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any
from typing import Final
from typing import TYPE_CHECKING

from proxyapp.settings.errors import Problem
from proxyapp.settings.layer import dotted
from proxyapp.settings.layer import KeyPath
from proxyapp.settings.layer import Layer

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError

_TYPE_WORDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "boolean": "true or false",
        "integer": "a whole number",
        "number": "a number",
        "string": "text",
        "array": "a list",
        "object": "a table",
    }
)
_FOUND_WORDS: Final = (
    (bool, "a switch"),
    (int, "a whole number"),
    (float, "a number"),
    (str, "text"),
    (list, "a list"),
    (dict, "a table"),
    (datetime.date, "a date"),
    (datetime.time, "a time"),
)
_BOUNDS: Final = (
    ("minimum", "from"),
    ("exclusiveMinimum", "above"),
    ("maximum", "up to"),
)
_CONTAINERS: Final = ("array", "object")
_LONGEST_SHOWN: Final = 60


Wording = Iterator[tuple[KeyPath, str]]


def check_layer(layer: Layer, schema: Mapping[str, Any]) -> list[Problem]:
    """List what the schema finds wrong in one source of settings, one per key.

    jsonschema costs more to import than the rest of a start, so a source without
    values does not load it.
    """
    if not layer.values:
        return []
    from jsonschema import Draft202012Validator

    found: dict[KeyPath, str] = {}
    for error in Draft202012Validator(schema).iter_errors(layer.values):
        word = _WORDINGS.get(str(error.validator), _wrong_value)
        for path, text in word(error, schema):
            found.setdefault(path, f"{dotted(path)} {text}")
    return [Problem(layer.place(path), text) for path, text in found.items()]


def expectation(schema: Mapping[str, Any]) -> str:
    """Say in words what a schema accepts."""
    if "x-expected" in schema:
        return str(schema["x-expected"])
    if "enum" in schema:
        return "one of " + ", ".join(f'"{choice}"' for choice in schema["enum"])
    if schema.get("format") == "uri":
        return "a URL or host:port"
    if "items" in schema:
        return f"a list, each entry {expectation(schema['items'])}"
    if isinstance(schema.get("additionalProperties"), dict):
        return f"a table, each value {expectation(schema['additionalProperties'])}"
    bounds = (f" {word} {schema[key]}" for key, word in _BOUNDS if key in schema)
    return _TYPE_WORDS[schema["type"]] + "".join(bounds)


def _wrong_value(error: "ValidationError", _schema: Mapping[str, Any]) -> Wording:
    table: Any = error.schema
    found = _found(error.instance, table)
    yield tuple(error.absolute_path), f"is {found}; expected {expectation(table)}"


def _missing_key(error: "ValidationError", _schema: Mapping[str, Any]) -> Wording:
    table: Any = error.schema
    instance: Any = error.instance
    for key in table["required"]:
        if key not in instance:
            expected = expectation(table["properties"][key])
            yield (*error.absolute_path, key), f"is missing; expected {expected}"


def _unknown_key(error: "ValidationError", schema: Mapping[str, Any]) -> Wording:
    table: Any = error.schema
    instance: Any = error.instance
    path = tuple(error.absolute_path)
    for key in instance:
        if key not in table["properties"]:
            yield (*path, key), f"is not a setting; {_hint(key, path, table, schema)}"


_WORDINGS: Final[
    Mapping[str, Callable[["ValidationError", Mapping[str, Any]], Wording]]
] = MappingProxyType({"additionalProperties": _unknown_key, "required": _missing_key})


def _hint(
    key: str, path: KeyPath, table: Mapping[str, Any], schema: Mapping[str, Any]
) -> str:
    """Name the setting that an unknown key was probably meant as.

    A key of this very name elsewhere comes first: it stands in the wrong table.
    """
    elsewhere = {at[-1]: dotted(at) for at in reversed(_all_keys(schema, ()))}
    if key in elsewhere:
        return f"did you mean {elsewhere[key]}?"
    if near := difflib.get_close_matches(key, table["properties"], n=1):
        return f"did you mean {dotted((*path, near[0]))}?"
    if near := difflib.get_close_matches(key, elsewhere, n=1, cutoff=0.75):
        return f"did you mean {elsewhere[near[0]]}?"
    return f"the settings here are {', '.join(table['properties'])}"


def _all_keys(
    schema: Mapping[str, Any], path: tuple[str, ...]
) -> list[tuple[str, ...]]:
    """List every known key; those of ``[[backends]]`` without an index."""
    keys = []
    for key, below in schema.get("properties", {}).items():
        inner = (*path, key)
        keys += [inner, *_all_keys(below.get("items", below), inner)]
    return keys


def _found(value: object, schema: Mapping[str, Any]) -> str:
    """Describe a value, and show it only where nobody would write a secret.

    A table or list may hold keys, and so may a scalar that stands in its place.
    """
    kind = next((word for type_, word in _FOUND_WORDS if isinstance(value, type_)), "")
    scalar = isinstance(value, bool | int | float | str)
    if schema.get("writeOnly") or not scalar or schema["type"] in _CONTAINERS:
        return kind
    shown = str(value).lower() if isinstance(value, bool) else repr(value)
    if len(shown) > _LONGEST_SHOWN:
        shown = f"{shown[:_LONGEST_SHOWN]}..."
    return f"{shown} ({kind})"
