"""Rules on the keywords of arrays."""

from proxyapp.tools.rules.context import Context
from proxyapp.tools.rules.objects import schema_from
from proxyapp.tools.walk import Schema


def make_items_schema(schema: Schema, _: Context) -> bool:
    """Make ``items`` a schema: llama-server answers 400 to booleans and null.

    ``true`` says nothing and goes, ``false`` becomes ``maxItems: 0`` (or closes a
    tuple, which llama-server's are anyway), a string names the items' type, and
    draft-04's empty tuple allows anything.
    """
    items = schema["items"]
    if isinstance(items, dict):
        return False
    if isinstance(items, list) and items:
        return _make_members_schemas(schema, "items")
    del schema["items"]
    if isinstance(items, str):
        schema["items"] = schema_from(items)
    elif items is False and not schema.get("prefixItems"):
        schema["maxItems"] = 0
    return True


def make_prefix_schemas(schema: Schema, _: Context) -> bool:
    """Make ``prefixItems`` a list of schemas, or remove it."""
    if isinstance(schema["prefixItems"], list) and schema["prefixItems"]:
        return _make_members_schemas(schema, "prefixItems")
    del schema["prefixItems"]
    return True


def _make_members_schemas(schema: Schema, key: str) -> bool:
    members = schema[key]
    if all(isinstance(member, dict) for member in members):
        return False
    schema[key] = [m if isinstance(m, dict) else schema_from(m) for m in members]
    return True


def join_tuple_and_rest(schema: Schema, _: Context) -> bool:
    """Turn ``prefixItems`` with ``items`` into items of any of those kinds.

    llama-server reads ``items`` alone and could never write the first members.
    """
    prefix, rest = schema["prefixItems"], schema.get("items")
    if not isinstance(rest, dict) or not rest:
        return False
    schema["items"] = {"anyOf": [*prefix, rest]}
    del schema["prefixItems"]
    return True
