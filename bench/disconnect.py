"""How long until the upstream learns that a client left, in each phase of a call."""

import contextlib
import math
import random
import socket
import time
from dataclasses import dataclass
from dataclasses import field
from typing import Any

from bodies import chat_body
from bodies import DIALECTS
from targets import Upstream

# A departure unseen for this long counts as never seen.
PATIENCE_SECONDS = 1.5
# After so many of them in one phase there is nothing more to learn from it.
ENOUGH_MISSED = 3
ARRIVAL_SECONDS = 2.0
POLL_SECONDS = 0.002
LONG_MS = 20_000
# The naive gateway notices late or never, and every trial of it costs the patience.
TRIALS = {"ours": 100, "naive": 3, "nginx": 30}
QUICK_TRIALS = {"ours": 8, "naive": 1, "nginx": 4}


@dataclass(frozen=True)
class Phase:
    """``knobs`` set the upstream so that a call stays in the phase for long."""

    name: str
    stream: bool
    knobs: dict[str, float]
    reads_token: bool = False


PHASES = (
    Phase("before the upstream's headers", True, {"head_ms": LONG_MS}),
    Phase("headers sent, silent", True, {"silent_ms": LONG_MS}),
    Phase("slow stream", True, {"tokens": 1000, "tps": 2}, reads_token=True),
    Phase("not streamed", False, {"tokens": 1000, "tps": 2}),
)


@dataclass
class Departures:
    """The trials of one target in one phase: milliseconds of those that were seen."""

    trials: int = 0
    seen_ms: list[float] = field(default_factory=list)

    def percentile(self, percent: float) -> float | None:
        if not self.seen_ms:
            return None
        ordered = sorted(self.seen_ms)
        return ordered[math.ceil(percent / 100 * len(ordered)) - 1]


def run_trials(upstream: Upstream, port: int, phase: Phase, trials: int) -> Departures:
    result = Departures()
    upstream.behave(**phase.knobs)
    for _ in range(trials):
        result.trials += 1
        waited = _trial(upstream, port, phase)
        if waited is not None:
            result.seen_ms.append(waited)
        elif result.trials - len(result.seen_ms) == ENOUGH_MISSED:
            break
    return result


def _trial(upstream: Upstream, port: int, phase: Phase) -> float | None:
    upstream.reset()
    with socket.create_connection(("127.0.0.1", port), 5) as client:
        client.sendall(_request(port, stream=phase.stream))
        if not _wait(lambda: upstream.stats()["open"], ARRIVAL_SECONDS):
            return None
        if phase.reads_token:
            _read_a_token(client)
        # Not always the same moment of whatever the gateway does next.
        time.sleep(random.uniform(0.005, 0.03))
        left = time.monotonic_ns()
    gone = _wait(upstream.gone, PATIENCE_SECONDS)
    return (gone[0]["t_ns"] - left) / 1e6 if gone else None


def _request(port: int, *, stream: bool) -> bytes:
    body = chat_body("openai", stream=stream)
    head = (
        f"POST {DIALECTS['openai'].path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def _read_a_token(client: socket.socket) -> None:
    received = b""
    with contextlib.suppress(TimeoutError):
        while b"@" not in received:
            data = client.recv(65536)
            received += data
            if not data:
                return


def _wait(ask: Any, seconds: float) -> Any:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        answer = ask()
        if answer:
            return answer
        time.sleep(POLL_SECONDS)
    return None
