"""Rules on the keywords of objects."""

from typing import Any

from proxyapp.tools.rules.context import Context
from proxyapp.tools.rules.types import json_type
from proxyapp.tools.walk import Schema

_TRUTHS = ("true", "yes")
_SPOILS_KEY_GRAMMAR = frozenset(']\\"\0')


def map_properties(schema: Schema, _: Context) -> bool:
    """Make ``properties`` a map: of a list of named schemas, or an empty one.

    llama-server answers 400 to anything else.
    """
    value = schema["properties"]
    if isinstance(value, dict):
        return False
    schema["properties"] = named_schemas(value) if isinstance(value, list) else {}
    return True


def named_schemas(entries: list[Any]) -> Schema:
    """Turn ``[{"name": "city", ...}, "zip"]`` into a map of properties."""
    properties: Schema = {}
    for entry in entries:
        if isinstance(entry, str):
            properties.setdefault(entry, {})
        elif isinstance(entry, dict) and isinstance(entry.get("name"), str):
            rest = {key: value for key, value in entry.items() if key != "name"}
            properties.setdefault(entry["name"], rest)
    return properties


def make_properties_schemas(schema: Schema, _: Context) -> bool:
    """Make each property an object, the only schema llama-server takes.

    ``true`` and null mean anything; a property that is ``false`` may not occur and
    is dropped; a string or a list of strings names types or describes.
    """
    properties = schema["properties"]
    if not isinstance(properties, dict):
        return False
    broken = [name for name, value in properties.items() if not isinstance(value, dict)]
    for name in broken:
        if properties[name] is False:
            del properties[name]
        else:
            properties[name] = schema_from(properties[name])
    return bool(broken)


def schema_from(value: Any) -> Schema:
    """Read what stands where a schema should: a type's name, names, or a text."""
    if isinstance(value, str) and value.strip():
        name = json_type(value)
        return {"type": name} if name else {"description": value}
    if isinstance(value, list):
        names = [json_type(name) for name in value]
        if names and None not in names:
            return {"type": list(dict.fromkeys(names))}
    return {}


def hoist_required(schema: Schema, _: Context) -> bool:
    """Move draft-03's ``required: true`` of a property into the parent's list."""
    properties = schema["properties"]
    if not isinstance(properties, dict):
        return False
    marked = [
        name
        for name, value in properties.items()
        if isinstance(value, dict) and _is_flag(value.get("required"))
    ]
    for name in marked:
        flag = properties[name].pop("required")
        if flag is True or str(flag).lower() in _TRUTHS:
            names = _names(schema.get("required"), properties)
            schema["required"] = list(dict.fromkeys([*names, name]))
    return bool(marked)


def _is_flag(value: object) -> bool:
    return isinstance(value, bool) or (
        isinstance(value, str) and value.lower() in ("true", "false", "yes", "no")
    )


def list_required(schema: Schema, _: Context) -> bool:
    """Make ``required`` a list of distinct names; remove it where it says nothing.

    ``true`` requires every property. llama-server ignores what is no list, and the
    arguments then lack what the tool needs.
    """
    value = schema["required"]
    properties = schema.get("properties")
    names = _names(value, properties if isinstance(properties, dict) else {})
    if isinstance(value, list) and names == value:
        return False
    if names or isinstance(value, list):
        schema["required"] = names
    else:
        del schema["required"]
    return True


def _names(value: object, properties: Schema) -> list[str]:
    if value is True:
        return list(properties)
    if isinstance(value, str):
        return [value] if value in properties else []
    if not isinstance(value, list):
        return []
    return list(dict.fromkeys(name for name in value if isinstance(name, str)))


def define_required(schema: Schema, context: Context) -> bool:
    """Give a required name that no property defines an open property.

    The name means the same either way, but llama-server writes only what is
    defined. In an object that allows nothing else the name is a mistake and goes.
    """
    properties = schema.get("properties")
    required = schema["required"]
    if context.branch or not isinstance(properties, dict) or not properties:
        return False
    unknown = [name for name in required if name not in properties]
    if schema.get("additionalProperties") is False:
        schema["required"] = [name for name in required if name in properties]
    else:
        for name in unknown:
            properties[name] = {}
    return bool(unknown)


def check_additional(schema: Schema, _: Context) -> bool:
    """Remove ``additionalProperties`` that is neither a boolean nor a schema."""
    if isinstance(schema["additionalProperties"], bool | dict):
        return False
    del schema["additionalProperties"]
    return True


def open_patterns(schema: Schema, _: Context) -> bool:
    """Let a closed object that names only patterns have additional properties.

    llama-server does not read ``patternProperties`` and would allow ``{}`` alone.
    """
    patterns = schema["patternProperties"]
    closed = schema.get("additionalProperties") is False
    if not closed or schema.get("properties") or not isinstance(patterns, dict):
        return False
    first = next((p for p in patterns.values() if isinstance(p, dict)), None)
    if first is None:
        return False
    schema["additionalProperties"] = dict(first)
    return True


def close_awkward_names(schema: Schema, _: Context) -> bool:
    """Remove ``additionalProperties`` beside a name that spoils the grammar of keys.

    llama-server writes the names into a character set unescaped, and refuses the
    request over ``]``, a backslash or NUL. Without the keyword it asks for the named
    properties alone; what the schema accepts stays as it is for ``true``.
    """
    names = schema.get("properties")
    if schema["additionalProperties"] is False or not isinstance(names, dict):
        return False
    if not any(_SPOILS_KEY_GRAMMAR & set(name) for name in names):
        return False
    del schema["additionalProperties"]
    return True
