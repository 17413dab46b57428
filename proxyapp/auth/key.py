"""One key, and how it stands in the file: every field is checked on the way in.

A bound that is misspelled must not be one that does not bind, so a file is taken
whole or not at all.
"""

import re
from collections.abc import Callable
from collections.abc import Mapping
from dataclasses import asdict
from dataclasses import dataclass
from dataclasses import replace
from types import MappingProxyType
from typing import Any
from typing import Final

from proxyapp.neutral.scope import EVERYTHING
from proxyapp.neutral.scope import Scope

PATTERNS: Final = ("models", "backends", "countries")
LIMITS: Final = ("requests_per_minute", "tokens_per_minute", "tokens_per_day")

_DIGEST: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Key:
    """One key: its SHA-256 digest, and what it may do until when.

    ``prefix`` is the beginning of the key itself, by which its owner knows it again.
    Times are seconds since 1970; ``expires`` is 0 for a key that does not.
    """

    name: str
    digest: str
    prefix: str = ""
    created: int = 0
    expires: int = 0
    scope: Scope = EVERYTHING


def read_key(entry: Any) -> Key:
    """Read a key as the file has it; raise ValueError for what it cannot have."""
    given = _checked(entry, _FIELDS)
    missing = {"name", "digest"} - given.keys()
    if missing:
        raise ValueError(f"a key lacks its {min(missing)}")
    bounds = _checked(given.pop("scope", {}), _BOUNDS)
    frozen: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in bounds.items()
    }
    return Key(**given, scope=Scope(**frozen) if frozen else EVERYTHING)


def key_entry(key: Key) -> dict[str, Any]:
    """Write a key as the file has it."""
    scope = {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in asdict(key.scope).items()
        if value
    }
    return {**asdict(replace(key, scope=EVERYTHING)), "scope": scope}


def _checked(table: Any, known: Mapping[str, Callable[[Any], bool]]) -> dict[str, Any]:
    if not isinstance(table, dict):
        raise ValueError("a key is no table")
    for name, value in table.items():
        if name not in known:
            raise ValueError(f"a key has no '{name}'")
        if not known[name](value):
            raise ValueError(f"'{name}' of a key cannot be what it is")
    return dict(table)


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and value != "" and value.isprintable()


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_digest(value: Any) -> bool:
    return isinstance(value, str) and _DIGEST.fullmatch(value) is not None


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_table(value: Any) -> bool:
    return isinstance(value, dict)


def _is_patterns(value: Any) -> bool:
    return isinstance(value, list) and all(
        isinstance(pattern, str) and pattern.strip("! ") != "" for pattern in value
    )


_FIELDS: Final = MappingProxyType(
    {
        "name": _is_name,
        "digest": _is_digest,
        "prefix": _is_text,
        "created": _is_count,
        "expires": _is_count,
        "scope": _is_table,
    }
)
_BOUNDS: Final = MappingProxyType(
    dict.fromkeys(PATTERNS, _is_patterns) | dict.fromkeys(LIMITS, _is_count)
)
