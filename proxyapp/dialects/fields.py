"""Fields of a client's body, read with clear words for what is wrong.

Every reader takes None as absent: clients of all dialects send nulls.
"""

from collections.abc import Mapping
from typing import Any

from proxyapp.errors import BadRequest
from proxyapp.neutral.request import Effort
from proxyapp.neutral.request import Sampling

Body = Mapping[str, Any]

_NUMBERS = frozenset(
    {
        "frequency_penalty",
        "min_p",
        "presence_penalty",
        "repeat_penalty",
        "temperature",
        "top_p",
        "typical_p",
    }
)
_LARGEST = 2**53
"""Beyond this, JSON's numbers are no longer exact."""

_INTEGERS = frozenset({"seed", "top_k", "top_logprobs"})

_EFFORTS: dict[str, Effort] = {
    "none": "none",
    "minimal": "minimal",
    "low": "low",
    "medium": "medium",
    "high": "high",
    "xhigh": "xhigh",
    "max": "max",
}


def text(body: Body, name: str) -> str:
    """Read a required text that is not empty."""
    value = optional(body, name, str)
    if not value:
        raise BadRequest(f"'{name}' is required: a string.", param=name)
    return str(value)


def word(value: Any) -> str:
    """Take a short text as it is meant: numbers are their digits, all else is none."""
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int | float) else ""


def items(body: Body, name: str, where: str = "") -> list[Any]:
    """Read a list; an absent one is empty."""
    return list(optional(body, name, list, where) or [])


def flag(body: Body, name: str, default: bool = False) -> bool:
    """Read true or false."""
    value = optional(body, name, bool)
    return default if value is None else bool(value)


def integer(
    body: Body, name: str, *, low: int | None = None, high: int | None = None
) -> int | None:
    """Read a whole number within bounds."""
    value = optional(body, name, (int, float))
    if value is None:
        return None
    if abs(value) > _LARGEST or value != int(value):
        raise BadRequest(f"'{name}' must be a whole number.", param=name)
    number = int(value)
    if low is not None and number < low:
        raise BadRequest(f"'{name}' must be at least {low}, not {number}.", param=name)
    if high is not None and number > high:
        raise BadRequest(f"'{name}' must be at most {high}, not {number}.", param=name)
    return number


_WORDS: dict[Any, str] = {
    str: "a string",
    bool: "true or false",
    list: "an array",
    dict: "an object",
    (int, float): "a number",
}


def optional(body: Body, name: str, kind: Any, where: str = "") -> Any:
    """Read a value of one kind, or None; a bool is no number."""
    value = body.get(name)
    wrong_bool = isinstance(value, bool) and kind is not bool
    if value is not None and (wrong_bool or not isinstance(value, kind)):
        place = f"{where}.{name}" if where else name
        raise BadRequest(f"'{place}' must be {_WORDS[kind]}.", param=place)
    return value


def effort(body: Body, name: str) -> Effort | None:
    """Read how much the model shall think."""
    value = optional(body, name, str)
    if value is not None and value not in _EFFORTS:
        known = ", ".join(_EFFORTS)
        raise BadRequest(f"'{name}' must be one of: {known}.", param=name)
    return None if value is None else _EFFORTS[value]


def stops(body: Body, name: str) -> tuple[str, ...]:
    """Read stop strings: one or a list; empty ones are dropped."""
    value = body.get(name)
    found = [value] if isinstance(value, str) else optional(body, name, list) or []
    if not all(isinstance(stop, str) for stop in found):
        raise BadRequest(f"'{name}' must be a string or strings.", param=name)
    return tuple(stop for stop in found if stop)


def sampling(body: Body, max_tokens: int | None, stop: tuple[str, ...]) -> Sampling:
    """Collect the sampling fields; those of known type are checked.

    Everything else is kept as it came: the backend passes on the names it knows, and
    drops the rest.
    """
    for name in _NUMBERS & body.keys():
        optional(body, name, (int, float))
    for name in _INTEGERS & body.keys():
        integer(body, name)
    given = {name: value for name, value in body.items() if value is not None}
    return Sampling(max_tokens, stop, given)
