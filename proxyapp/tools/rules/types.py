"""Rules on ``type``, ``nullable`` and ``enum``."""

from types import MappingProxyType
from typing import Any

from proxyapp.tools.rules.context import Context
from proxyapp.tools.walk import Schema

JSON_TYPES = frozenset(
    {"string", "number", "integer", "boolean", "array", "object", "null"}
)

_SYNONYMS = MappingProxyType(
    {
        "str": "string",
        "text": "string",
        "char": "string",
        "file": "string",
        "int": "integer",
        "int32": "integer",
        "int64": "integer",
        "long": "integer",
        "float": "number",
        "double": "number",
        "decimal": "number",
        "bool": "boolean",
        "list": "array",
        "tuple": "array",
        "set": "array",
        "dict": "object",
        "map": "object",
        "none": "null",
    }
)


def json_type(name: object) -> str | None:
    """Return the JSON Schema type that ``name`` means, or None."""
    if not isinstance(name, str):
        return None
    plain = name.strip().lower()
    return plain if plain in JSON_TYPES else _SYNONYMS.get(plain)


def types_of(schema: Schema) -> frozenset[str]:
    """Return the types a schema names, however they are spelled."""
    value = schema.get("type")
    names = value if isinstance(value, list) else [value]
    return frozenset(known for name in names if (known := json_type(name)))


def rename_type(schema: Schema, _: Context) -> bool:
    """Spell ``type`` as JSON Schema does; remove one that means nothing.

    llama-server answers 400 to ``float``, ``String`` or ``any``. A list with an
    unknown name accepts anything, so the list goes as a whole.
    """
    value = schema["type"]
    repaired = _renamed(value)
    if repaired is None:
        del schema["type"]
        return True
    schema["type"] = repaired
    return bool(repaired != value)


def _renamed(value: object) -> Any:
    if not isinstance(value, list):
        return json_type(value)
    names = [json_type(name) for name in value]
    return None if None in names else list(dict.fromkeys(names)) or None


def allow_null(schema: Schema, _: Context) -> bool:
    """Turn OpenAPI's ``nullable: true`` into JSON Schema's null type.

    llama-server ignores the former, and the model could never answer null.
    """
    if schema["nullable"] is not True:
        return False
    if isinstance(schema.get("type"), str):
        schema["type"] = list(dict.fromkeys([schema["type"], "null"]))
    elif isinstance(schema.get("type"), list):
        schema["type"] = list(dict.fromkeys([*schema["type"], "null"]))
    elif isinstance(schema.get("anyOf"), list):
        schema["anyOf"] = [*schema["anyOf"], {"type": "null"}]
    else:
        return False
    del schema["nullable"]
    values = schema.get("enum")
    if isinstance(values, list) and values and None not in values:
        schema["enum"] = [*values, None]
    return True


def remove_empty_enum(schema: Schema, _: Context) -> bool:
    """Remove an ``enum`` that is no list or has no values; llama-server answers 400."""
    if isinstance(schema["enum"], list) and schema["enum"]:
        return False
    del schema["enum"]
    return True
