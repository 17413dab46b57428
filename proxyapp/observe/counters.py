"""Counts of what happened, by name and label."""

import threading
from collections import Counter


class Counters:
    """Count things; safe to use from every request at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[tuple[str, str]] = Counter()

    def add(self, name: str, label: str = "", amount: int = 1) -> None:
        """Count ``amount`` more of ``name``, told apart by ``label``."""
        with self._lock:
            self._counts[name, label] += amount

    def snapshot(self) -> dict[tuple[str, str], int]:
        """Give all counts as they are now."""
        with self._lock:
            return dict(self._counts)
