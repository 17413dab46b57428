"""What is left of a key's scope where its bearer is."""

from collections.abc import Mapping
from collections.abc import Sequence
from typing import Final

from proxyapp.errors import Forbidden
from proxyapp.neutral.scope import Access
from proxyapp.neutral.scope import admits
from proxyapp.neutral.scope import Scope

UNKNOWN: Final = "unknown"
"""What a country is called that nobody trustworthy names."""

Countries = Mapping[str, Sequence[str]]
"""Patterns of models by country, for everybody who is there."""


def access_in(scope: Scope, country: str, countries: Countries) -> Access:
    """Give what may be used there; raise Forbidden if the key is no good there."""
    here = country or UNKNOWN
    if scope.countries and not admits(scope.countries, (here,)):
        raise Forbidden(
            f"This key may not be used from where you are ({here}); its owner decides"
            " that."
        )
    there = tuple(countries.get(here, ()))
    patterns = tuple(each for each in (scope.models, there) if each)
    return Access(patterns, scope.backends)
