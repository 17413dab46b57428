"""Show what was measured: beside the goals, and by scenario and target."""

import os
import platform
import re
import subprocess
from collections.abc import Iterable
from collections.abc import Sequence
from importlib.metadata import version

from disconnect import PHASES
from facts import DepartureTable
from facts import Facts
from goals import Goal
from goals import GOALS
from measure import Samples
from scenarios import SCENARIOS

Rows = list[list[str]]
NOTHING = "-"
PACKAGES = ("gunicorn", "gevent", "flask", "requests", "urllib3", "orjson")

INTRODUCTION = """\
<!-- Written by `make bench`. Do not edit: the next run writes it again. -->
# Benchmark

## How to read it

The result is **CPU time**: the microseconds that the whole process tree of a gateway
(one worker) spent per token or per request. Wall-clock time on a shared machine tells
mostly who else was using it; CPU time, and above all the *ratio* of two targets of one
run, can be compared. The targets take turns round by round, and each figure is the
median of {rounds} rounds.

- **ours** is proxyapp under gunicorn, as it is deployed.
- **naive** is the gateway everyone writes first (`bench/naive.py`): the same Flask,
  gunicorn and requests, one `requests.post` a request and `iter_lines()`.
- **nginx** with buffering off moves the bytes and nothing else: the floor.

All talk to the same mock of llama-server over loopback. A goal is met when it reaches
*must*; *aim* is what the design can reach. `x` is a multiple. The latency of a token is
the time from the upstream's write to the client's read.

Run it with `make bench`; `python bench/run.py --help` tells how to run less.
"""


def goal_rows(facts: Facts) -> Rows:
    rows = [["goal", "", "must", "aim", "measured", "verdict"]]
    rows += [_goal_row(goal, facts) for goal in GOALS]
    return rows


def _goal_row(goal: Goal, facts: Facts) -> list[str]:
    value = goal.measured(facts)
    return [
        goal.about,
        goal.sense,
        _number(goal.must, goal.unit),
        _number(goal.aim, goal.unit),
        _number(value, goal.unit),
        goal.verdict(facts),
    ]


def missed(facts: Facts) -> list[str]:
    return [goal.about for goal in GOALS if goal.verdict(facts) == "MISSED"]


def cpu_rows(samples: Samples, targets: Sequence[str]) -> Rows:
    """CPU of every scenario by target, with the multiple of ours in brackets."""
    rows = [["scenario", "what", "us per", *targets]]
    for name, scenario in SCENARIOS.items():
        costs = [samples.median(target, name, "cpu_us") for target in targets]
        if not any(cost is not None for cost in costs):
            continue
        of = scenario.dialect.name.capitalize().replace("Openai", "OpenAI")
        about = f"{of}: {scenario.shape.about}"
        rows.append([name, about, scenario.shape.unit, *map(_number, costs)])
    return rows


def client_rows(samples: Samples, targets: Sequence[str]) -> Rows:
    rows = [
        ["scenario", "target", "units/s", "ttft p50", "latency p50", "p99", "failed"]
    ]
    for name in SCENARIOS:
        for target in targets:
            rate = samples.median(target, name, "units_per_s")
            if rate is None:
                continue
            times = [
                samples.median(target, name, what)
                for what in ("ttft_p50", "latency_p50", "latency_p99")
            ]
            failures = samples.failures(target, name)
            rows.append([name, target, f"{rate:.0f}", *map(_ms, times), str(failures)])
    return rows


def departure_rows(departures: DepartureTable, targets: Sequence[str]) -> Rows:
    rows = [["the client leaves", "target", "seen", "p50", "p99", "worst"]]
    for phase in PHASES:
        for target in targets:
            found = departures.get((target, phase.name))
            if found is None:
                continue
            seen = f"{len(found.seen_ms)} of {found.trials}"
            times = [found.percentile(percent) for percent in (50, 99, 100)]
            rows.append([phase.name, target, seen, *(_number(t, "ms") for t in times)])
    return rows


def as_text(rows: Rows) -> str:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        for row in rows
    ]
    return "\n".join(line.rstrip() for line in lines)


def as_markdown(rows: Rows) -> str:
    head, *body = rows
    ruled = [head, ["---"] * len(head), *body]
    return "\n".join("| " + " | ".join(row) + " |" for row in ruled)


def document(sections: Iterable[tuple[str, Rows]], rounds: int) -> str:
    parts = [INTRODUCTION.format(rounds=rounds), f"## Measured on\n\n{machine()}\n"]
    for title, rows in sections:
        if len(rows) > 1:
            parts.append(f"## {title}\n\n{as_markdown(rows)}\n")
    return "\n".join(parts)


def machine() -> str:
    parts = [
        f"{os.cpu_count()} cores ({platform.machine()})",
        platform.system(),
        f"Python {platform.python_version()}",
        *(f"{name} {version(name)}" for name in PACKAGES),
        f"nginx {_tool_version('nginx', '-v')}",
        f"gcc {_tool_version('gcc', '--version')}",
    ]
    return f"{', '.join(parts)}."


def _tool_version(tool: str, flag: str) -> str:
    env = {"PATH": f"{os.environ.get('PATH', '')}:/usr/sbin"}
    try:
        done = subprocess.run([tool, flag], capture_output=True, text=True, env=env)
    except FileNotFoundError:
        return "none"
    found = re.search(r"\d+\.\d+\.\d+", done.stdout + done.stderr)
    return found[0] if found else "unknown"


def _number(value: float | None, unit: str = "") -> str:
    if value is None:
        return NOTHING
    digits = 0 if value == int(value) or abs(value) >= 100 else 2
    if 10 <= abs(value) < 100 and digits:
        digits = 1
    return f"{value:.{digits}f}{' ' if unit.isalpha() and unit != 'x' else ''}{unit}"


def _ms(us: float | None) -> str:
    return NOTHING if us is None else _number(us / 1000, "ms")
