"""Rules on counts and bounds."""

from math import ceil
from math import floor
from types import MappingProxyType
from typing import Any

from proxyapp.tools.rules.context import Context
from proxyapp.tools.rules.types import types_of
from proxyapp.tools.walk import Schema

COUNTS = (
    *("minLength", "maxLength", "minItems", "maxItems"),
    *("minProperties", "maxProperties", "minContains", "maxContains"),
)
BOUNDS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")

_PAIRS = (("minLength", "maxLength"), ("minItems", "maxItems"))
_EXCLUSIVE = MappingProxyType(
    {"exclusiveMinimum": "minimum", "exclusiveMaximum": "maximum"}
)
_MAX_COUNT = 2**31 - 1
_MAX_MINIMUM = 2000
_MAX_ITEMS = 1990
_UNLIMITED_ITEMS = 2002
_INT64 = 2**63
_WIDEST = _INT64 - 2
"""The largest bound llama-server does not take for no bound, on either side."""

_DIGITS = 16


def make_counts_whole(schema: Schema, _: Context) -> bool:
    """Make each count a whole number that fits 32 bits, or remove it.

    llama-server answers 400 to 1.0, "5", -1, null and 2**31.
    """
    changed = False
    for key in COUNTS:
        if key not in schema:
            continue
        count = _number(schema[key])
        if isinstance(count, float) and count.is_integer():
            count = int(count)
        if isinstance(count, int) and 0 <= count <= _MAX_COUNT:
            changed = changed or schema[key] is not count
            schema[key] = count
        else:
            del schema[key]
            changed = True
    return changed


def clamp_minimum_counts(schema: Schema, _: Context) -> bool:
    """Lower ``minLength`` and ``minItems`` to the 2000 that llama-server allows."""
    changed = False
    for key, _maximum in _PAIRS:
        if schema.get(key, 0) > _MAX_MINIMUM:
            schema[key] = _MAX_MINIMUM
            changed = True
    return changed


def lower_max_items(schema: Schema, _: Context) -> bool:
    """Lower a ``maxItems`` just below the point where llama-server sees no limit.

    From there to 1,999 the grammar of an array that may be empty is refused.
    """
    count = schema["maxItems"]
    if schema.get("minItems", 0) or not _MAX_ITEMS < count < _UNLIMITED_ITEMS:
        return False
    schema["maxItems"] = _MAX_ITEMS
    return True


def remove_crossed_counts(schema: Schema, _: Context) -> bool:
    """Remove a minimum over its maximum, and the maximum with it.

    Nothing satisfies such a pair. llama-server's main loop spins over it for ever,
    eats memory and serves nobody any more, while its health check says ok.
    """
    changed = False
    for low, high in _PAIRS:
        if schema.get(low, 0) > schema.get(high, _MAX_COUNT):
            del schema[low], schema[high]
            changed = True
    return changed


def make_exclusive_numeric(schema: Schema, _: Context) -> bool:
    """Turn draft-04's ``exclusiveMinimum: true`` into the number it excludes."""
    changed = False
    for exclusive, plain in _EXCLUSIVE.items():
        flag = schema.get(exclusive)
        if not isinstance(flag, bool):
            continue
        changed = True
        bound = schema.pop(plain, None) if flag else None
        if bound is None:
            del schema[exclusive]
        else:
            schema[exclusive] = bound
    return changed


def make_bounds_numeric(schema: Schema, _: Context) -> bool:
    """Make each bound a number, or remove it; of an integer, one that fits 64 bits."""
    changed = False
    whole = "integer" in types_of(schema)
    for key in BOUNDS:
        if key not in schema:
            continue
        bound = _number(schema[key])
        if bound is None or (whole and not -_INT64 <= bound < _INT64):
            del schema[key]
            changed = True
        elif bound is not schema[key]:
            schema[key] = bound
            changed = True
    return changed


def repair_integer_range(schema: Schema, _: Context) -> bool:
    """Make an integer's range one that llama-server's grammar can write.

    An empty range ends generation in an error: it is removed. A bound of 16 digits
    or more, alone and away from zero, gives a repetition like ``{16,15}``, over
    which the main loop spins for ever: the other end is then given too.
    """
    if "integer" not in types_of(schema):
        return False
    changed = _drop_extremes(schema)
    low, high = _lowest(schema), _highest(schema)
    if low is not None and high is not None:
        return _drop(schema, *BOUNDS) if low > high else changed
    if low is not None and _grammar_spins(low):
        schema["maximum"] = _WIDEST
    elif high is not None and _grammar_spins(-high):
        schema["minimum"] = -_WIDEST
    else:
        return changed
    return True


def _drop_extremes(schema: Schema) -> bool:
    """Drop a bound that llama-server's 64-bit arithmetic cannot hold."""
    low, high = _lowest(schema), _highest(schema)
    changed = False
    if low is not None and not -_WIDEST <= low <= _WIDEST:
        changed = _drop(schema, "minimum", "exclusiveMinimum")
    if high is not None and not -_WIDEST <= high <= _WIDEST:
        changed = _drop(schema, "maximum", "exclusiveMaximum")
    return changed


def _drop(schema: Schema, *keys: str) -> bool:
    for key in keys:
        schema.pop(key, None)
    return True


def _lowest(schema: Schema) -> int | None:
    """Return the least integer llama-server allows; its own least is no bound."""
    if "minimum" in schema:
        return None if schema["minimum"] == -_INT64 else _up(schema["minimum"])
    if "exclusiveMinimum" in schema:
        return _down(schema["exclusiveMinimum"]) + 1
    return None


def _highest(schema: Schema) -> int | None:
    """Return the greatest integer llama-server allows, if there is a bound."""
    if "maximum" in schema:
        return None if schema["maximum"] == _INT64 - 1 else _down(schema["maximum"])
    if "exclusiveMaximum" in schema:
        return _up(schema["exclusiveMaximum"]) - 1
    return None


def _up(bound: int | float) -> int:
    return ceil(bound)


def _down(bound: int | float) -> int:
    return floor(bound)


def _grammar_spins(bound: int) -> bool:
    """Tell whether the grammar for integers from ``bound`` up has no end.

    It is built digit by digit with fewer decimals left at each step; a repetition
    whose least count is over its greatest never ends. Negative bounds are safe.
    """
    decimals = _DIGITS
    while bound > 9:
        first, length = str(bound)[0], len(str(bound))
        decimals = max(decimals - 1, 1)
        if first > "1" and length > decimals:
            return True
        if first < "9" and length - 1 > decimals:
            return True
        bound = int(str(bound)[1:])
    return False


def _number(value: Any) -> int | float | None:
    """Read a number, also one written as a string; None for anything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str) and len(value) <= 24:
        try:
            number = float(value)
        except ValueError:
            return None
        whole = number.is_integer() and abs(number) < 2**53
        return int(number) if whole else _finite(number)
    return _finite(value) if isinstance(value, int | float) else None


def _finite(number: float) -> float | None:
    return number if abs(number) != float("inf") and number == number else None
