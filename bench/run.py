"""Measure the gateway beside a naive one and nginx, and hold it to its goals.

    python bench/run.py              everything, and docs/bench.md (under ten minutes)
    python bench/run.py --quick      does it all work? under a minute, writes nothing
    python bench/run.py -s paced,burst -t ours,naive -n 5
    python bench/run.py --selftest   do the upstream and the load generator agree?

Exits with 1 when a goal that must be met is missed.
"""

import argparse
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from contextlib import ExitStack
from pathlib import Path

import proc
from bodies import DIALECTS
from build import compile_programs
from build import HERE
from disconnect import Departures
from disconnect import PHASES
from disconnect import QUICK_TRIALS
from disconnect import run_trials
from disconnect import TRIALS
from facts import collect
from facts import Facts
from measure import Bench
from measure import load_average
from measure import Running
from measure import Samples
from report import as_text
from report import client_rows
from report import cpu_rows
from report import departure_rows
from report import document
from report import goal_rows
from report import missed
from scenarios import SCENARIOS
from scenarios import stages
from selftest import run_selftest
from targets import Target
from targets import TARGETS
from targets import Upstream

DOCUMENT = HERE.parent / "docs" / "bench.md"
DISCONNECT = "disconnect"
ROUNDS = 3


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    names = [*SCENARIOS, DISCONNECT]
    parser.add_argument("-s", "--scenarios", help=f"of {', '.join(names)}")
    parser.add_argument("-t", "--targets", help="of ours, naive, nginx")
    parser.add_argument("-n", "--rounds", type=int, help=f"default {ROUNDS}")
    parser.add_argument(
        "--dialects",
        help=f"of {', '.join(DIALECTS)}; default: those that do not answer 404",
    )
    parser.add_argument("--quick", action="store_true", help="a smoke check")
    parser.add_argument("--selftest", action="store_true", help="check the bench")
    arguments = parser.parse_args()
    chosen = _listed(arguments.scenarios, names)
    if unknown := set(chosen) - set(names):
        parser.error(f"no scenario {', '.join(sorted(unknown))}")
    arguments.chosen = chosen
    arguments.rounds = arguments.rounds or (1 if arguments.quick else ROUNDS)
    return arguments


def _listed(text: str | None, default: list[str]) -> list[str]:
    return text.split(",") if text else default


@contextmanager
def started(bench: Bench, targets: list[Target]) -> Iterator[dict[str, Running]]:
    """Start what is there, say what is not, and stop everything in the end."""
    with ExitStack() as stack:
        started = {}
        for target in targets:
            if reason := target.missing():
                print(f"{target.name} is left out: {reason}")
                continue
            process = target.start(bench.work)
            stack.callback(process.stop)
            running = Running(target, process)
            bench.wait_until_ready(running)
            running.idle_kb = proc.pss_kb(running.pid)
            started[target.name] = running
        yield started


def served(bench: Bench, running: Running, wanted: str | None) -> list[str]:
    """Say which scenarios this target can take part in."""
    names = [
        name
        for name, scenario in SCENARIOS.items()
        if scenario.dialect.name == "openai" or not running.target.only_openai
    ]
    if wanted:
        chosen = wanted.split(",")
        return [name for name in names if SCENARIOS[name].dialect.name in chosen]
    answers = {
        dialect: bench.status(running, SCENARIOS[f"{DIALECTS[dialect].prefix}short"])
        for dialect in {SCENARIOS[name].dialect.name for name in names}
    }
    for dialect, status in sorted(answers.items()):
        if status == 404:
            print(f"{running.target.name} does not serve {dialect} yet (404)")
    return [name for name in names if answers[SCENARIOS[name].dialect.name] != 404]


def run_rounds(
    bench: Bench, all_running: dict[str, Running], arguments: argparse.Namespace
) -> Samples:
    samples = Samples()
    plan = {}
    for name, running in all_running.items():
        plan[name] = served(bench, running, arguments.dialects)
        bench.warm_up(running, [n for n in plan[name] if n in arguments.chosen])
    for stage in stages([n for n in arguments.chosen if n != DISCONNECT]):
        for number in range(arguments.rounds):
            for scenario in stage:
                for target, running in all_running.items():
                    if scenario not in plan[target]:
                        continue
                    sample = bench.measure(running, SCENARIOS[scenario])
                    samples.add(target, scenario, sample)
                    progress = f"round {number + 1} {scenario} {target}"
                    note = sample.first_error and f" FAILED: {sample.first_error}"
                    print(f"{progress}: {sample.cpu_us:.1f} us{note}", flush=True)
    return samples


def run_disconnects(
    bench: Bench, all_running: dict[str, Running]
) -> dict[tuple[str, str], Departures]:
    trials = QUICK_TRIALS if bench.quick else TRIALS
    found = {}
    for target, running in all_running.items():
        for phase in PHASES:
            departures = run_trials(
                bench.upstream, running.target.port, phase, trials[target]
            )
            found[target, phase.name] = departures
            seen = len(departures.seen_ms)
            line = f"disconnect {phase.name} {target}"
            print(f"{line}: {seen} of {departures.trials} seen", flush=True)
    return found


def measure_all(arguments: argparse.Namespace, work: Path) -> Facts:
    upstream = Upstream(work)
    bench = Bench(upstream, work, quick=arguments.quick)
    wanted = _listed(arguments.targets, [target.name for target in TARGETS])
    targets = [target for target in TARGETS if target.name in wanted]
    load_before = load_average()
    try:
        with started(bench, targets) as running:
            samples = run_rounds(bench, running, arguments)
            leaving = DISCONNECT in arguments.chosen
            departures = run_disconnects(bench, running) if leaving else {}
    finally:
        upstream.process.stop()
    shape = SCENARIOS["many"].shape
    streams = (shape.quick() if arguments.quick else shape).clients
    facts = collect(samples, running, departures, streams)
    sections = [
        ("Goals", goal_rows(facts)),
        ("CPU time, microseconds", cpu_rows(samples, list(running))),
        ("What the clients saw", client_rows(samples, list(running))),
        ("Clients that leave", departure_rows(departures, list(running))),
    ]
    for title, rows in sections:
        print(f"\n{title}\n{as_text(rows)}")
    print(f"\nload average before: {load_before}, after: {load_average()}")
    whole = not (arguments.scenarios or arguments.targets or arguments.dialects)
    if whole and not arguments.quick and "ours" in running:
        DOCUMENT.write_text(document(sections, arguments.rounds))
        print(f"wrote {DOCUMENT.relative_to(HERE.parent)}")
    return facts


def main() -> int:
    arguments = parse_arguments()
    # Ended from outside, it still stops what it started.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    compile_programs()
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        work = Path(name)
        # nginx started by root works as another user, who must find its files.
        work.chmod(0o755)
        if arguments.selftest:
            return run_selftest(work)
        facts = measure_all(arguments, work)
    if arguments.quick:
        print("A quick run is too short to judge anything but that it ran.")
        return 1 if facts.get("failures") else 0
    if lost := missed(facts):
        print(f"missed: {'; '.join(lost)}")
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main())
