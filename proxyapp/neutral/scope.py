"""What a caller may use, as patterns.

A pattern is a name with wildcards; one that begins with ``!`` keeps out what it
matches. Without a pattern that lets in, everything not kept out is let in.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field
from fnmatch import fnmatchcase


def admits(patterns: Sequence[str], names: Sequence[str]) -> bool:
    """Tell whether patterns let in a thing that goes by these names.

    What is kept out is so in capitals too: some servers take a name as it comes.
    """
    barred = [pattern[1:] for pattern in patterns if pattern.startswith("!")]
    wanted = [pattern for pattern in patterns if not pattern.startswith("!")]
    if any(
        fnmatchcase(name.lower(), pattern.lower())
        for pattern in barred
        for name in names
    ):
        return False
    if not wanted:
        return True
    return any(fnmatchcase(name, pattern) for pattern in wanted for name in names)


@dataclass(frozen=True, slots=True)
class Scope:
    """What one key may use: patterns of models, backends and countries, and limits.

    A limit of 0 does not bind; tokens are those read and written.
    """

    models: tuple[str, ...] = ()
    backends: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()
    requests_per_minute: int = 0
    tokens_per_minute: int = 0
    tokens_per_day: int = 0

    @property
    def limited(self) -> bool:
        """Whether any limit binds."""
        minute = self.requests_per_minute or self.tokens_per_minute
        return bool(minute or self.tokens_per_day)


EVERYTHING = Scope()


@dataclass(frozen=True, slots=True)
class Access:
    """What a caller may use from where they are: patterns that must all let in."""

    models: tuple[tuple[str, ...], ...] = field(default=())
    backends: tuple[str, ...] = ()

    @property
    def whole(self) -> bool:
        """Whether nothing is kept out."""
        return not (self.models or self.backends)

    def admits(self, names: Sequence[str], backend: str) -> bool:
        """Tell whether a model of a backend may be used."""
        return admits(self.backends, (backend,)) and all(
            admits(patterns, names) for patterns in self.models
        )


ALL = Access()
