"""Counts and bounds are such that llama-server's grammar ends."""

import pytest

from proxyapp.tools.rules import numbers
from proxyapp.tools.rules.context import Context

WIDEST = 2**63 - 2


def applied(rule, schema):
    return rule(schema, Context(schema)), schema


@pytest.mark.parametrize(("given", "wanted"), [(1.0, 1), ("5", 5), ("2.0", 2)])
def test_a_count_becomes_whole(given, wanted):
    changed, schema = applied(numbers.make_counts_whole, {"minLength": given})
    assert changed
    assert (schema["minLength"], type(schema["minLength"])) == (wanted, int)


@pytest.mark.parametrize("given", [-1, 1.5, None, True, "x", [], 2**31, 1e300, "nan"])
def test_a_count_that_is_none_goes(given):
    assert applied(numbers.make_counts_whole, {"maxItems": given}) == (True, {})


@pytest.mark.parametrize("given", [0, 2000, 2**31 - 1])
def test_a_good_count_stays(given):
    assert applied(numbers.make_counts_whole, {"maxLength": given})[0] is False


def test_a_minimum_is_lowered_to_what_the_server_takes():
    schema = {"minLength": 2001, "minItems": 5000}
    assert applied(numbers.clamp_minimum_counts, schema) == (
        True,
        {"minLength": 2000, "minItems": 2000},
    )


@pytest.mark.parametrize("count", [1999, 2000, 2001])
def test_a_maximum_of_items_in_the_gap_is_lowered(count):
    assert applied(numbers.lower_max_items, {"maxItems": count})[1] == {
        "maxItems": 1990
    }


@pytest.mark.parametrize(
    "schema",
    [{"maxItems": 1990}, {"maxItems": 2002}, {"minItems": 1, "maxItems": 2000}],
)
def test_any_other_maximum_of_items_stays(schema):
    assert applied(numbers.lower_max_items, dict(schema)) == (False, schema)


@pytest.mark.parametrize(("low", "high"), [(5, 2), (1, 0)])
def test_crossed_counts_go_together(low, high):
    schema = {"minItems": low, "maxItems": high, "minLength": low, "maxLength": high}
    assert applied(numbers.remove_crossed_counts, schema) == (True, {})


def test_equal_counts_stay():
    assert (
        applied(numbers.remove_crossed_counts, {"minItems": 2, "maxItems": 2})[0]
        is False
    )


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ({"minimum": 0, "exclusiveMinimum": True}, {"exclusiveMinimum": 0}),
        ({"maximum": 9, "exclusiveMaximum": True}, {"exclusiveMaximum": 9}),
        ({"minimum": 0, "exclusiveMinimum": False}, {"minimum": 0}),
        ({"exclusiveMinimum": True}, {}),
    ],
)
def test_a_flag_becomes_the_bound_it_excludes(given, wanted):
    assert applied(numbers.make_exclusive_numeric, given) == (True, wanted)


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ({"minimum": "5"}, {"minimum": 5}),
        ({"minimum": "0.5"}, {"minimum": 0.5}),
        ({"minimum": None}, {}),
        ({"maximum": "x"}, {}),
        ({"maximum": True}, {}),
        ({"type": "integer", "minimum": 2**63}, {"type": "integer"}),
        ({"type": "integer", "minimum": -1e300}, {"type": "integer"}),
    ],
)
def test_a_bound_becomes_a_number_or_goes(given, wanted):
    assert applied(numbers.make_bounds_numeric, given) == (True, wanted)


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "number", "maximum": 1e300},
        {"type": "integer", "minimum": -(2**63), "maximum": 2**63 - 1},
        {"type": "integer", "minimum": 0.5},
    ],
)
def test_a_good_bound_stays(schema):
    assert applied(numbers.make_bounds_numeric, dict(schema)) == (False, schema)


@pytest.mark.parametrize(
    "bounds",
    [
        {"minimum": 5, "maximum": 2},
        {"minimum": 0.5, "maximum": 0.7},
        {"exclusiveMinimum": 5, "maximum": 5},
        {"exclusiveMinimum": 5, "exclusiveMaximum": 6},
    ],
)
def test_an_empty_range_of_integers_goes(bounds):
    schema = {"type": "integer", **bounds}
    assert applied(numbers.repair_integer_range, schema) == (True, {"type": "integer"})


@pytest.mark.parametrize("bound", [2 * 10**15, 2**53 - 1, 199 * 10**13, 10**18 + 5])
def test_a_long_bound_alone_is_given_its_other_end(bound):
    schema = {"type": "integer", "minimum": bound}
    assert applied(numbers.repair_integer_range, schema)[1]["maximum"] == WIDEST
    schema = {"type": "integer", "maximum": -bound}
    assert applied(numbers.repair_integer_range, schema)[1]["minimum"] == -WIDEST


@pytest.mark.parametrize(
    "bounds",
    [
        {"exclusiveMinimum": -(2**63)},
        {"minimum": -(2**63) + 1},
        {"maximum": -(2**63)},
        {"exclusiveMaximum": -(2**63)},
        {"minimum": 2**63 - 1},
    ],
)
def test_a_bound_at_the_end_of_64_bits_goes(bounds):
    schema = {"type": "integer", **bounds}
    assert applied(numbers.repair_integer_range, schema) == (True, {"type": "integer"})


def test_the_least_integer_is_no_bound():
    schema = {"type": "integer", "minimum": -(2**63), "maximum": -(10**16)}
    assert applied(numbers.repair_integer_range, schema)[1]["minimum"] == -WIDEST


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "integer", "minimum": 10**15},
        {"type": "integer", "minimum": 999_999_999_999_999},
        {"type": "integer", "minimum": -(2**53)},
        {"type": "integer", "maximum": 2**53},
        {"type": "integer", "minimum": 2**53, "maximum": 2**54},
        {"type": "number", "minimum": 5, "maximum": 2},
        {"minimum": 2**53},
        {"type": "integer", "minimum": 1, "maximum": 1},
    ],
)
def test_a_range_that_the_server_can_write_stays(schema):
    assert applied(numbers.repair_integer_range, dict(schema)) == (False, schema)
