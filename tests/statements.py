"""The numbered statements of the pages in docs, counted at the end of a run.

A test names what it proves: ``@pytest.mark.conformance("C-042")``, or
``@pytest.mark.reliability("R-007")``. A statement is proven when a test that bears its
number passed and none failed. What no test can show here has a documented check
instead: its text on the page holds ``*Check:*``.
"""

import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[1] / "docs"
PAGES = ("conformance", "reliability")
STATEMENT = re.compile(
    r"^- \*\*([CR]-\d{3}[a-z]?)\*\* (\S.*(?:\n(?:  .*|(?=\n  )))*)", re.MULTILINE
)
STAR = "★"
CHECK = "*Check:*"
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
ROW = 4


def statements(page: str) -> dict[str, str]:
    """Give the page's statements by number, in its order."""
    return dict(STATEMENT.findall((DOCS / f"{page}.md").read_text("utf-8")))


def listed(page: str = "conformance") -> list[str]:
    """Give the numbers on the page, in its order, each as often as it stands there."""
    text = (DOCS / f"{page}.md").read_text("utf-8")
    return [number for number, _ in STATEMENT.findall(text)]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let each report carry the numbers its test bears."""
    for item in items:
        for page in PAGES:
            for mark in item.iter_markers(page):
                item.user_properties += [(page, number) for number in mark.args]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Tell how many statements were proven, and which were not."""
    stats = terminalreporter.stats
    tellers = {"conformance": conformance_lines, "reliability": reliability_lines}
    for page, tell in tellers.items():
        if not any(numbers_of(page, reports) for reports in stats.values()):
            continue
        failed = numbers_of(page, [*stats.get("failed", []), *stats.get("error", [])])
        passed = numbers_of(page, stats.get("passed", []))
        terminalreporter.section(page)
        for line in tell(passed, failed):
            terminalreporter.line(line)


def conformance_lines(passed: Counter[str], failed: Counter[str]) -> list[str]:
    """Tell the count, and the numbers that lack."""
    proven = passed.keys() - failed.keys()
    total = sum(map(len, GROUPS.values()))
    told = [f"{len(proven)} of {total} statements are proven."]
    for group, numbers in GROUPS.items():
        lacking = [n for n in numbers if f"C-{n:03}" not in proven]
        if lacking:
            told.append(f"  {group}: not proven: {spans(lacking)}")
    return told


def reliability_lines(passed: Counter[str], failed: Counter[str]) -> list[str]:
    """Tell the counts, and of every statement what became of it."""
    found = {
        number: verdict(number, text, passed, failed)
        for number, text in statements("reliability").items()
    }
    stars = {n for n, text in statements("reliability").items() if starred(text)}
    counts = Counter(word.partition(" ")[0] for word in found.values())
    good = sum(found[number].startswith("passed") for number in stars)
    cells = [
        f"{number}{STAR if number in stars else ' '} {word}".ljust(20)
        for number, word in found.items()
    ]
    rows = [cells[start : start + ROW] for start in range(0, len(cells), ROW)]
    return [
        f"{counts['passed']} of {len(found)} statements are proven"
        f" ({good} of the {len(stars)} marked {STAR}),"
        f" {counts['check']} have a documented check,"
        f" {counts['open'] + counts['FAILED']} are not proven.",
        *(f"  {''.join(row).rstrip()}" for row in rows),
    ]


def verdict(number: str, text: str, passed: Counter[str], failed: Counter[str]) -> str:
    """Tell what became of one statement, with the number of its tests."""
    if failed[number]:
        return f"FAILED ({failed[number]})"
    if passed[number]:
        return f"passed ({passed[number]})"
    return "check" if CHECK in text else "open"


def starred(text: str) -> bool:
    """Tell whether a statement is one of those that matter most."""
    return text.startswith(STAR)


def numbers_of(page: str, reports: Iterable[object]) -> Counter[str]:
    """Count the tests that bear each number among these reports."""
    return Counter(
        value
        for report in reports
        for name, value in getattr(report, "user_properties", ())
        if name == page
    )


def spans(numbers: list[int]) -> str:
    """Write numbers briefly: 1-3, 7."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return ", ".join(f"{a}-{b}" if a != b else f"{a}" for a, b in runs)
