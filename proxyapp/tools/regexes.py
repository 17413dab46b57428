"""Tell which ``pattern`` breaks llama-server, by reading it, never by running it.

llama-server turns a pattern that is anchored at both ends into grammar, if it
knows every construct in it; any other valid pattern it ignores. Measured against
its build 0c1e570: ``{5,2}`` makes its main loop spin for ever and eat memory.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import inf
from typing import NamedTuple

MAX_LENGTH = 2048
MAX_REPEAT = 2000
"""Exact repetitions that llama-server's grammar allows."""

MAX_RULES = 1990
"""Grammar rules inside a group that ``*``, ``+`` or ``?`` may follow."""

MAX_PRODUCT = 20_000
"""Nested repetitions multiplied; 125,000 took the server 2 s, a million over 6."""

MAX_OPTIONAL = 48
"""Parts that may be empty; 100 of ``[a-z]*`` in a row took the server over 6 s."""

_TOKEN = re.compile(
    r"(?P<escape>\\(?:[pPu]\{\w{1,40}\}|x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}"
    r"|U[0-9A-Fa-f]{8}|.))"
    r"|(?P<set>\[(?:[^\]\\]|\\.)*\])"
    r"|(?P<repeat>[*+?]|\{[^{}]{0,32}\})"
    r"|(?P<open>\((?:\?(?::|<?[=!]|<\w+>|P<\w+>)?)?)"
    r"|(?P<close>\))|(?P<alternative>\|)|(?P<anchor>[\^$])|(?P<dot>\.)"
    r"|(?P<character>[^\\\[(])",
    re.DOTALL,
)
_SET_MEMBER = re.compile(
    r"\\(?:x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|[tnr\\\"\[\]-])|[^\\]",
    re.DOTALL,
)
_BOUNDS = re.compile(r"\{\s*([+-]?\d{0,9})[^,}]*(?:(,)\s*([+-]?\d{0,9})[^,}]*)?\}")
_NAMED = {"t": "\t", "r": "\r", "n": "\n"}.items()
_LITERAL_ESCAPES = frozenset('^$.[](){}|*+?trn\\"-xuU')
_NEEDS_ESCAPE = frozenset('"\\') | {chr(code) for code in range(32)}


class _Token(NamedTuple):
    kind: str
    text: str


@dataclass(slots=True)
class _Part:
    """What the grammar of an atom or a group costs.

    ``product`` is its nested repetitions multiplied, ``rules`` counts the grammar
    rules made for them, ``optional`` what may be empty in it; ``hollow`` tells that
    one of its alternatives has nothing in it.
    """

    product: int = 1
    rules: int = 0
    optional: int = 0
    hollow: bool = False
    bare: bool = True

    def take(self, part: "_Part | None") -> None:
        if part is not None:
            self.product = max(self.product, part.product)
            self.rules += part.rules
            self.optional += part.optional
            self.bare = False

    def end_alternative(self) -> None:
        self.hollow = self.hollow or self.bare
        self.bare = True


def fault_of(pattern: str) -> str | None:
    """Name what is wrong with a pattern, or return None where it does no harm."""
    if len(pattern) > MAX_LENGTH:
        return "pattern-too-long"
    tokens = _tokens(pattern)
    if tokens is None or not _is_valid(tokens):
        return "pattern-invalid"
    anchored = len(pattern) > 1 and pattern[0] == "^" and pattern[-1] == "$"
    if anchored and tokens[-1].kind != "anchor":
        # "^a\\$" ends in a plain dollar, but llama-server cuts it off for an anchor.
        return "pattern-refused"
    inner = tokens[1:-1]
    if not anchored or not all(_is_known(token) for token in inner):
        return None
    if any(_writes_bare_escape(token) for token in inner):
        return "pattern-breaks-json"
    if any(_reversed_set(token) for token in inner) or _splits_character(inner):
        return "pattern-refused"
    return _costs_too_much(inner)


def _tokens(pattern: str) -> list[_Token] | None:
    tokens: list[_Token] = []
    at = 0
    while at < len(pattern):
        found = _TOKEN.match(pattern, at)
        if found is None:
            return None
        tokens.append(_Token(found.lastgroup or "", found.group()))
        at = found.end()
    return tokens


