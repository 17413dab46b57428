"""docs/reliability.md, and the list that a run ends with."""

import ast
from collections import Counter
from pathlib import Path

from tests import statements

HERE = Path(__file__).parent
LISTED = [
    *(f"R-{number:03}" for number in range(1, 30)),
    *("R-029b", "R-029c", "R-029d"),
    *(f"R-{number:03}" for number in range(30, 63) if number != 49),
]
STARRED = (*(1, 2, 3, 4, 5, 7, 20, 21, 23, 28, 30, 31, 32, 35, 36, 41, 42, 50, 53, 56),)


def borne():
    """Give every number that a test bears as a reliability mark."""
    return {
        argument.value
        for path in HERE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "reliability"
        for argument in node.args
        if isinstance(argument, ast.Constant)
    }


def test_the_page_lists_every_number_once_and_in_order():
    assert statements.listed("reliability") == LISTED


def test_the_page_marks_those_that_matter_most():
    page = statements.statements("reliability")
    starred = [number for number, text in page.items() if statements.starred(text)]
    assert starred == [f"R-{number:03}" for number in STARRED]


def test_every_number_a_test_bears_is_on_the_page():
    assert borne() - set(LISTED) == set()


def test_the_list_names_every_statement():
    told = "\n".join(statements.reliability_lines(Counter(), Counter()))
    assert [number for number in LISTED if number not in told] == []


def test_a_statement_is_passed_failed_checked_or_open():
    def verdict(text, passed=0, failed=0):
        counts = Counter({"R-001": passed}), Counter({"R-001": failed})
        return statements.verdict("R-001", text, *counts)

    assert verdict("It holds.", passed=3) == "passed (3)"
    assert verdict("It holds.", passed=3, failed=1) == "FAILED (1)"
    assert verdict("It holds. *Check:* looked at.") == "check"
    assert verdict("It holds. *Check:* looked at.", passed=1) == "passed (1)"
    assert verdict("It holds.") == "open"


def test_the_first_line_counts():
    first, *_ = statements.reliability_lines(
        Counter({"R-001": 2, "R-006": 1}), Counter({"R-006": 1})
    )
    assert first.startswith("1 of 64 statements are proven (1 of the 20 marked ★)")
