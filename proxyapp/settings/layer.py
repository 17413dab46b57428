"""One source of settings: its values, and where each of them was written."""

from collections.abc import Callable
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

KeyPath = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Layer:
    """Values by section, and a function that says where a key was written.

    ``place`` takes any path, also of a key that is missing, and answers for the
    nearest part that was written.
    """

    values: dict[str, Any]
    place: Callable[[KeyPath], str]


def dotted(path: Iterable[str | int]) -> str:
    """Write a path as its owner would: ``backends[0].compat.late_system``."""
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return "".join(parts).removeprefix(".")


def merge(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """Lay one document over another: tables are joined, all else is replaced."""
    merged = dict(base)
    for key, value in over.items():
        under = merged.get(key)
        if isinstance(under, dict) and isinstance(value, dict):
            value = merge(under, value)
        merged[key] = value
    return merged