def _is_valid(tokens: Sequence[_Token]) -> bool:
    """Tell whether parentheses balance and every repetition repeats something."""
    depth = 0
    before = _Token("open", "(")
    lazy = False
    for token in tokens:
        depth += (token.kind == "open") - (token.kind == "close")
        if depth < 0:
            return False
        if token.kind == "repeat" and _bounds(token) is not None:
            low, high = _bounds(token) or (0, 0)
            if high < low or low < 0:
                return False
            if before.kind in ("open", "alternative", "anchor"):
                return False
            if before.kind == "repeat" and (token.text != "?" or lazy):
                return False
        lazy = before.kind == "repeat"
        before = token
    return depth == 0


def _bounds(token: _Token) -> tuple[float, float] | None:
    """Return how often a repetition repeats, or None where it is plain text."""
    simple = {"*": (0, inf), "+": (1, inf), "?": (0, 1)}.get(token.text)
    if simple is not None:
        return simple
    found = _BOUNDS.fullmatch(token.text)
    if found is None or not (found[2] or found[1].strip("+-")):
        return None
    low = int(found[1]) if found[1].strip("+-") else 0
    if not found[2]:
        return low, low
    return low, int(found[3]) if found[3].strip("+-") else inf


def _is_known(token: _Token) -> bool:
    """Tell whether llama-server turns this into grammar.

    One construct that it does not know makes it ignore the whole pattern.
    """
    kind, text = token
    if kind == "escape":
        coded = text[1] not in "xuU" or (len(text) > 2 and text[2] != "{")
        return text[1] in _LITERAL_ESCAPES and coded
    if kind == "set":
        return len(_SET_MEMBER.sub("", text[1:-1])) == 0
    if kind == "open":
        return text in ("(", "(?:")
    if kind == "repeat":
        return _bounds(token) is not None
    return kind != "anchor" and text not in "]}{"


def _writes_bare_escape(token: _Token) -> bool:
    """Tell whether the grammar would write what JSON must have escaped.

    llama-server copies literals into the JSON text as they are: a quote ends the
    string, and a backslash begins an escape that was never meant.
    """
    kind, text = token
    if kind in ("escape", "character"):
        return _character(text) in _NEEDS_ESCAPE
    if kind == "set" and not text.startswith("[^"):
        members = _SET_MEMBER.findall(text[1:-1])
        return any(_character(member) in _NEEDS_ESCAPE for member in members)
    return "\0" in text


def _character(text: str) -> str:
    if text[0] != "\\":
        return text
    if text[1] in "xuU" and len(text) > 2:
        code = int(text[2:], 16)
        return chr(code) if code < 0x110000 else "\0"
    return dict(_NAMED).get(text[1], text[1])


def _reversed_set(token: _Token) -> bool:
    """Tell whether a set holds a range like ``z-a``, which nothing can match."""
    if token.kind != "set":
        return False
    members = [_character(m) for m in _SET_MEMBER.findall(token.text[1:-1])]
    return any(
        dash == "-" and last < first
        for first, dash, last in zip(members, members[1:], members[2:], strict=False)
    )


def _splits_character(tokens: Sequence[_Token]) -> bool:
    """Tell whether a repetition follows a literal of more than one byte.

    The grammar is built from bytes, and the repetition would bind to the last.
    """
    return any(
        token.kind == "character"
        and not token.text.isascii()
        and after.kind == "repeat"
        for token, after in pairwise(tokens)
    )


def _costs_too_much(tokens: Sequence[_Token]) -> str | None:
    """Judge the size of a pattern's grammar, and what the grammar refuses."""
    groups = [_Part()]
    part: _Part | None = None
    for token in tokens:
        if token.kind == "repeat":
            fault = _repeat(part or _Part(), token)
            if fault is not None:
                return fault
            continue
        groups[-1].take(part)
        part = None
        if token.kind == "open":
            groups.append(_Part())
        elif token.kind == "close":
            part = groups.pop()
            part.end_alternative()
        elif token.kind == "alternative":
            groups[-1].end_alternative()
        else:
            part = _Part()
    groups[-1].take(part)
    if groups[-1].product > MAX_PRODUCT or groups[-1].optional > MAX_OPTIONAL:
        return "pattern-too-costly"
    return None


def _repeat(part: _Part, token: _Token) -> str | None:
    low, high = _bounds(token) or (1, 1)
    if low > MAX_REPEAT:
        return "pattern-repeats-too-often"
    simple = token.text in ("*", "+", "?")
    if simple and (part.rules > MAX_RULES or (part.hollow and token.text != "?")):
        return "pattern-refused"
    # llama-server takes a maximum over its limit as none, which costs little.
    times = int(max(high if high <= MAX_REPEAT else low, 1))
    part.rules = part.rules + 1 if simple else times
    part.product *= times
    part.optional *= times
    if low == 0 and part.optional == 0:
        part.optional = 1
    return None
