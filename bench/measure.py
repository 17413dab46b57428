"""One measurement: a load through one target, charged to that target's process tree."""

import json
import os
import statistics
import subprocess
import time
from collections import defaultdict
from dataclasses import dataclass
from dataclasses import field
from pathlib import Path
from typing import Any

import proc
from bodies import chat_body
from build import BIN
from scenarios import Scenario
from scenarios import SCENARIOS
from scenarios import Shape
from targets import pinned
from targets import Process
from targets import Target
from targets import Upstream

SETTLE_SECONDS = 0.05
READY_SECONDS = 10
MEMORY_EVERY_SECONDS = 0.25
REPLY_TIMEOUT_SECONDS = 60
WARM_UP = Shape("", tokens=20, clients=8, requests=80, unit="request")


@dataclass(frozen=True)
class Sample:
    """CPU microseconds per unit and, beside it, what the clients saw (microseconds)."""

    cpu_us: float
    units_per_s: float
    ttft_p50: float
    latency_p50: float
    latency_p99: float
    peak_kb: int
    failures: int
    first_error: str


@dataclass
class Running:
    """A target that has been started, and what it weighed after its first request."""

    target: Target
    process: Process
    idle_kb: int = 0

    @property
    def pid(self) -> int:
        return self.process.popen.pid


@dataclass
class Samples:
    """All samples, by target and scenario."""

    by_name: dict[tuple[str, str], list[Sample]] = field(
        default_factory=lambda: defaultdict(list)
    )

    def add(self, target: str, scenario: str, sample: Sample) -> None:
        self.by_name[target, scenario].append(sample)

    def median(self, target: str, scenario: str, what: str) -> float | None:
        samples = self.by_name.get((target, scenario))
        if not samples:
            return None
        return statistics.median(getattr(sample, what) for sample in samples)

    def failures(self, target: str, scenario: str = "") -> int:
        return sum(
            sample.failures
            for (name, of), samples in self.by_name.items()
            for sample in samples
            if name == target and scenario in ("", of)
        )


class Bench:
    """What all measurements share: the upstream, the request files, the scale."""

    def __init__(self, upstream: Upstream, work: Path, *, quick: bool) -> None:
        self.upstream = upstream
        self.work = work
        self.quick = quick

    def measure(self, running: Running, scenario: Scenario) -> Sample:
        shape = scenario.shape.quick() if self.quick else scenario.shape
        before = proc.cpu_seconds(running.pid)
        result, peak = self._load(running, scenario, shape)
        time.sleep(SETTLE_SECONDS)
        cpu = proc.cpu_seconds(running.pid) - before
        units = result["ok"] if shape.unit == "request" else result["tokens"]
        return Sample(
            cpu_us=cpu * 1e6 / max(1, units),
            units_per_s=units / result["wall"],
            ttft_p50=result["ttft"]["p50"],
            latency_p50=result["latency"]["p50"],
            latency_p99=result["latency"]["p99"],
            peak_kb=peak,
            failures=sum(result["errors"].values()),
            first_error=result["first_error"],
        )

    def warm_up(self, running: Running, names: list[str]) -> None:
        """Send a few requests of each kind, so that no sample pays for a first time."""
        for name in names:
            scenario = SCENARIOS[name]
            if not scenario.shape.size:
                self._load(running, scenario, WARM_UP)

    def status(self, running: Running, scenario: Scenario) -> int:
        """Say what the target answers to one request; 0 is no HTTP answer at all."""
        shape = Shape("", tokens=1, clients=1, requests=1, unit="request")
        result, _ = self._load(running, scenario, shape)
        error = result["first_error"]
        if not error:
            return 200
        return int(error.split()[1]) if error.startswith("HTTP/") else 0

    def wait_until_ready(self, running: Running) -> None:
        """Listening is not yet answering: gunicorn listens before it loads the app."""
        end = time.monotonic() + READY_SECONDS
        while time.monotonic() < end and running.process.popen.poll() is None:
            if self.status(running, SCENARIOS["short"]) == 200:
                return
            time.sleep(0.2)
        raise RuntimeError(
            f"{running.target.name} gives no answer:\n{running.process.last_words()}"
        )

    def _load(
        self, running: Running, scenario: Scenario, shape: Shape
    ) -> tuple[dict[str, Any], int]:
        self.upstream.behave(tokens=shape.tokens, tps=shape.tps)
        command = self._command(running.target.port, scenario, shape)
        load = subprocess.Popen(pinned("load", command), stdout=subprocess.PIPE)
        peak = 0
        while shape.watch_memory and load.poll() is None:
            peak = max(peak, proc.pss_kb(running.pid))
            time.sleep(MEMORY_EVERY_SECONDS)
        output, _ = load.communicate()
        return json.loads(output), peak

    def _command(self, port: int, scenario: Scenario, shape: Shape) -> list[str]:
        stream = scenario.shape.stream
        options = {
            "-p": port,
            "-u": scenario.dialect.path,
            "-b": self._body_file(scenario),
            "-d": scenario.dialect.name if stream else "json",
            "-c": shape.clients,
            "-e": shape.tokens,
            "-r": shape.rate,
            "-T": REPLY_TIMEOUT_SECONDS,
        }
        options |= {"-n": shape.requests} if shape.requests else {"-t": shape.seconds}
        command = [str(BIN / "load"), "-k"]
        for header in scenario.dialect.headers:
            command += ["-H", header]
        return command + [str(word) for pair in options.items() for word in pair]

    def _body_file(self, scenario: Scenario) -> Path:
        shape = scenario.shape
        kind = f"{scenario.dialect.name}-{shape.stream}-{shape.size}.json"
        path = self.work / kind
        if not path.exists():
            path.write_bytes(
                chat_body(scenario.dialect.name, stream=shape.stream, size=shape.size)
            )
        return path


def load_average() -> float:
    return round(os.getloadavg()[0], 1)
