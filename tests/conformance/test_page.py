"""docs/conformance.md and the tests that bear its numbers."""

import ast
from pathlib import Path

import pytest

from tests import statements

TESTS = Path(__file__).parents[1]


def borne(path):
    tree = ast.parse(path.read_text("utf-8"))
    return {
        argument.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "conformance"
        for argument in node.args
        if isinstance(argument, ast.Constant)
    }


def group_of(number):
    value = int(number.removeprefix("C-"))
    return next(name for name, span in statements.GROUPS.items() if value in span)


def test_every_number_a_test_bears_is_on_the_page():
    on_page = set(statements.listed())
    unknown = {
        f"{path.name}: {number}"
        for path in TESTS.rglob("test_*.py")
        for number in borne(path) - on_page
    }
    assert unknown == set()


def test_the_page_lists_its_numbers_once_and_in_order():
    numbers = statements.listed()
    assert numbers == sorted(set(numbers))


@pytest.mark.parametrize(
    "group", ["A", "B", "C", "D", "E", "G", "H", "I", "J", "L", "M"]
)
def test_the_page_has_every_number_of_the_group(group):
    on_page = [n for n in statements.listed() if group_of(n) == group]
    assert on_page == [f"C-{number:03}" for number in statements.GROUPS[group]]


def test_the_groups_are_217_statements_without_a_gap():
    numbers = [number for span in statements.GROUPS.values() for number in span]
    assert numbers == list(range(1, 218))


def test_numbers_in_a_row_are_written_as_a_span():
    assert statements.spans([1, 2, 3, 7, 9, 10]) == "1-3, 7, 9-10"
