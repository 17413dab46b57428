"""Make the arguments of a tool call readable, or say that they are not.

A tool runs with what stands here, so a repair may touch the syntax and nothing
else: every key and value must stand, whole, in what the model wrote.
"""

import re
from collections.abc import Iterator
from collections.abc import Mapping
from itertools import islice
from types import MappingProxyType
from typing import Any
from typing import NamedTuple

import json_repair

from proxyapp.errors import BrokenToolCall
from proxyapp.tools.instances import fault_in
from proxyapp.wire import jsons

MAX_CHARACTERS = 1 << 20
"""Longer broken arguments are not repaired."""

MAX_GUESSED = 1 << 16
"""Characters that json-repair is given whole; its time grows faster than they do."""

MAX_TOKENS = 20_000
MAX_NESTING = 100

_TOKEN = re.compile(
    r"\s*(?:(?P<mark>[{}\[\],:])"
    r'|(?P<string>"(?:[^"\\]|\\.)*")'
    r"|(?P<single>'(?:[^'\\]|\\.)*')"
    r"|(?P<number>-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.+-]))"
    r"|(?P<word>[A-Za-z_$][\w$-]*))",
    re.DOTALL | re.ASCII,
)
_FENCE = re.compile(r"\s*```\w*\s*\n(.*?)(?:\n\s*```\s*)?", re.DOTALL)
_CONTROL = re.compile(r"[\x00-\x1f]")
_QUOTE_OR_ESCAPE = re.compile(r'\\.|"', re.DOTALL)
_LITERALS = MappingProxyType(
    {
        "true": "true",
        "false": "false",
        "null": "null",
        "True": "true",
        "False": "false",
        "None": "null",
    }
)


class _Unreadable(Exception):
    """The text cannot be read without guessing; the message says why."""


class _Token(NamedTuple):
    kind: str
    text: str


def complete_arguments(text: str, schema: Mapping[str, Any] | None) -> str:
    """Return ``text`` as a JSON object: as it is, or with its syntax repaired.

    Nothing at all means no arguments. Trailing commas, quotes of the wrong kind or
    none around keys, Python's literals, raw line breaks, a code fence, missing
    braces after a complete value and JSON inside a JSON string are repaired, and
    the result must follow ``schema``. Raises BrokenToolCall for anything else, above
    all for a value that was cut off: half a path must never be run.
    """
    if text.strip() in ("", "null"):
        return "{}"
    if isinstance(_read(text), dict):
        return text
    try:
        repaired = _repaired(_unwrapped(text))
    except _Unreadable as error:
        raise BrokenToolCall(
            f"The model wrote a tool call whose arguments cannot be read: {error}."
            " Try again, or allow a longer reply."
        ) from None
    fault = None if schema is None else fault_in(jsons.loads(repaired), schema)
    if fault is not None:
        raise BrokenToolCall(
            f"The model wrote broken arguments for a tool call, and {fault}."
        )
    return repaired


def clean_history_arguments(value: object) -> str:
    """Return the arguments of a past call as the JSON text of an object.

    The call has been made and answered, so a cut one is closed off as well as it
    goes, or replaced by ``{}``; one bad call would make llama-server refuse the
    whole conversation. Never raises.
    """
    if isinstance(value, str):
        if isinstance(_read(value), dict):
            return value
        text = _unwrapped(value)
        for attempt in (text, text.rstrip("\\") + '"'):
            try:
                return _repaired(attempt)
            except _Unreadable:
                continue
        value = _guessed(text) if len(text) <= MAX_GUESSED else None
    try:
        return jsons.text(value) if isinstance(value, dict) else "{}"
    except TypeError:
        return "{}"


def _read(text: str) -> Any:
    try:
        return jsons.loads(text)
    except ValueError:
        return None


def _unwrapped(text: str) -> str:
    """Return the text inside a JSON string, or the text itself if it is none."""
    inner = _read(text)
    return inner if isinstance(inner, str) else text


