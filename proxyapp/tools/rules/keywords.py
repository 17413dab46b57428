"""The rule on keywords whose values have a plain form."""

import re
from collections.abc import Callable
from types import MappingProxyType
from typing import Any

from proxyapp.tools.rules.context import Context
from proxyapp.tools.walk import Schema

SCHEMA_MAP_KEYWORDS = ("$defs", "definitions", "dependentSchemas", "patternProperties")

_ANCHOR = re.compile(r"[A-Za-z_][-A-Za-z0-9._]*")


def _is_string(value: Any) -> bool:
    return isinstance(value, str)


def _is_boolean(value: Any) -> bool:
    return isinstance(value, bool)


def _is_list(value: Any) -> bool:
    return isinstance(value, list)


def _is_schema(value: Any) -> bool:
    return isinstance(value, bool | dict)


def _is_divisor(value: Any) -> bool:
    return isinstance(value, int | float) and not _is_boolean(value) and value > 0


def _is_anchor(value: Any) -> bool:
    return isinstance(value, str) and _ANCHOR.fullmatch(value) is not None


def _is_identity(value: Any) -> bool:
    return isinstance(value, str) and "#" not in value[:-1]


def _is_name_list(value: Any) -> bool:
    return (
        isinstance(value, list)
        and all(isinstance(name, str) for name in value)
        and len(set(value)) == len(value)
    )


def _is_dependency_map(value: Any) -> bool:
    return isinstance(value, dict) and all(
        _is_schema(v) or _is_name_list(v) for v in value.values()
    )


def _is_required_map(value: Any) -> bool:
    return isinstance(value, dict) and all(map(_is_name_list, value.values()))


def _is_vocabulary(value: Any) -> bool:
    return isinstance(value, dict) and all(map(_is_boolean, value.values()))


FORMS: MappingProxyType[str, Callable[[Any], bool]] = MappingProxyType(
    {
        **dict.fromkeys(("$schema", "$comment", "title", "description"), _is_string),
        **dict.fromkeys(("format", "contentEncoding", "contentMediaType"), _is_string),
        **dict.fromkeys(("deprecated", "readOnly", "writeOnly"), _is_boolean),
        **dict.fromkeys(("$anchor", "$dynamicAnchor", "$recursiveAnchor"), _is_anchor),
        **dict.fromkeys(("not", "if", "then", "else", "contains"), _is_schema),
        **dict.fromkeys(("unevaluatedItems", "unevaluatedProperties"), _is_schema),
        **dict.fromkeys(
            ("propertyNames", "contentSchema", "additionalItems"), _is_schema
        ),
        "dependencies": _is_dependency_map,
        "dependentRequired": _is_required_map,
        "$vocabulary": _is_vocabulary,
        "$id": _is_identity,
        "uniqueItems": _is_boolean,
        "multipleOf": _is_divisor,
        "examples": _is_list,
    }
)
"""What JSON Schema asks of the values of keywords that need no repair of their own."""


def remove_malformed_keyword(schema: Schema, _: Context) -> bool:
    """Remove a keyword whose value JSON Schema does not allow.

    llama-server ignores most of them and answers 400 to some; chat templates fail
    on a description that is no text.
    """
    broken = [key for key in schema if key in FORMS and not FORMS[key](schema[key])]
    for key in broken:
        del schema[key]
    return bool(broken)


def clean_schema_maps(schema: Schema, _: Context) -> bool:
    """Remove what is no schema from ``$defs`` and its like, or what is no map."""
    changed = False
    for key in SCHEMA_MAP_KEYWORDS:
        value = schema.get(key, {})
        if not isinstance(value, dict):
            del schema[key]
            changed = True
        elif not all(map(_is_schema, value.values())):
            schema[key] = {k: v for k, v in value.items() if _is_schema(v)}
            changed = True
    return changed
