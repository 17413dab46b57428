"""What tests measure, and how they allow for a machine that is busy with others."""

import os
import resource
from collections.abc import Callable
from pathlib import Path

TRIES = 3


def least(measure: Callable[[], float], enough: float, tries: int = TRIES) -> float:
    """Measure until it is no more than enough, at most so often; give the least.

    A machine may be busy with something else for a moment. Each try must do the same
    work: what is remembered from the first would make the next ones cheap.
    """
    found = measure()
    for _ in range(tries - 1):
        if found <= enough:
            break
        found = min(found, measure())
    return found


def memory_of(pid: int) -> float:
    """Give a process's resident memory, in MB."""
    pages = int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1])
    return pages * resource.getpagesize() / (1 << 20)


def cpu_of(pid: int) -> float:
    """Give the CPU time that a process has spent, in ms."""
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return sum(map(int, fields[11:13])) * 1000 / os.sysconf("SC_CLK_TCK")
