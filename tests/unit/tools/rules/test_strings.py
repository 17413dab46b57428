"""A pattern that does harm goes."""

import pytest

from proxyapp.tools.rules.context import Context
from proxyapp.tools.rules.strings import remove_broken_pattern


@pytest.mark.parametrize("pattern", [None, 5, [], "^a{5,2}$", "^(abc$"])
def test_a_pattern_that_does_harm_goes(pattern):
    schema = {"type": "string", "pattern": pattern}
    assert remove_broken_pattern(schema, Context(schema))
    assert schema == {"type": "string"}


def test_any_other_pattern_stays():
    schema = {"pattern": "\\d+"}
    assert not remove_broken_pattern(schema, Context(schema))
    assert schema == {"pattern": "\\d+"}
