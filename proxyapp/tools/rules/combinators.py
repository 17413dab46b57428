"""Rules on ``anyOf``, ``oneOf`` and ``allOf``.

Where one of the first two stands, llama-server reads nothing beside it. It reads
``allOf`` where there are no properties, and then only the members' properties and
enums: over anything else it forces the answer ``{}``.
"""

from typing import Any

from proxyapp.tools.rules.context import Context
from proxyapp.tools.rules.merge import merge_into
from proxyapp.tools.rules.objects import schema_from
from proxyapp.tools.rules.types import types_of
from proxyapp.tools.walk import Schema

ALTERNATIVES = ("oneOf", "anyOf")

_MAX_MEMBERS = 32
_ANNOTATIONS = frozenset(
    {"title", "description", "default", "examples", "deprecated", "$comment"}
    | {"readOnly", "writeOnly"}
)
_OF_OTHER_TYPES = frozenset(
    {"items", "prefixItems", "pattern", "enum", "const", "minLength", "maxLength"}
)
_HOISTED: tuple[str, ...] = ("properties", "required")
_PLAIN_OBJECT = frozenset({"type", "properties", "required"}) | _ANNOTATIONS


def make_members_schemas(schema: Schema, _: Context) -> bool:
    """Make each combinator a list of at least one object, or remove it.

    A member that is ``false`` never fits and goes; ``true`` becomes ``{}``; null
    and numbers go; a string names a type.
    """
    changed = False
    for key in ("allOf", "anyOf", "oneOf"):
        if key not in schema:
            continue
        value = schema[key]
        if isinstance(value, list) and value and all(type(m) is dict for m in value):
            continue
        members = [_member(m) for m in (value if isinstance(value, list) else [value])]
        schema[key] = [member for member in members if member is not None]
        if not schema[key]:
            del schema[key]
        changed = True
    return changed


def _member(value: Any) -> Schema | None:
    if isinstance(value, dict):
        return value
    if value is True or isinstance(value, str):
        return schema_from(value)
    return None


def drop_open_any_of(schema: Schema, _: Context) -> bool:
    """Remove an ``anyOf`` with a member that allows everything: so does the whole."""
    if any(not member for member in schema["anyOf"]):
        del schema["anyOf"]
        return True
    return False


def flatten_all_of(schema: Schema, context: Context) -> bool:
    """Lift an ``allOf`` out of a member of ``allOf``, also behind a reference.

    llama-server drops such a member, and the parameters in it are lost.
    """
    flat: list[Schema] = []
    expanded: set[int] = set()
    todo = list(reversed(schema["allOf"]))
    while todo:
        member = todo.pop()
        target = context.follow(member)
        inner = target.get("allOf")
        if len(flat) + len(todo) > _MAX_MEMBERS:
            return False
        if not isinstance(inner, list):
            flat.append(member)
        elif id(target) not in expanded:
            expanded.add(id(target))
            rest = {key: value for key, value in target.items() if key != "allOf"}
            todo.extend(m for m in reversed(inner) if isinstance(m, dict))
            if rest.keys() - _ANNOTATIONS:
                todo.append(rest)
    if not expanded or not flat:
        return False
    schema["allOf"] = flat
    return True


def merge_all_of(schema: Schema, context: Context) -> bool:
    """Merge ``allOf`` into its schema where llama-server would force ``{}``.

    A lone reference (pydantic 1 writes one to hold a description beside it) takes
    the place of its ``allOf``; other members give the schema their keywords.
    """
    members = [member for member in schema["allOf"] if isinstance(member, dict)]
    if not _reads_all_of(schema) or any(_has_properties(m, context) for m in members):
        return False
    if all("enum" in context.follow(member) for member in members):
        return False
    del schema["allOf"]
    lone = members[0] if len(members) == 1 else {}
    if lone.keys() == {"$ref"} and schema.keys() <= _ANNOTATIONS | {"$defs"}:
        schema["$ref"] = lone["$ref"]
        return True
    for member in members:
        merge_into(schema, context.follow(member))
    return True


