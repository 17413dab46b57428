"""Repair one schema, by all the rules."""

from typing import Any

from proxyapp.errors import BadRequest
from proxyapp.tools.record import Recorder
from proxyapp.tools.references import repair_references
from proxyapp.tools.rules.context import Context
from proxyapp.tools.rules.root import empty_object
from proxyapp.tools.rules.root import make_object
from proxyapp.tools.rules.root import read_root
from proxyapp.tools.rules.root import unwrap
from proxyapp.tools.rules.table import RULES
from proxyapp.tools.validate import SchemaChecker
from proxyapp.tools.walk import copy_json
from proxyapp.tools.walk import every_schema
from proxyapp.tools.walk import MAX_PROPERTIES
from proxyapp.tools.walk import Place
from proxyapp.tools.walk import Schema
from proxyapp.tools.walk import too_large

_MAX_ROUNDS = 8


def repair_parameters(
    value: Any, record: Recorder, checker: SchemaChecker, param: str
) -> Schema:
    """Repair a tool's parameters: the result is an object's schema.

    What no rule changed is as the client sent it, member for member. Raises
    BadRequest naming ``param`` for what is too large to be read.
    """
    root = unwrap(read_root(copy_json(value, param), record), record)
    repair_references(root, record)
    for _ in range(_MAX_ROUNDS):
        before = len(record.repairs)
        _apply_rules(root, record, param)
        root = make_object(root, record)
        if len(record.repairs) == before:
            break
    return _checked(root, empty={"type": "object"}, record=record, checker=checker)


def repair_any(
    value: Any, record: Recorder, checker: SchemaChecker, param: str
) -> Schema:
    """Repair the schema of a JSON reply, which may be of any type."""
    if value is None or isinstance(value, bool):
        return {}
    root = read_root(copy_json(value, param), record)
    if record.repairs and root == empty_object():
        root = {}
    repair_references(root, record)
    for _ in range(_MAX_ROUNDS):
        before = len(record.repairs)
        _apply_rules(root, record, param)
        if len(record.repairs) == before:
            break
    return _checked(root, empty={}, record=record, checker=checker)


def _apply_rules(root: Schema, record: Recorder, param: str) -> None:
    for place in every_schema(Place(root, "#", branch=False), *_targets(root)):
        schema = place.schema
        properties = schema.get("properties", ())
        if isinstance(properties, dict) and len(properties) > MAX_PROPERTIES:
            raise too_large(param, f"more than {MAX_PROPERTIES} properties")
        context = Context(root, place.branch)
        for rule in RULES:
            if not rule.keywords.isdisjoint(schema) and rule.apply(schema, context):
                record.note(rule.name, place.path)
