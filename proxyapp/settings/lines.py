"""Find the line of each key in a TOML text.

tomllib gives values without places, and an error about a setting is of little use
without its line. The text must be valid TOML: tomllib has read it before.
"""

import re
import tomllib
from typing import Final

from proxyapp.settings.layer import KeyPath

_BLANK: Final = re.compile(r"(?:[ \t\n]|#[^\n]*)*")
_HEADER: Final = re.compile(r"\[\[?")
_KEY_PART: Final = re.compile(
    r"""[ \t]*(?P<part>[A-Za-z0-9_-]+|"(?:\\.|[^"\\])*"|'[^']*')[ \t]*(?P<dot>\.?)"""
)
_VALUE_PIECE: Final = re.compile(
    r"""
      \"{3}(?:\\.|[^\\])*?\"{3}\"{0,2}      # may end in up to five quotes
    | '{3}.*?'{3}'{0,2}
    | "(?:\\.|[^"\\])*"
    | '[^']*'
    | \#[^\n]*
    | (?P<open>[\[{])
    | (?P<close>[\]}])
    | (?P<end>\n)
    | [^"'#\[\]{}\n]+
    """,
    re.VERBOSE | re.DOTALL,
)


def key_lines(text: str) -> dict[KeyPath, int]:
    """Map the path of every key and table to the line, from 1, that first names it.

    Keys inside an inline table have no entry; their table's line stands for them.
    """
    return _Scanner(text).scan()


class _Scanner:
    """Walk a text once, statement by statement."""

    def __init__(self, text: str) -> None:
        self.text = text.replace("\r\n", "\n")
        self.at = 0
        self.line = 1
        self.table: KeyPath = ()
        self.lengths: dict[KeyPath, int] = {}
        self.found: dict[KeyPath, int] = {}

    def scan(self) -> dict[KeyPath, int]:
        self._blanks()
        while self.at < len(self.text):
            header = _HEADER.match(self.text, self.at)
            if header:
                self._move(header.end())
                self._open_table(self._key(), many=header.group() == "[[")
            else:
                self._record(self.table, self._key())
            self._value()
            self._blanks()
        return self.found

    def _open_table(self, key: list[str], *, many: bool) -> None:
        outer: KeyPath = ()
        for part in key[:-1]:
            outer = self._latest((*outer, part))
        path = (*outer, key[-1])
        self._record(outer, key[-1:])
        if many:
            self.lengths[path] = self.lengths.get(path, 0) + 1
        self.table = self._latest(path)
        self.found.setdefault(self.table, self.line)

    def _latest(self, path: KeyPath) -> KeyPath:
        """Lead a path into the last table of an array, if it names one."""
        length = self.lengths.get(path)
        return (*path, length - 1) if length else path

    def _record(self, table: KeyPath, key: list[str]) -> None:
        for end in range(1, len(key) + 1):
            self.found.setdefault((*table, *key[:end]), self.line)

    def _key(self) -> list[str]:
        parts: list[str] = []
        more = True
        while more and (match := _KEY_PART.match(self.text, self.at)):
            self._move(match.end())
            parts.append(_unquoted(match["part"]))
            more = bool(match["dot"])
        return parts

    def _value(self) -> None:
        """Pass over the rest of a statement: up to a line end outside brackets."""
        depth = 0
        while match := _VALUE_PIECE.match(self.text, self.at):
            self._move(match.end())
            depth += (match.lastgroup == "open") - (match.lastgroup == "close")
            if match.lastgroup == "end" and depth <= 0:
                return

    def _blanks(self) -> None:
        match = _BLANK.match(self.text, self.at)
        self._move(match.end() if match else len(self.text))

    def _move(self, to: int) -> None:
        self.line += self.text.count("\n", self.at, to)
        self.at = to


def _unquoted(part: str) -> str:
    if part[0] == "'":
        return part[1:-1]
    if part[0] == '"':
        return str(tomllib.loads(f"key = {part}")["key"])
    return part
