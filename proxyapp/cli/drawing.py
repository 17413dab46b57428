"""Boxes and tables, drawn as lines of text; nothing here writes anything."""

import unicodedata
from collections.abc import Iterator
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest
from textwrap import wrap
from typing import Final

WIDTH: Final = 78
"""The columns a drawing may use: a terminal has at least 80."""


@dataclass(frozen=True, slots=True)
class Pen:
    """The characters a drawing is made of."""

    across: str
    down: str
    top: tuple[str, str]
    joint: tuple[str, str]
    bottom: tuple[str, str]
    arrow: str


UNICODE: Final = Pen("─", "│", ("╭", "╮"), ("├", "┤"), ("╰", "╯"), "→")
ASCII: Final = Pen("-", "|", ("+", "+"), ("+", "+"), ("+", "+"), "->")


def draw_box(
    pen: Pen, title: str, lines: Sequence[str], next_title: str, command: str
) -> list[str]:
    """Draw lines in a box, and below them the next command to type.

    The command stands on a line of its own without a frame and however long it is,
    so that it can be copied as it stands.
    """
    width = 2 + max(map(columns, [*lines, f"{title}  ", f"{next_title}  "]))
    return [
        _rule(pen, pen.top, f"{pen.across} {title} ", width),
        *(f"{pen.down} {_padded(line, width - 2)} {pen.down}" for line in lines),
        _rule(pen, pen.joint, f"{pen.across} {next_title} ", width),
        command,
        _rule(pen, pen.bottom, "", width),
    ]


def _rule(pen: Pen, ends: tuple[str, str], words: str, width: int) -> str:
    return f"{ends[0]}{words}{pen.across * (width - columns(words))}{ends[1]}"


def draw_rows(rows: Sequence[tuple[str, str]], indent: int = 10) -> list[str]:
    """Write labelled facts, a long one on several lines beside its label."""
    return [line for label, fact in rows for line in _row(label, fact, indent)]


def _row(label: str, fact: str, indent: int) -> Iterator[str]:
    room = WIDTH - 4 - indent
    pieces = wrap(fact, room, break_long_words=False, break_on_hyphens=False) or [""]
    for shown, piece in zip_longest([label], pieces, fillvalue=""):
        yield f"{_padded(shown, indent)}{piece}".rstrip()


def draw_table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Write rows of cells in columns, each as wide as its widest cell."""
    widths = [max(map(columns, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(map(_padded, row, widths)).rstrip()  # the last column needs no room
        for row in rows
    ]


def columns(text: str) -> int:
    """Count the columns a terminal needs for a text: East Asian signs take two."""
    return sum(_columns_of(character) for character in text)


def _columns_of(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _padded(text: str, width: int) -> str:
    return text + " " * (width - columns(text))
