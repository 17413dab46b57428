"""JSON as the gateway reads and writes it: strict in, compact out."""

import json
import re
from collections.abc import Iterable
from collections.abc import Iterator
from typing import Any

import orjson

from proxyapp.runtime import breathe

# One escape sequence at a time, so that `\\ud800` (an escaped backslash before
# plain letters) is passed over whole.
_ESCAPE = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    rb"|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)

_MANY = 4096
_PIECE = 1 << 16
Pieces = Iterator[bytes]


class TooDeep(TypeError):
    """A value has more levels than can be written, some nine hundred."""


def dumps(value: Any) -> bytes:
    """Write ``value`` as compact UTF-8 JSON, keys in their own order.

    What orjson does not take (254 levels and more, integers beyond 64 bits) the
    standard library writes. Raises TooDeep, and TypeError for what neither does.
    """
    try:
        return orjson.dumps(value)
    except TypeError:
        return _dumps_slowly(value)


def _dumps_slowly(value: Any) -> bytes:
    try:
        whole = json.dumps(  # noqa: TID251
            value, separators=(",", ":"), ensure_ascii=False, allow_nan=False
        )
    except RecursionError:
        raise TooDeep("nested too deeply to be written as JSON") from None
    except ValueError as error:
        raise TypeError(f"cannot be written as JSON: {error}") from None
    return whole.encode("utf-8", "replace")


def in_pieces(members: dict[str, Any], name: str, values: Iterable[Any]) -> Pieces:
    """Write an object whose last member is a list that may be long.

    Others run between its values, and it is never in memory as a whole.
    """
    piece = bytearray(dumps({**members, name: []})[:-2])
    comma = b""
    for value in values:
        piece += comma + dumps(value)
        comma = b","
        if len(piece) > _PIECE:
            yield bytes(piece)
            piece.clear()
        breathe()
    yield bytes(piece + b"]}")


def text(value: Any) -> str:
    """Write ``value`` as compact JSON text."""
    return dumps(value).decode()


def loads(data: bytes | str) -> Any:
    """Read strict JSON: no NaN, no trailing comma, at most 1,024 levels deep.

    A half of a surrogate pair becomes U+FFFD: JavaScript clients cut strings in the
    middle of an emoji and mean no harm. A number too large for 64 bits becomes a
    float. Raises ValueError with the place of the fault.
    """
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError as error:
        if "surrogate" not in str(error):
            raise
    raw = data.encode("utf-8", "replace") if isinstance(data, str) else data
    return orjson.loads(_without_halves(raw))


def _without_halves(raw: bytes) -> bytearray:
    """Replace each half of a surrogate pair; a body can hold millions of them."""
    whole = bytearray()
    at = 0
    for number, match in enumerate(_ESCAPE.finditer(raw)):
        if match.group(1):
            whole += raw[at : match.start()]
            whole += rb"\ufffd"
            at = match.end()
        if number % _MANY == 0:
            breathe()
    whole += raw[at:]
    return whole
