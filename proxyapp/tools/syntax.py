"""Read JSON whose syntax is broken, without guessing at what it says.

The text is split into marks and scalars. Each scalar must be whole and is rewritten
as JSON by itself; only the marks between them may be added, dropped or moved.
"""

import re
from collections.abc import Iterator
from collections.abc import Sequence
from itertools import islice
from itertools import zip_longest
from types import MappingProxyType
from typing import Any
from typing import NamedTuple

import json_repair

from proxyapp.wire import jsons

MAX_CHARACTERS = 1 << 20
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
_CLOSERS = MappingProxyType({"{": "}", "[": "]"})


class Unreadable(Exception):
    """The text cannot be read without guessing; the message says why."""


class _Token(NamedTuple):
    kind: str
    text: str


def repaired_object(text: str) -> str:
    """Return broken JSON as the JSON text of an object.

    Raises Unreadable where a key or value is not whole: above all where the text was
    cut off within one, or after a mark that announces more.
    """
    if len(text) > MAX_CHARACTERS:
        raise Unreadable("they are too long to be repaired")
    fenced = _FENCE.fullmatch(text)
    tokens = list(islice(_tokens(fenced[1] if fenced else text), MAX_TOKENS + 1))
    if len(tokens) > MAX_TOKENS or max(_depths(tokens), default=0) > MAX_NESTING:
        raise Unreadable("they are too long to be repaired")
    if not tokens or tokens[0].text != "{":
        raise Unreadable("they are not a JSON object")
    if tokens[-1].kind == "number" or tokens[-1].text in tuple(",:{["):
        raise Unreadable("they end in the middle")
    closed = _closed(tokens)
    return closed if isinstance(read(closed), dict) else _assembled(tokens)


def read(text: str) -> Any:
    """Read JSON; None stands for null and for what is none."""
    try:
        return jsons.loads(text)
    except ValueError:
        return None


def guessed(text: str) -> Any:
    """Return json-repair's reading of a text, or None."""
    try:
        return json_repair.loads(text, skip_json_loads=True)
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
        return None


def _tokens(text: str) -> Iterator[_Token]:
    at, end = 0, len(text.rstrip())
    while at < end:
        found = _TOKEN.match(text, at, end)
        if found is None:
            raise Unreadable("a value is cut off or not quoted")
        kind = found.lastgroup or ""
        at = found.end()
        is_key = kind == "word" and text[at : at + 20].lstrip().startswith(":")
        yield _Token(
            kind, f'"{found[kind]}"' if is_key else _as_json(kind, found[kind])
        )


def _as_json(kind: str, text: str) -> str:
    if kind == "word":
        if text not in _LITERALS:
            raise Unreadable("a value is cut off or not quoted")
        return _LITERALS[text]
    if kind == "single":
        text = f'"{_QUOTE_OR_ESCAPE.sub(_for_double_quotes, text[1:-1])}"'
    if kind in ("string", "single"):
        text = _CONTROL.sub(lambda found: jsons.text(found[0])[1:-1], text)
        if read(text) is None:
            raise Unreadable("a string holds an unknown escape")
    return text


def _for_double_quotes(found: re.Match[str]) -> str:
    return {"\\'": "'", '"': '\\"'}.get(found[0], found[0])


def _depths(tokens: Sequence[_Token]) -> Iterator[int]:
    depth = 0
    for _, text in tokens:
        depth += (text in ("{", "[")) - (text in ("}", "]"))
        yield depth


def _closed(tokens: Sequence[_Token]) -> str:
    """Write the tokens without trailing commas, and close what was left open."""
    written: list[str] = []
    open_marks: list[str] = []
    for token, after in zip_longest(tokens, tokens[1:], fillvalue=_Token("", "}")):
        if token.text == "," and after.text in ("}", "]"):
            continue
        if token.text in _CLOSERS:
            open_marks.append(_CLOSERS[token.text])
        elif token.text in ("}", "]") and open_marks:
            open_marks.pop()
        written.append(token.text)
    return "".join([*written, *reversed(open_marks)])


def _assembled(tokens: Sequence[_Token]) -> str:
    """Put the scalars into the structure that json-repair finds for them.

    The library sees a number in place of each scalar. It cannot alter one that way
    (it strips line breaks from the ends of strings, for one), and what it invents,
    drops or reorders shows.
    """
    scalars = [token.text for token in tokens if token.kind != "mark"]
    numbers = (f"#{at}" for at in range(len(scalars)))
    pieces = [t.text if t.kind == "mark" else next(numbers) for t in tokens]
    skeleton = " ".join(f'"{p}"' if p.startswith("#") else p for p in pieces)
    found = guessed(skeleton)
    if not isinstance(found, dict):
        raise Unreadable("they are not one JSON object")
    if list(_pieces(found)) != [p for p in pieces if p not in tuple("}],:")]:
        raise Unreadable("a value is missing")
    return _written(found, iter(scalars))


def _pieces(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        yield "{"
        for key, item in value.items():
            yield key
            yield from _pieces(item)
    elif isinstance(value, list):
        yield "["
        for item in value:
            yield from _pieces(item)
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
        raise Unreadable("a key is not a string")
    return scalar
