"""``python -m proxyapp usage``: what was asked, day by day."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from proxyapp.cli.drawing import columns
from proxyapp.cli.drawing import draw_table
from proxyapp.cli.terminal import Terminal
from proxyapp.observe.clock import day_around
from proxyapp.observe.clock import wall_clock
from proxyapp.observe.database import FILE
from proxyapp.observe.report import HistoryUnreadable
from proxyapp.observe.report import Usage
from proxyapp.observe.report import usage_by_day
from proxyapp.settings.load import load_settings

_DAYS: Final = 30
_WORDS: Final = ("DAY", "MODEL", "KEY")
_NUMBERS: Final = ("REQUESTS", "INPUT", "OUTPUT", "PREMIUM", "FAILED")
_OPTIONAL: Final = ("KEY", "PREMIUM", "FAILED")
"""Columns that are left out where they say nothing."""


def run(terminal: Terminal) -> int:
    """Show the last 30 days; give 1 if the history cannot be read."""
    state = load_settings().state
    history = Path(state.directory, FILE)
    if not (state.directory and history.exists()):
        terminal.say("No request is on record.")
        return 0
    today, _ = day_around(wall_clock())
    try:
        rows = usage_by_day(history, today - (_DAYS - 1) * 86400)
    except HistoryUnreadable as error:
        terminal.warn(f"The history cannot be read: {error}")
        return 1
    terminal.say(*(table(rows) if rows else ["No request is on record."]))
    return 0


def table(rows: Sequence[Usage]) -> list[str]:
    """Write a line for each day, model and key, and one for all of them."""
    total = Usage(
        *("total", "", ""),
        requests=sum(row.requests for row in rows),
        input=sum(row.input for row in rows),
        output=sum(row.output for row in rows),
        premium=sum(row.premium for row in rows),
        failures=sum(row.failures for row in rows),
    )
    lines = [_WORDS + _NUMBERS, *map(_cells, rows), _cells(total)]
    days = [line[0] for line in lines]
    told = ["" if days[at] == days[at - 1] else days[at] for at in range(len(days))]
    lines = [(day, *line[1:]) for day, line in zip(told, lines, strict=True)]
    wanted = [_column(column) for column in zip(*lines, strict=True) if _says(column)]
    return draw_table(list(zip(*wanted, strict=True)))


def _cells(row: Usage) -> tuple[str, ...]:
    return (
        row.day,
        row.model or ("" if row.day == "total" else "(none)"),
        row.key,
        *(f"{number:,}" for number in (row.requests, row.input, row.output)),
        f"{row.premium:,.2f}".rstrip("0").rstrip("."),
        f"{row.failures:,}",
    )


def _says(column: Sequence[str]) -> bool:
    header, *cells = column
    return header not in _OPTIONAL or any(cell not in ("", "0") for cell in cells)


def _column(column: Sequence[str]) -> Sequence[str]:
    """Put the digits of numbers below each other."""
    if column[0] not in _NUMBERS:
        return column
    width = max(map(columns, column))
    return [cell.rjust(width) for cell in column]
