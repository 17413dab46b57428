"""Check a repaired schema against JSON Schema's own rules, cheaply."""

from typing import Any

from jsonschema import Draft202012Validator
from referencing import Registry

from proxyapp.tools.rules.numbers import BOUNDS
from proxyapp.tools.rules.numbers import COUNTS
from proxyapp.tools.rules.types import JSON_TYPES
from proxyapp.tools.walk import Schema


class SchemaChecker:
    """Judge one schema at a time, without the schemas inside it.

    ``Draft202012Validator.check_schema`` takes 25 ms for a tool of eight properties
    and overflows the stack on a hundred levels, because the official metaschema
    refers to itself through eight vocabularies. This one says the same of a single
    level; the caller walks the levels, and only those of schemas that were repaired:
    in an untouched schema every keyword has passed the rules, which ask for no less.

    It says more where llama-server does (a property must not be ``true``) and less
    in one place: ``items`` may be a list, as in draft-07, which llama-server reads.
    """

    def __init__(self) -> None:
        self._validator = Draft202012Validator(_one_level(), registry=Registry())

    def check(self, schema: Schema) -> str | None:
        """Return what is wrong with a schema, or None."""
        error = next(self._validator.iter_errors(schema), None)
        return None if error is None else error.message


def _one_level() -> dict[str, Any]:
    schema = {"type": ["object", "boolean"]}
    schema_map = {"type": "object", "additionalProperties": schema}
    members = {"type": "array", "minItems": 1, "items": {"type": "object"}}
    names = {"type": "array", "items": {"type": "string"}, "uniqueItems": True}
    name = {"enum": sorted(JSON_TYPES)}
    forms: tuple[tuple[str, dict[str, Any]], ...] = (
        (" ".join(COUNTS), {"type": "integer", "minimum": 0}),
        (" ".join(BOUNDS), {"type": "number"}),
        ("allOf anyOf oneOf prefixItems", members),
        ("$defs definitions dependentSchemas patternProperties", schema_map),
        ("additionalProperties propertyNames contains contentSchema", schema),
        ("not if then else unevaluatedItems unevaluatedProperties", schema),
        ("title description pattern format $ref $dynamicRef $id", {"type": "string"}),
        ("uniqueItems deprecated readOnly writeOnly", {"type": "boolean"}),
        ("type", {"anyOf": [name, {**names, "items": name, "minItems": 1}]}),
        ("properties", {"type": "object", "additionalProperties": {"type": "object"}}),
        ("required", names),
        ("dependentRequired", {"type": "object", "additionalProperties": names}),
        ("enum", {"type": "array", "minItems": 1}),
        ("items", {"anyOf": [{"type": "object"}, members]}),
        ("multipleOf", {"type": "number", "exclusiveMinimum": 0}),
        ("examples", {"type": "array"}),
    )
    properties = {key: form for keys, form in forms for key in keys.split()}
    return {"type": "object", "properties": properties}
