"""The numbered statements of docs/conformance.md, counted at the end of a run.

A test names what it proves: ``@pytest.mark.conformance("C-042")``. A statement is
proven when a test that bears its number passed and none failed.
"""

import re
from collections.abc import Iterable
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[1] / "docs" / "conformance.md"
LISTED = re.compile(r"^- \*\*(C-\d{3})\*\* \S", re.MULTILINE)
# Group by group, the numbers that belong to it.
GROUPS = {
    "A": range(1, 28),
    "B": range(28, 42),
    "C": range(42, 76),
    "D": range(76, 98),
    "E": range(98, 107),
    "F": range(107, 125),
    "G": range(125, 150),
    "H": range(150, 174),
    "I": range(174, 178),
    "J": range(178, 201),
    "K": range(201, 210),
    "L": range(210, 215),
    "M": range(215, 218),
}
PROPERTY = "conformance"


def listed() -> list[str]:
    """Give the numbers on the page, in its order."""
    return LISTED.findall(PAGE.read_text("utf-8"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let each report carry the numbers its test bears."""
    for item in items:
        for mark in item.iter_markers("conformance"):
            item.user_properties += [(PROPERTY, number) for number in mark.args]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Tell how many statements were proven, and which were not."""
    stats = terminalreporter.stats
    borne = numbers_of(report for reports in stats.values() for report in reports)
    if not borne:
        return
    failed = numbers_of([*stats.get("failed", []), *stats.get("error", [])])
    proven = numbers_of(stats.get("passed", [])) - failed
    total = sum(map(len, GROUPS.values()))
    terminalreporter.section("conformance")
    terminalreporter.line(f"{len(proven)} of {total} statements are proven.")
    for group, numbers in GROUPS.items():
        lacking = [n for n in numbers if f"C-{n:03}" not in proven]
        if lacking:
            terminalreporter.line(f"  {group}: not proven: {spans(lacking)}")


def numbers_of(reports: Iterable[object]) -> set[str]:
    """Give the numbers borne by these reports."""
    return {
        value
        for report in reports
        for name, value in getattr(report, "user_properties", ())
        if name == PROPERTY
    }


def spans(numbers: list[int]) -> str:
    """Write numbers briefly: 1-3, 7."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return ", ".join(f"{a}-{b}" if a != b else f"{a}" for a, b in runs)
