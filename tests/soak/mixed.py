"""Mixed traffic for a long time: good, faulty and abandoned.

    python -m tests.soak.mixed [--minutes 10] [--clients 16] [--write]

Runs a real gateway with two workers before a scripted upstream and, where Node.js and
the built helper are there, a played Copilot account, and asks in every dialect. Tells
how memory and descriptors went, and fails when they grew, when an answer was not what
the contract says, or when something was left running. With ``--write`` the figures go
into docs/reliability.md.
"""

import argparse
import contextlib
import json
import os
import random
import socket
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from dataclasses import field
from pathlib import Path
from typing import Any

import requests

from tests.copilot.conftest import logged_in
from tests.copilot_helper.process import unavailable
from tests.fakes.answers import Answer
from tests.fakes.answers import Request
from tests.fakes.answers import Script
from tests.fakes.copilot import FakeCopilot
from tests.fakes.copilot import steps
from tests.fakes.faults import BEFORE_ANY_ANSWER
from tests.fakes.faults import BROKEN_OFF
from tests.fakes.faults import FAULTS
from tests.fakes.faults import STRANGE_BUT_WHOLE
from tests.fakes.faulty import GOOD
from tests.fakes.upstream import FakeUpstream
from tests.live import contract
from tests.page import write_section
from tests.servers import children_of
from tests.servers import running_gateway
from tests.servers import RunningGateway
from tests.speakers import CHATS
from tests.speakers import Speaker
from tests.speakers import SPEAKERS

WORKERS = 2
EVERY = 2.0
"""Seconds between two looks at the workers."""
SETTLE = 8.0
SLOPE = 1.0
"""The most a worker's memory may grow, in MB a minute, once it is warm."""
SPREAD = 24
"""How many more descriptors the end may show than the beginning."""
SETTINGS = {
    "PROXYAPP_STREAM__COMMIT_AFTER": 0.5,
    "PROXYAPP_STREAM__HEARTBEAT": 1,
    "PROXYAPP_UPSTREAM__IDLE_TIMEOUT": 3,
    "PROXYAPP_MODELS__REFRESH_SECONDS": 3600,
}
# Megabytes each: now and then is enough. What is refused would disturb the others.
HEAVY = frozenset(
    {"giant_line", "gzip_bomb", "gzip_bomb_document", "endless_document"}
    | {"endless_event", "endless_call", "infinite_stream", "weird_json_deep"}
)
APART = frozenset({"refused", "stale_race", "stale_rst"})
STATES = {
    "good": [n for n in STRANGE_BUT_WHOLE if n not in APART],
    "faulty": [n for n in (*BEFORE_ANY_ANSWER, *BROKEN_OFF) if n not in HEAVY | APART],
    "heavy": [n for n in FAULTS if n in HEAVY],
}
MIX = ("good",) * 60 + ("faulty",) * 24 + ("heavy",) * 1 + ("left",) * 15
COPILOT = ("copilot",) * 10 + ("copilot left",) * 4
MODELS = ("gemini-3.5-flash", "gpt-5.3-codex", "claude-haiku-4.5")
"""One for each of Copilot's APIs."""
SLOW = "a slow one"
"""What a client asks Copilot for and does not wait to hear."""


@dataclass
class Tally:
    """What came of the requests, and what was not as it should be."""

    counts: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, kind: str, wrong: str = "") -> None:
        """Count one request."""
        with self.lock:
            self.counts[kind] += 1
            if wrong and len(self.wrong) < 50:
                self.wrong.append(wrong)


@dataclass(frozen=True)
class Look:
    """The workers at one moment: seconds since the start, memory in MB, descriptors."""

    at: float
    memory: list[float]
    files: list[int]
    helper: float = 0.0


def by_prompt(request: Request) -> Answer:
    """Go wrong in the way that the prompt names."""
    body = request.json
    asked = body.get("prompt") or body["messages"][-1]["content"]
    if asked not in FAULTS:
        return Script(GOOD, split=20, gap=0.01)
    fault = FAULTS[asked]
    made = fault.make() if fault.make is not None else Script(GOOD)
    return made if isinstance(made, Answer) else made(request)


# ------------------------------------------------------------------------- clients


def client(
    gateway: RunningGateway, mix: Sequence[str], tally: Tally, over: threading.Event
) -> None:
    """Ask again and again until it is over."""
    choose = random.Random()
    while not over.is_set():
        kind = choose.choice(mix)
        speaker, stream = choose.choice(SPEAKERS), choose.random() < 0.6
        if kind == "left":
            leave(gateway, speaker, stream, choose.random())
            tally.add(kind)
            continue
        if kind.startswith("copilot"):
            speaker, model = choose.choice(CHATS), choose.choice(MODELS)
            if kind == "copilot":
                tally.add(kind, ask_copilot(gateway, model, speaker, stream))
            else:
                leave(gateway, speaker, stream, choose.random(), model=model)
                tally.add(kind)
            continue
        name = choose.choice(STATES[kind])
        if speaker.calls or name not in contract.TOOL_FAULTS:
            tally.add(kind, ask(gateway, name, speaker, stream))


