"""The order in which the rules are applied to a schema, parents before children.

A rule may count on those before it: a combinator's members are merged before the
keywords they bring are looked at, a type is spelled before it is asked for.
"""

from collections.abc import Callable
from types import MappingProxyType
from typing import NamedTuple

from proxyapp.tools.rules import arrays
from proxyapp.tools.rules import combinators
from proxyapp.tools.rules import keywords
from proxyapp.tools.rules import numbers
from proxyapp.tools.rules import objects
from proxyapp.tools.rules import strings
from proxyapp.tools.rules import types
from proxyapp.tools.rules.context import Context
from proxyapp.tools.walk import Schema


class Rule(NamedTuple):
    """A repair: its name in reports, the keywords that call for it, and its deed.

    ``apply`` changes the schema in place and tells whether it did.
    """

    name: str
    keywords: frozenset[str]
    apply: Callable[[Schema, Context], bool]


def _rule(name: str, keys: str, apply: Callable[[Schema, Context], bool]) -> Rule:
    return Rule(name, frozenset(keys.split()), apply)


RULES = (
    _rule("combinator-members", "allOf anyOf oneOf", combinators.make_members_schemas),
    _rule("any-of-open", "anyOf", combinators.drop_open_any_of),
    _rule("all-of-nested", "allOf", combinators.flatten_all_of),
    _rule("all-of-merged", "allOf", combinators.merge_all_of),
    _rule("properties-map", "properties", objects.map_properties),
    _rule("all-of-hoisted", "allOf", combinators.hoist_all_of),
    _rule("alternatives-hide", "anyOf oneOf", combinators.drop_object_alternatives),
    Rule(
        "keyword-malformed",
        frozenset(keywords.FORMS),
        keywords.remove_malformed_keyword,
    ),
    Rule(
        "schema-map",
        frozenset(keywords.SCHEMA_MAP_KEYWORDS),
        keywords.clean_schema_maps,
    ),
    _rule("type-name", "type", types.rename_type),
    _rule("nullable", "nullable", types.allow_null),
    _rule("enum-empty", "enum", types.remove_empty_enum),
    _rule("property-schema", "properties", objects.make_properties_schemas),
    _rule("required-in-property", "properties", objects.hoist_required),
    _rule("required-list", "required", objects.list_required),
    _rule("required-undefined", "required", objects.define_required),
    _rule("additional", "additionalProperties", objects.check_additional),
    _rule("pattern-properties", "patternProperties", objects.open_patterns),
    _rule("awkward-names", "additionalProperties", objects.close_awkward_names),
    _rule("items", "items", arrays.make_items_schema),
    _rule("prefix-items", "prefixItems", arrays.make_prefix_schemas),
    _rule("tuple-and-rest", "prefixItems", arrays.join_tuple_and_rest),
    _rule("count", " ".join(numbers.COUNTS), numbers.make_counts_whole),
    _rule("count-too-large", "minLength minItems", numbers.clamp_minimum_counts),
    _rule("max-items", "maxItems", numbers.lower_max_items),
    _rule("count-crossed", "minLength minItems", numbers.remove_crossed_counts),
    _rule(
        "exclusive-flag",
        "exclusiveMinimum exclusiveMaximum",
        numbers.make_exclusive_numeric,
    ),
    _rule("bound", " ".join(numbers.BOUNDS), numbers.make_bounds_numeric),
    _rule("integer-range", " ".join(numbers.BOUNDS), numbers.repair_integer_range),
    _rule("pattern", "pattern", strings.remove_broken_pattern),
)


_BY_KEYWORD = MappingProxyType(
    {
        keyword: tuple(at for at, rule in enumerate(RULES) if keyword in rule.keywords)
        for rule in RULES
        for keyword in rule.keywords
    }
)


def rules_for(schema: Schema) -> list[Rule]:
    """Return the rules that the keywords of a schema call for, in their order."""
    called = {at for key in schema if key in _BY_KEYWORD for at in _BY_KEYWORD[key]}
    return [RULES[at] for at in sorted(called)]