def _guessed(text: str) -> Any:
    try:
        return json_repair.loads(text, skip_json_loads=True)
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
        return None


def _repaired(text: str) -> str:
    if isinstance(_read(text), dict):
        return text
    if len(text) > MAX_CHARACTERS:
        raise _Unreadable("they are too long to be repaired")
    fenced = _FENCE.fullmatch(text)
    tokens = list(islice(_tokens(fenced[1] if fenced else text), MAX_TOKENS + 1))
    if len(tokens) > MAX_TOKENS:
        raise _Unreadable("they are too long to be repaired")
    if not tokens or tokens[0].text != "{":
        raise _Unreadable("they are not a JSON object")
    if tokens[-1].kind == "number" or tokens[-1].text in tuple(",:{["):
        raise _Unreadable("they end in the middle")
    return _assembled(tokens)


def _tokens(text: str) -> Iterator[_Token]:
    """Split broken JSON into marks, and scalars rewritten as JSON."""
    at, end = 0, len(text.rstrip())
    while at < end:
        found = _TOKEN.match(text, at, end)
        if found is None:
            raise _Unreadable("a value is cut off or not quoted")
        kind = found.lastgroup or ""
        at = found.end()
        yield _Token(kind, _as_json(kind, found[kind], text[at : at + 20]))


def _as_json(kind: str, text: str, after: str) -> str:
    if kind == "word":
        literal = _LITERALS.get(text)
        if after.lstrip().startswith(":"):
            return f'"{text}"'
        if literal is None:
            raise _Unreadable("a value is cut off or not quoted")
        return literal
    if kind == "single":
        body = text[1:-1]
        text = f'"{_QUOTE_OR_ESCAPE.sub(_for_double_quotes, body)}"'
    if kind in ("string", "single"):
        text = _CONTROL.sub(lambda found: jsons.text(found[0])[1:-1], text)
        if _read(text) is None:
            raise _Unreadable("a string holds an unknown escape")
    return text


def _for_double_quotes(found: re.Match[str]) -> str:
    return {"\\'": "'", '"': '\\"'}.get(found[0], found[0])


def _assembled(tokens: list[_Token]) -> str:
    """Put the scalars back into the structure that json-repair finds for them.

    The library sees a number in place of each scalar. It cannot alter one that way
    (it strips line breaks from the ends of strings, for one), and whatever it would
    invent, drop or reorder shows.
    """
    if max(_depths(tokens)) > MAX_NESTING:
        raise _Unreadable("they are nested too deeply")
    scalars = [token.text for token in tokens if token.kind != "mark"]
    numbers = iter(range(len(scalars)))
    skeleton = " ".join(
        token.text if token.kind == "mark" else f'"#{next(numbers)}"'
        for token in tokens
    )
    found = _guessed(skeleton)
    if not isinstance(found, dict):
        raise _Unreadable("they are not one JSON object")
    places = list(_leaves(found))
    if places != [f"#{at}" for at in range(len(scalars))]:
        raise _Unreadable("a value is missing")
    return _written(found, iter(scalars))


def _depths(tokens: list[_Token]) -> Iterator[int]:
    depth = 0
    for token in tokens:
        depth += (token.text in ("{", "[")) - (token.text in ("}", "]"))
        yield depth


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from _leaves(item)
    elif isinstance(value, list):
        for item in value:
            yield from _leaves(item)
    else:
        yield value


def _written(value: Any, scalars: Iterator[str]) -> str:
    if isinstance(value, dict):
        members = (
            f"{_key(next(scalars))}:{_written(item, scalars)}"
            for item in value.values()
        )
        return f"{{{','.join(members)}}}"
    if isinstance(value, list):
        return f"[{','.join(_written(item, scalars) for item in value)}]"
    return next(scalars)


def _key(scalar: str) -> str:
    if not scalar.startswith('"'):
        raise _Unreadable("a key is not a string")
    return scalar