def ask(gateway: RunningGateway, name: str, speaker: Speaker, stream: bool) -> str:
    """Ask for a fault; say what is wrong with the reply, if anything."""
    where = f"{name} {speaker.name} {'stream' if stream else 'whole'}"
    try:
        reply = speaker.post(gateway, name, contract.TOOLS, stream=stream)
        told = contract.seen(speaker, reply, stream)
    except (requests.RequestException, AssertionError, ValueError) as error:
        return f"{where}: {error!r}"
    outcomes, statuses = contract.wanted(FAULTS[name], stream)
    if stream and "error_before" in outcomes:
        # On a busy machine the moment of commitment may come first.
        outcomes |= {"error_in_stream"}
    if told.outcome not in outcomes:
        return f"{where}: {told}"
    if told.outcome == "error_before" and told.status not in statuses:
        return f"{where}: {told}"
    return ""


def ask_copilot(
    gateway: RunningGateway, model: str, speaker: Speaker, stream: bool
) -> str:
    """Ask a model of Copilot's; say what is wrong with the reply, if anything."""
    where = f"{model} {speaker.name} {'stream' if stream else 'whole'}"
    try:
        reply = speaker.post(gateway, "hi", stream=stream, model=model)
        told = contract.seen(speaker, reply, stream)
    except (requests.RequestException, AssertionError, ValueError) as error:
        return f"{where}: {error!r}"
    return "" if told.outcome == "ok" else f"{where}: {told} {reply.text[:200]}"


def leave(
    gateway: RunningGateway,
    speaker: Speaker,
    stream: bool,
    patience: float,
    **fields: str,
) -> None:
    """Ask, and leave after a while, whatever has come by then."""
    prompt = ("a long story", "hang_mid_stream", "prefill", "hang_before_headers")
    asked = SLOW if fields else prompt[int(patience * 4)]
    body = json.dumps(
        speaker.body(asked, contract.TOOLS, stream=stream, **fields)
    ).encode()
    fields = {"Host": "127.0.0.1", "Content-Length": len(body), **speaker.headers}
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    address = ("127.0.0.1", gateway.port)
    with contextlib.suppress(OSError), socket.create_connection(address, 10) as sock:
        sock.sendall(f"POST {speaker.path} HTTP/1.1\r\n{head}\r\n".encode() + body)
        sock.settimeout(0.01 + patience / 3)
        with contextlib.suppress(TimeoutError):
            sock.recv(4096)


# ------------------------------------------------------------------------- looking


def look(gateway: RunningGateway, began: float) -> Look:
    """Look at every worker."""
    pids = gateway.worker_pids
    return Look(
        time.monotonic() - began,
        [resident(pid) for pid in pids],
        [len(os.listdir(f"/proc/{pid}/fd")) for pid in pids],
        sum(map(resident, helpers(gateway))),
    )


def helpers(gateway: RunningGateway) -> list[int]:
    """Give the processes of Node.js that work for this gateway."""
    return [
        pid
        for worker in (gateway.pid, *gateway.worker_pids)
        for pid in children_of(worker)
        if b"node" in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[0]
    ]


def resident(pid: int) -> float:
    """Give the memory of a process that is its own, in MB."""
    told = Path(f"/proc/{pid}/smaps_rollup").read_text("ascii").splitlines()
    private = [line.split()[1] for line in told if line.startswith("Private_")]
    return sum(map(int, private)) / 1024


def slope(looks: list[Look], worker: int) -> float:
    """Give how fast memory grows, in MB a minute.

    Of every ten looks only the lowest counts: a large reply passes, a leak stays.
    """
    lowest = [
        min(looks[start : start + 10], key=lambda one: one.memory[worker])
        for start in range(0, len(looks), 10)
    ]
    if len(lowest) < 3:
        return 0.0
    times = [one.at / 60 for one in lowest]
    sizes = [one.memory[worker] for one in lowest]
    mean_time, mean_size = sum(times) / len(times), sum(sizes) / len(sizes)
    across = sum((t - mean_time) ** 2 for t in times)
    pairs = zip(times, sizes, strict=True)
    return sum((t - mean_time) * (s - mean_size) for t, s in pairs) / across


