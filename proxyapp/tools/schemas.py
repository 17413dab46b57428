"""Repair one schema, by all the rules."""

from collections.abc import Callable
from collections.abc import Iterator
from typing import Any

from proxyapp.errors import BadRequest
from proxyapp.tools.record import Recorder
from proxyapp.tools.record import Repair
from proxyapp.tools.references import repair_references
from proxyapp.tools.references import target_of
from proxyapp.tools.rules.context import Context
from proxyapp.tools.rules.root import make_object
from proxyapp.tools.rules.root import read_root
from proxyapp.tools.rules.root import unwrap
from proxyapp.tools.rules.table import rules_for
from proxyapp.tools.validate import SchemaChecker
from proxyapp.tools.walk import copy_json
from proxyapp.tools.walk import MAX_PROPERTIES
from proxyapp.tools.walk import Place
from proxyapp.tools.walk import Schema
from proxyapp.tools.walk import subschemas
from proxyapp.tools.walk import too_large
from proxyapp.wire import jsons

_MAX_ROUNDS = 16


class SchemaRepairer:
    """Apply the rules until none of them finds anything, then have the result checked.

    What no rule changes leaves as it came, member for member.
    """

    def __init__(self) -> None:
        self._checker = SchemaChecker()

    def parameters(self, value: Any, record: Recorder, param: str) -> Schema:
        """Repair a tool's parameters into the schema of an object.

        Raises BadRequest naming ``param`` for what is too large to be read.
        """
        root = unwrap(read_root(copy_json(value, param), record), record)
        settled = _settle(root, record, param, make_object)
        return _written(self._checked(settled, {"type": "object"}, record), param)

    def reply(self, value: Any, record: Recorder, param: str) -> Schema:
        """Repair the schema of a reply in JSON, which may be of any type."""
        before = len(record.repairs)
        root: Schema = {}
        if value is not True:
            root = read_root(copy_json(value, param), record)
        if record.repairs[before:] == [Repair(record.tool, "root-missing", "#")]:
            root = {}
        settled = _settle(root, record, param, _as_it_is)
        return _written(self._checked(settled, {}, record), param)

    def _checked(
        self, settled: Schema | None, fallback: Schema, record: Recorder
    ) -> Schema:
        if settled is not None and not record.repairs:
            return settled
        if settled is None or any(
            self._checker.check(place.schema) for place in _reachable(settled)
        ):
            record.note("unrepairable-schema", "#")
            return fallback
        return settled


def _settle(
    root: Schema,
    record: Recorder,
    param: str,
    finish: Callable[[Schema, Recorder], Schema],
) -> Schema | None:
    """Apply the rules to all schemas until none changes; None if that has no end.

    What a rule finds depends on what others made of the schemas below.
    """
    for _ in range(_MAX_ROUNDS):
        before = len(record.repairs)
        repair_references(root, record)
        _apply_rules(root, record, param)
        root = finish(root, record)
        if len(record.repairs) == before:
            return root
        try:
            # Rules hang one schema in two places rather than copy it; written out,
            # such a schema could be endless.
            root = copy_json(root, param)
        except BadRequest:
            break
    return None


def _written(root: Schema, param: str) -> Schema:
    """Return the schema, or raise BadRequest if the JSON writer cannot write it."""
    try:
        # The request around it has levels of its own.
        jsons.dumps([[[[[[[[root]]]]]]]])
    except TypeError:
        raise too_large(param, "more levels than can be written") from None
    return root


def _as_it_is(root: Schema, _record: Recorder) -> Schema:
    return root


def _apply_rules(root: Schema, record: Recorder, param: str) -> None:
    for schema, path, branch in _reachable(root):
        context = Context(root, branch)
        # A rule may bring keywords that call for rules which have passed already.
        for _ in range(_MAX_ROUNDS):
            if not _apply_once(schema, context, record, path):
                break
        properties = schema.get("properties")
        if isinstance(properties, dict) and len(properties) > MAX_PROPERTIES:
            raise too_large(
                param, f"an object of more than {MAX_PROPERTIES} properties"
            )


def _apply_once(schema: Schema, context: Context, record: Recorder, path: str) -> bool:
    before = len(record.repairs)
    known = frozenset(schema)
    for rule in rules_for(schema):
        if not rule.keywords.isdisjoint(schema) and rule.apply(schema, context):
            record.note(rule.name, path)
            if not known.issuperset(schema):
                break
    return len(record.repairs) > before


def _reachable(root: Schema) -> Iterator[Place]:
    """Yield each schema once, parents first, also those that only ``$ref`` reaches.

    What is done to a schema before the next is asked for is seen by the walk.
    """
    met: set[int] = set()
    todo = [Place(root, "#", branch=False)]
    while todo:
        place = todo.pop()
        if id(place.schema) in met:
            continue
        met.add(id(place.schema))
        yield place
        found = list(subschemas(place))
        target = target_of(root, place.schema.get("$ref"))
        if target is not None:
            found.append(Place(target, place.schema["$ref"], branch=False))
        todo.extend(reversed(found))
