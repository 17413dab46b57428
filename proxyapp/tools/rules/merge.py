"""Two schemas that must both hold, as one."""

from collections.abc import Callable
from types import MappingProxyType
from typing import Any

from proxyapp.tools.walk import Schema
from proxyapp.wire import jsons


def merge_into(schema: Schema, other: Schema) -> None:
    """Give ``schema`` the keywords of ``other``.

    Keywords that meet are combined where a combination exists (the larger minimum,
    both lists of required names); otherwise the schema keeps its own.
    """
    for key, value in other.items():
        if key not in schema:
            schema[key] = value
        elif key in _COMBINATIONS:
            schema[key] = _COMBINATIONS[key](schema[key], value)


def same(one: Any, other: Any) -> bool:
    """Tell whether two JSON values are equal, at any depth.

    By their text: ``==`` takes 1 for True, and overflows the stack on deep values.
    """
    if one is other:
        return True
    try:
        return jsons.dumps(one) == jsons.dumps(other)
    except TypeError:
        return False


def _larger(one: Any, other: Any) -> Any:
    return max(one, other) if _are_numbers(one, other) else one


def _smaller(one: Any, other: Any) -> Any:
    return min(one, other) if _are_numbers(one, other) else one


def _are_numbers(*values: object) -> bool:
    return all(isinstance(v, int | float) for v in values)


def _both_names(one: Any, other: Any) -> Any:
    if isinstance(one, list) and isinstance(other, list):
        return one + [name for name in other if name not in one]
    return one


def _both_maps(one: Any, other: Any) -> Any:
    if not isinstance(one, dict) or not isinstance(other, dict):
        return one
    merged = dict(one)
    for name, value in other.items():
        if name not in merged or merged[name] == {}:
            merged[name] = value
        elif value != {} and not same(merged[name], value):
            merged[name] = {"allOf": [merged[name], value]}
    return merged


def _both_values(one: Any, other: Any) -> Any:
    if not isinstance(one, list) or not isinstance(other, list):
        return one
    return [value for value in one if any(same(value, v) for v in other)] or one


def _both_lists(one: Any, other: Any) -> Any:
    return one + other if isinstance(one, list) and isinstance(other, list) else one


_COMBINATIONS: MappingProxyType[str, Callable[[Any, Any], Any]] = MappingProxyType(
    {
        **dict.fromkeys(("minLength", "minItems", "minProperties"), _larger),
        **dict.fromkeys(("minimum", "exclusiveMinimum"), _larger),
        **dict.fromkeys(("maxLength", "maxItems", "maxProperties"), _smaller),
        **dict.fromkeys(("maximum", "exclusiveMaximum"), _smaller),
        **dict.fromkeys(("properties", "patternProperties"), _both_maps),
        **dict.fromkeys(("$defs", "definitions"), _both_maps),
        "required": _both_names,
        "enum": _both_values,
        "allOf": _both_lists,
    }
)