@dataclass
class Result:
    """All that a run showed."""

    seconds: float
    tally: Tally
    looks: list[Look]
    busy: int
    noise: int
    pids: tuple[list[int], list[int]]

    @property
    def warm(self) -> list[Look]:
        """The looks after the first quarter, when caches and pools are full."""
        return [one for one in self.looks if one.at > self.seconds / 4]

    @property
    def slopes(self) -> list[float]:
        """Each worker's growth, in MB a minute."""
        return [slope(self.warm, worker) for worker in range(WORKERS)]

    @property
    def files(self) -> tuple[int, int]:
        """The most descriptors of a worker: when warm, and at the end."""
        return max(self.warm[0].files), max(self.looks[-1].files)

    @property
    def helper(self) -> tuple[float, float]:
        """The memory of the helper, when warm and at the end, in MB."""
        return self.warm[0].helper, self.looks[-1].helper

    def faults(self) -> Iterator[str]:
        """Yield what must not be."""
        yield from self.tally.wrong
        if max(self.slopes) >= SLOPE:
            yield f"memory grows by {max(self.slopes):.2f} MB a minute"
        if self.files[1] > self.files[0] + SPREAD:
            yield f"descriptors grew from {self.files[0]} to {self.files[1]}"
        if self.busy:
            yield f"{self.busy} generations are still running"
        if self.noise:
            yield f"{self.noise} tracebacks in the log"
        if self.pids[0] != self.pids[1]:
            yield f"workers were replaced: {self.pids}"

    def rows(self) -> Iterator[str]:
        """Yield the lines of a table."""
        counts = self.tally.counts
        total = sum(counts.values())
        kinds = ", ".join(f"{count} {kind}" for kind, count in counts.items())
        first, last = self.warm[0], self.looks[-1]
        yield "| | |"
        yield "| --- | --- |"
        yield f"| Time | {self.seconds / 60:.1f} minutes, {WORKERS} workers |"
        yield f"| Requests | {total} ({total / self.seconds:.0f}/s): {kinds} |"
        yield f"| Answers that were not what they should be | {len(self.tally.wrong)} |"
        yield f"| A worker's memory, warm and at the end | {sizes(first, last)} |"
        yield f"| Growth once warm | {max(self.slopes):+.2f} MB a minute |"
        yield f"| Descriptors, warm and at the end | {self.files[0]}, {self.files[1]} |"
        yield f"| Generations left running | {self.busy} |"
        if self.helper[1]:
            one, other = self.helper
            yield f"| The Copilot helper's memory | {one:.0f} MB, {other:.0f} MB |"


def sizes(first: Look, last: Look) -> str:
    """Tell a worker's memory at two moments."""
    return f"{max(first.memory):.0f} MB, {max(last.memory):.0f} MB"


# ------------------------------------------------------------------------- the run


def run(seconds: float, clients: int) -> Result:
    """Keep up the traffic for so long."""
    tally, over, looks = Tally(), threading.Event(), []
    for name in STATES["heavy"]:
        # What takes long to make is made once, and not while others wait.
        FAULTS[name].make()
    with ExitStack() as stack:
        upstream = stack.enter_context(FakeUpstream())
        github = stack.enter_context(FakeCopilot())
        mix, settings = MIX, SETTINGS
        if not unavailable():
            mix = MIX + COPILOT
            settings = SETTINGS | account(github, stack)
        gateway = stack.enter_context(
            running_gateway(upstream.url, workers=WORKERS, **settings)
        )
        upstream.respond(by_prompt)
        time.sleep(1)
        pids = gateway.worker_pids
        began = time.monotonic()
        threads = [
            threading.Thread(
                target=client, args=(gateway, mix, tally, over), daemon=True
            )
            for _ in range(clients)
        ]
        for thread in threads:
            thread.start()
        while time.monotonic() - began < seconds:
            time.sleep(EVERY)
            looks.append(look(gateway, began))
            upstream.forget()
            github.forget()
            told = f"{looks[-1].at:5.0f} s {sizes(looks[-1], looks[-1])} {tally.counts}"
            sys.stdout.write(f"{told} wrong={len(tally.wrong)}\n")
        over.set()
        for thread in threads:
            thread.join(30)
        time.sleep(SETTLE)
        looks.append(look(gateway, began))
        noise = gateway.log.count("Traceback")
        pids_after = gateway.worker_pids
        busy = upstream.busy + github.busy
        return Result(seconds, tally, looks, busy, noise, (pids, pids_after))


def account(github: FakeCopilot, stack: ExitStack) -> dict[str, Any]:
    """Log in to a played account; give the settings that lead there."""
    directory = stack.enter_context(tempfile.TemporaryDirectory(prefix="pxa-"))
    logged_in(github, Path(directory))
    begun = [steps.Text(f"{word} ") for word in ("Once", "upon", "a")]
    github.script(*begun, steps.Hang(), said=SLOW)
    return {
        "PROXYAPP_STATE__DIRECTORY": directory,
        "PROXYAPP_COPILOT__EGRESS": github.url,
    }


def main() -> int:
    """Run, tell, and give 1 if something was not as it must be."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    result = run(given.minutes * 60, given.clients)
    table = "\n".join(result.rows())
    faults = list(result.faults())
    sys.stdout.write("\n".join([table, *faults, ""]))
    if given.write:
        write_section("reliability", "soak", table)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
