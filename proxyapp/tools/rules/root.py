"""Rules on the root of a tool's parameters, which must be an object's schema.

``read_root`` and ``unwrap`` come before all other rules, ``make_object`` after them.
"""

from typing import Any

from proxyapp.tools.record import Recorder
from proxyapp.tools.rules.combinators import ALTERNATIVES
from proxyapp.tools.rules.combinators import hoist_all_of
from proxyapp.tools.rules.context import Context
from proxyapp.tools.rules.merge import merge_into
from proxyapp.tools.rules.merge import same
from proxyapp.tools.rules.objects import named_schemas
from proxyapp.tools.rules.objects import schema_from
from proxyapp.tools.rules.types import json_type
from proxyapp.tools.rules.types import types_of
from proxyapp.tools.walk import Schema
from proxyapp.wire import jsons

_DEFINITIONS = ("$defs", "definitions")
_NESTED = ("input_schema", "inputSchema", "parameters")
_OBJECT_KEYWORDS = frozenset(
    {"properties", "required", "additionalProperties", "patternProperties"}
    | {"minProperties", "maxProperties", "propertyNames", "dependentRequired"}
    | {"dependentSchemas", "unevaluatedProperties", "dependencies"}
)
_VALUE_KEYWORDS = frozenset(
    {"enum", "const", "items", "prefixItems", "pattern", "format"}
    | {"minLength", "maxLength", "minItems", "maxItems"}
    | {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"}
)
_SCHEMA_SIGNS = frozenset(
    {"type", "description", "enum", "const", "anyOf", "oneOf", "allOf", "$ref"}
    | {"properties", "items", "default", "title", "format", "pattern"}
)
_STAYS_BESIDE_PROPERTIES = (
    ("required", list | bool | str),
    ("additionalProperties", bool),
    *((name, str) for name in ("title", "description", "$schema", "$id", "$comment")),
    *((name, dict) for name in _DEFINITIONS),
)


def empty_object() -> Schema:
    """Make the schema of a tool that takes no arguments."""
    return {"type": "object", "properties": {}}


def read_root(value: Any, record: Recorder) -> Schema:
    """Make a schema of what stands where the parameters should.

    A string may hold the schema's JSON text; a list may hold named schemas.
    """
    if isinstance(value, dict):
        return value
    if isinstance(value, str):
        try:
            parsed = jsons.loads(value)
        except ValueError:
            parsed = None
        if isinstance(parsed, dict):
            record.note("root-text", "#")
            return parsed
    if isinstance(value, list) and named_schemas(value):
        record.note("root-list", "#")
        return {"type": "object", "properties": named_schemas(value)}
    record.note("root-missing", "#")
    return empty_object()


def unwrap(schema: Schema, record: Recorder) -> Schema:
    """Free parameters from a wrapper, and wrap properties that stand bare.

    llama-server reads neither, and forces the arguments ``{}`` without a word.
    """
    for key in _NESTED:
        inner = schema.get(key)
        if schema.keys() == {key} and isinstance(inner, dict) and _is_object(inner):
            record.note("root-nested", "#")
            schema = inner
    bare = _bare_properties(schema)
    if bare:
        record.note("root-bare-properties", "#")
        rest = {key: value for key, value in schema.items() if key not in bare}
        return {"type": "object", "properties": bare, **rest}
    return schema


def _is_object(schema: Schema) -> bool:
    return json_type(schema.get("type")) == "object" or isinstance(
        schema.get("properties"), dict
    )


def _bare_properties(schema: Schema) -> Schema:
    """Return the members that are properties, if the schema is a map of them."""
    stays = {
        key
        for key, kind in _STAYS_BESIDE_PROPERTIES
        if key in schema and isinstance(schema[key], kind)
    }
    bare = {key: value for key, value in schema.items() if key not in stays}
    if not bare or not all(_could_be_property(*item) for item in bare.items()):
        return {}
    if not any(_is_surely_schema(value) for value in bare.values()):
        return {}
    return {k: v if isinstance(v, dict) else schema_from(v) for k, v in bare.items()}


def _could_be_property(name: str, value: Any) -> bool:
    if name.startswith(("$", "x-")) or name == "properties":
        return False
    if isinstance(value, dict):
        # {"items": {...}} alone is an array's schema, not a parameter "items".
        return name not in _VALUE_KEYWORDS | _OBJECT_KEYWORDS | {"not", "if", "then"}
    return isinstance(value, str) and name != "type" and json_type(value) is not None


def _is_surely_schema(value: Any) -> bool:
    return isinstance(value, str) or not _SCHEMA_SIGNS.isdisjoint(value)


def make_object(root: Schema, record: Recorder) -> Schema:
    """Make ``root`` say that it is an object, with its properties in plain sight.

    Some chat templates look for parameters in the root's ``properties`` and nowhere
    else. A root of another type becomes the one property ``input``.
    """
    context = Context(root)
    if _follow_root(root, context):
        record.note("root-reference", "#")
    types = types_of(root)
    if types - {"null"} and "object" not in types and not root.get("properties"):
        return _wrap(root, record)
    if not types and _speaks_of_values(root, context):
        return _wrap(root, record)
    _set_type(root, record)
    if _drop_other_types(root, context):
        record.note("root-other-types", "#")
    if "allOf" in root:
        root.setdefault("properties", {})
        if hoist_all_of(root, context):
            record.note("root-all-of", "#")
    if _gather_alternatives(root, context):
        record.note("root-alternatives", "#")
    return root


def _set_type(root: Schema, record: Recorder) -> None:
    if root.get("type") == "object":
        return
    record.note("root-type", "#")
    if "type" in root:
        root["type"] = "object"
        return
    rest = dict(root)
    root.clear()
    root["type"] = "object"
    root.update(rest)
    if not root.keys() - {"type", "description", "title", "$schema", "$id"}:
        root["properties"] = {}


def _drop_other_types(root: Schema, context: Context) -> bool:
    """Drop alternatives that no object fits, now that the root is one.

    llama-server would read them alone, and force arguments that are no object.
    """
    changed = False
    for key in (*ALTERNATIVES, "enum"):
        members = root.get(key, [])
        fitting = [
            member
            for member in members
            if isinstance(member, dict)
            and (key == "enum" or _admits_object(context.follow(member)))
        ]
        if len(fitting) < len(members):
            root[key] = fitting
            changed = True
        if members and not fitting:
            del root[key]
    if not isinstance(root.get("const", {}), dict):
        del root["const"]
        changed = True
    return changed


def _follow_root(root: Schema, context: Context) -> bool:
    if "$ref" not in root:
        return False
    target = context.follow(root)
    del root["$ref"]
    merge_into(root, target)
    return True


def _speaks_of_values(root: Schema, context: Context) -> bool:
    """Tell whether a schema without a type is meant for something but an object."""
    if not root.keys().isdisjoint(_OBJECT_KEYWORDS):
        return False
    if not root.keys().isdisjoint(_VALUE_KEYWORDS):
        return True
    return any(
        not _admits_object(target) and types_of(target) != {"null"}
        for key in ("allOf", *ALTERNATIVES)
        for target in map(context.follow, root.get(key, ()))
    )


def _admits_object(branch: Schema) -> bool:
    types = types_of(branch)
    if types:
        return "object" in types
    return branch.keys().isdisjoint(_VALUE_KEYWORDS)


def _wrap(root: Schema, record: Recorder) -> Schema:
    record.note("root-not-object", "#")
    inner = {key: value for key, value in root.items() if key not in _DEFINITIONS}
    outer = {key: root[key] for key in _DEFINITIONS if key in root}
    wrapped = {"type": "object", "properties": {"input": inner}, "required": ["input"]}
    return {**wrapped, **outer}


def _gather_alternatives(root: Schema, context: Context) -> bool:
    """Show the properties of the root's alternatives in the root too.

    llama-server's grammar reads the alternatives, which stay.
    """
    branches = [
        context.follow(branch) for key in ALTERNATIVES for branch in root.get(key, ())
    ]
    if root.get("properties") or not branches:
        return False
    gathered: dict[str, list[Any]] = {}
    for branch in branches:
        properties = branch.get("properties")
        for name, value in (properties if isinstance(properties, dict) else {}).items():
            kinds = gathered.setdefault(name, [])
            if not any(same(value, kind) for kind in kinds):
                kinds.append(value)
    if not gathered:
        return False
    root["properties"] = {
        name: kinds[0] if len(kinds) == 1 else {"anyOf": kinds}
        for name, kinds in gathered.items()
    }
    return True
