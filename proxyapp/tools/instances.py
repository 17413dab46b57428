"""Check a value against a schema that a stranger wrote.

jsonschema alone would fetch references, run the client's regular expressions and
follow definitions that double at each step (31 of them never end). Here it can do
none of that: the registry is empty, keywords that match or compare at length are
not judged, and references are counted.
"""

from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema import ValidationError
from jsonschema.exceptions import UnknownType
from jsonschema.validators import extend
from referencing import Registry
from referencing.exceptions import Unresolvable

from proxyapp.errors import BadRequest
from proxyapp.tools.walk import copy_json

MAX_REFERENCES = 5_000
"""References followed for one value; honest schemas need a few per member."""

_UNJUDGED = (
    *("pattern", "patternProperties", "format", "uniqueItems"),
    *("unevaluatedProperties", "unevaluatedItems", "$dynamicRef"),
)
_STANDARD = Draft202012Validator.VALIDATORS

Errors = Iterator[ValidationError]


class _TooManyReferences(Exception):
    """The schema refers further than anybody is willing to follow."""


_UNFOLLOWED = (
    *(RecursionError, Unresolvable, _TooManyReferences, BadRequest),
    *(UnknownType, TypeError, AttributeError, ValueError),
)


def fault_in(value: Any, schema: Mapping[str, Any]) -> str | None:
    """Return why ``value`` does not follow ``schema``, or None.

    A schema that cannot be judged is a fault too: nothing vouches for the value.
    """
    try:
        validator = _validator(copy_json(dict(schema), "schema"))
        error = next(validator.iter_errors(value), None)
    except _UNFOLLOWED:
        return "the tool's schema cannot be followed"
    if error is None:
        return None
    place = "/".join(str(part) for part in error.absolute_path)
    return f"{error.validator} of {place or 'the arguments'} is not met"


def _validator(schema: dict[str, Any]) -> Any:
    _forget_dialects(schema)
    left = MAX_REFERENCES

    def reference(validator: Any, target: str, value: Any, schema: Any) -> Errors:
        nonlocal left
        left -= 1
        if left < 0:
            raise _TooManyReferences
        yield from _STANDARD["$ref"](validator, target, value, schema) or ()

    keywords: dict[str, Callable[[Any, Any, Any, Any], Errors]] = {
        **dict.fromkeys(_UNJUDGED, _unjudged),
        "additionalProperties": _additional,
        "items": _items,
        "$ref": reference,
    }
    judge = extend(Draft202012Validator, keywords)  # type: ignore[no-untyped-call]
    return judge(schema, registry=Registry())


def _forget_dialects(schema: dict[str, Any]) -> None:
    # A schema that names its dialect is handed to that dialect's own validator,
    # which knows nothing of what is left out here.
    todo: list[Any] = [schema]
    while todo:
        value = todo.pop()
        if isinstance(value, dict):
            if isinstance(value.get("$schema"), str):
                del value["$schema"]
            todo.extend(value.values())
        elif isinstance(value, list):
            todo.extend(value)


def _unjudged(_validator: Any, _keyword: Any, _value: Any, _schema: Any) -> Errors:
    return iter(())


def _additional(validator: Any, keyword: Any, value: Any, schema: Any) -> Errors:
    if "patternProperties" not in schema:
        yield from (
            _STANDARD["additionalProperties"](validator, keyword, value, schema) or ()
        )


def _items(validator: Any, keyword: Any, value: Any, schema: Any) -> Errors:
    """Judge ``items``, also draft-07's list of one schema per place."""
    judge = "prefixItems" if isinstance(keyword, list) else "items"
    yield from _STANDARD[judge](validator, keyword, value, schema) or ()
