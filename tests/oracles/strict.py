"""The official SDKs' models as strict validators.

The SDKs construct replies without validating them. Here each model validates in JSON
mode with ``strict``: ISO strings may become datetimes, but "1" never becomes 1.
"""

import functools
import json
import typing
from typing import Any

import pydantic

LIMIT = 8


@functools.cache
def adapter(model: Any) -> pydantic.TypeAdapter[Any]:
    """Give the validator of a type, built once."""
    return pydantic.TypeAdapter(model)


@functools.cache
def members(union: Any) -> dict[str, Any]:
    """Give the members of a union discriminated by ``type``, by that literal."""
    inner = union
    if typing.get_origin(union) is typing.Annotated:
        inner = typing.get_args(union)[0]
    named = {}
    for model in typing.get_args(inner):
        for literal in typing.get_args(model.model_fields["type"].annotation):
            named[literal] = model
    return named


def check(model: Any, value: Any, where: str = "$") -> list[str]:
    """Give what a model objects to."""
    try:
        adapter(model).validate_json(json.dumps(value), strict=True)
    except pydantic.ValidationError as error:
        return [
            f"{where}: {'.'.join(map(str, one['loc']))}: {one['msg']}"
            for one in error.errors()[:LIMIT]
        ]
    return []


def check_member(union: Any, value: Any, where: str = "$") -> list[str]:
    """Check against the member that ``type`` names: its errors are readable."""
    kind = value.get("type") if isinstance(value, dict) else None
    model = members(union).get(kind or "")
    if model is None:
        return [f"{where}: unknown type {kind!r}"]
    return check(model, value, where)


def missing(value: dict[str, Any], *names: str, where: str = "$") -> list[str]:
    """Name keys that must be present, null or not."""
    return [f"{where}: {name} key missing" for name in names if name not in value]


def repeated(values: list[Any], what: str) -> list[str]:
    """Object to values that occur twice."""
    return [f"duplicate {what}"] if len(set(values)) != len(values) else []


def is_object_text(text: Any) -> bool:
    """Tell whether a text is the JSON of an object."""
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, TypeError):
        return False