def _reads_all_of(schema: Schema) -> bool:
    """Tell whether llama-server reads the ``allOf`` of a schema at all."""
    if not schema.keys().isdisjoint({"$ref", "oneOf", "anyOf", "const", "enum"}):
        return False
    types = types_of(schema)
    if "string" in types:
        return True
    if "properties" in schema or schema.get("additionalProperties", True) is not True:
        return False
    return not types or "object" in types


def _has_properties(member: Schema, context: Context) -> bool:
    target = context.follow(member)
    if isinstance(target.get("properties"), dict):
        return True
    alternatives = (target.get(key) for key in ALTERNATIVES)
    return any(
        isinstance(context.follow(branch).get("properties"), dict)
        for branches in alternatives
        if isinstance(branches, list)
        for branch in branches
    )


def hoist_all_of(schema: Schema, context: Context) -> bool:
    """Lift the properties that ``allOf`` gives an object into the object itself.

    Beside properties of its own llama-server does not read the rest. A member that
    says no more than that is done with; any other stays, for what else it says.
    """
    members = schema["allOf"]
    if not isinstance(schema.get("properties"), dict) or not isinstance(members, list):
        return False
    rest: list[Any] = []
    hoisted: Schema = {}
    for member in members:
        target = context.follow(member)
        plain: Schema = {key: target[key] for key in _HOISTED if key in target}
        if not isinstance(plain.get("properties"), dict):
            rest.append(member)
            continue
        if target.keys() - _PLAIN_OBJECT:
            rest.append(member)
            plain["properties"] = {
                name: value
                for name, value in plain["properties"].items()
                if name not in schema["properties"]
            }
        merge_into(hoisted, plain)
    return _apply(schema, hoisted, rest)


def _apply(schema: Schema, hoisted: Schema, rest: list[Any]) -> bool:
    before = (len(schema["properties"]), schema.get("required"), len(schema["allOf"]))
    if hoisted:
        schema["properties"] = dict(schema["properties"])
        merge_into(schema, hoisted)
    if rest:
        schema["allOf"] = rest
    else:
        del schema["allOf"]
    after = (len(schema["properties"]), schema.get("required"), len(rest))
    return before != after


def drop_object_alternatives(schema: Schema, context: Context) -> bool:
    """Drop alternatives beside an object's properties that would hide them.

    The common case lists what is required in each alternative. llama-server reads
    the alternatives alone, and the properties are lost; so their own properties
    join the object's, and what all of them require is required.
    """
    changed = False
    for key in ALTERNATIVES:
        branches = [context.follow(branch) for branch in schema.get(key, ())]
        if not branches or not _hides_properties(schema, branches):
            continue
        properties = dict(schema["properties"])
        for branch in branches:
            for name, value in (branch.get("properties") or {}).items():
                properties.setdefault(name, value)
        schema["properties"] = properties
        common = set.intersection(*(set(_required(branch)) for branch in branches))
        names = [n for n in _required(branches[0]) if n in common]
        if set(names) - set(_required(schema)):
            schema["required"] = list(dict.fromkeys([*_required(schema), *names]))
        del schema[key]
        changed = True
    return changed


def _hides_properties(schema: Schema, branches: list[Schema]) -> bool:
    properties = schema.get("properties")
    if not isinstance(properties, dict) or not properties:
        return False
    if not all(_is_about_objects(branch) for branch in branches):
        return False
    needed = set(_required(schema))
    own = [branch.get("properties") for branch in branches]
    return not all(isinstance(p, dict) and needed <= p.keys() for p in own)


def _is_about_objects(branch: Schema) -> bool:
    return (
        bool(branch)
        and types_of(branch) <= {"object"}
        and branch.keys().isdisjoint(_OF_OTHER_TYPES)
        and isinstance(branch.get("properties", {}), dict)
    )


def _required(schema: Schema) -> list[str]:
    names = schema.get("required")
    return [n for n in names if isinstance(n, str)] if isinstance(names, list) else []
