"""What GitHub Copilot costs: ``python bench/copilot.py``, written to docs/copilot.md.

A gateway of one worker, its Node process and pi-ai are real; Copilot is played in this
process. CPU is that of the worker and of the Node process, apart.
"""

import http.client
import json
import os
import socket
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from proc import cpu_seconds  # noqa: E402
from proc import pss_kb  # noqa: E402
from report import as_markdown  # noqa: E402
from report import machine  # noqa: E402
from report import Rows  # noqa: E402

from proxyapp.backends.copilot.events import EventReader  # noqa: E402
from proxyapp.backends.copilot.rpc import Connection  # noqa: E402
from proxyapp.neutral.record import Record  # noqa: E402
from tests.fakes.copilot import FakeCopilot  # noqa: E402
from tests.fakes.copilot.steps import Hang  # noqa: E402
from tests.fakes.copilot.steps import Text  # noqa: E402
from tests.fakes.copilot.steps import ToolCall  # noqa: E402
from tests.servers import running_gateway  # noqa: E402
from tests.servers import RunningGateway  # noqa: E402

DOCUMENT = HERE.parent / "docs" / "copilot.md"
MODELS = {
    "completions": "gpt-4.1",
    "responses": "gpt-5-mini",
    "messages": "claude-haiku-4.5",
}
STREAMS = 20
EVENTS = 2000
TOGETHER = 20
PORTIONS = 5000
DEPARTURES = 100

INTRODUCTION = """\
<!-- Written by `python bench/copilot.py`. Do not edit. -->
# GitHub Copilot: what it costs

One gateway worker and the Node process beside it, with pi-ai, in front of a played
Copilot on loopback. CPU time of each process is counted apart. No real Copilot was
asked.
"""


def ask(url: str, model: str, **fields: object) -> Iterator[bytes]:
    """Stream a chat's lines."""
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=120)
    message = {"role": "user", "content": "hi"}
    body = {"model": model, "messages": [message], "stream": True, **fields}
    connection.request("POST", "/v1/chat/completions", json.dumps(body))
    try:
        response = connection.getresponse()
        if response.status != 200:
            raise RuntimeError(response.read().decode())
        yield from response
    finally:
        connection.close()


def node_of(gateway: RunningGateway) -> int:
    """Find the Node process: it listens, so it is no child that /proc would name."""
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            command = (entry / "cmdline").read_bytes()
            told = (entry / "environ").read_bytes()
        except OSError:
            continue
        if b"main.mjs" in command and os.fsencode(gateway.home) in told:
            return int(entry.name)
    raise RuntimeError("there is no Node process")


def first_answer(github: FakeCopilot, gateway: RunningGateway) -> Rows:
    """Time the first answer, which has to start the process."""
    begun = time.monotonic()
    for _ in ask(gateway.url, "copilot/gpt-4.1"):
        break
    seconds = time.monotonic() - begun
    rss = pss_kb(node_of(gateway)) / 1024
    return [
        ["start of the process to first token", f"{seconds * 1000:.0f} ms", ""],
        ["memory of the process after it", f"{rss:.0f} MB", ""],
    ]


def many_streams(github: FakeCopilot, gateway: RunningGateway) -> Rows:
    """Count the CPU of an event while streams run side by side, and the memory.

    The worker's part is nearly all the wake-up and the piece sent to the client, which
    events that arrive together share.
    """
    rows: Rows = []
    node, worker = node_of(gateway), gateway.worker_pids[0]
    for api, model in MODELS.items():
        github.reset()
        github.script(*[Text(f"word{n} ") for n in range(EVENTS)])
        node_before, worker_before = cpu_seconds(node), cpu_seconds(worker)
        peak = _run([lambda m=model: _drain(gateway.url, m)] * STREAMS, node)
        per_event = 1e6 / (STREAMS * EVENTS)
        of_node = (cpu_seconds(node) - node_before) * per_event
        of_worker = (cpu_seconds(worker) - worker_before) * per_event
        rows += [
            [f"{api}: CPU of an event, Node", f"{of_node:.0f} us", "80 us"],
            [f"{api}: CPU of an event, worker", f"{of_worker:.0f} us", ""],
            [f"{api}: memory under {STREAMS} streams", f"{peak:.0f} MB", "160 MB"],
        ]
    return rows


def reading(github: FakeCopilot, gateway: RunningGateway) -> Rows:
    """Count the CPU of reading an event, without the wait for it."""
    ours, theirs = socket.socketpair(socket.AF_UNIX)
    line = {"method": "chat.event", "params": {"t": "text", "i": 0, "d": "word "}}
    portion = (json.dumps(line).encode() + b"\n") * TOGETHER
    reader, messages = EventReader("m", Record()), Connection(ours).messages()
    begun = time.process_time()
    for _ in range(PORTIONS):
        theirs.sendall(portion)
        reader.feed(next(messages))
    spent = (time.process_time() - begun) / (PORTIONS * TOGETHER)
    ours.close()
    theirs.close()
    what = f"reading an event, {TOGETHER} at a time, worker"
    return [[what, f"{spent * 1e6:.1f} us", "15 us"]]


def _drain(url: str, model: str) -> None:
    for _ in ask(url, model):
        pass


def _run(work: list[Callable[[], None]], node: int) -> float:
    threads = [threading.Thread(target=one) for one in work]
    for thread in threads:
        thread.start()
    peak = 0.0
    while any(thread.is_alive() for thread in threads):
        peak = max(peak, pss_kb(node) / 1024)
        time.sleep(0.2)
    return peak


def big_call(github: FakeCopilot, gateway: RunningGateway) -> Rows:
    """Watch the loop of the process while a call of 40 KB is written in 4000 pieces."""
    rows: Rows = []
    for api, model in MODELS.items():
        github.reset()
        arguments = {"path": "a.txt", "content": "x" * 40_000}
        github.script(ToolCall("write", arguments, fragments=4000))
        tool = {"type": "function", "function": {"name": "write"}}
        _stats(gateway)
        _drain_tools(gateway.url, model, tool)
        stall = _stats(gateway)["loopDelayMs"]["max"]
        told = f"{stall:.0f} ms"
        rows.append([f"{api}: longest stall of a 40 KB call", told, "100 ms"])
    return rows


def _drain_tools(url: str, model: str, tool: dict[str, object]) -> None:
    for _ in ask(url, model, tools=[tool]):
        pass


def _stats(gateway: RunningGateway) -> dict[str, dict[str, float]]:
    told = (Path("/proc") / str(node_of(gateway)) / "environ").read_bytes()
    options = told.partition(b"COPILOT_HELPER_OPTIONS=")[2].partition(b"\0")[0]
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(json.loads(options)["socket"])
        connection.sendall(b'{"jsonrpc":"2.0","id":1,"method":"stats","params":{}}\n')
        line = connection.makefile("rb").readline()
    result: dict[str, dict[str, float]] = json.loads(line)["result"]
    return result


def departures(github: FakeCopilot, gateway: RunningGateway) -> Rows:
    """Time how soon Copilot's connection is closed after a client has left."""
    rows: Rows = []
    for api, model in MODELS.items():
        github.reset()
        github.script(Text("Hello"), Hang(30))
        seen: list[float] = []
        for _ in range(DEPARTURES):
            lines = ask(gateway.url, model)
            while b"Hello" not in next(lines):
                pass
            left = time.monotonic()
            lines.close()  # type: ignore[attr-defined]
            call = github.generations[-1]
            closed = call.wait_closed(10)
            seen.append((closed - left) * 1000 if closed else float("inf"))
        seen.sort()
        p99 = seen[int(len(seen) * 0.99) - 1]
        what = f"{api}: client gone to Copilot closed, p50 / p99"
        told = f"{statistics.median(seen):.1f} / {p99:.1f} ms"
        rows.append([what, told, "100 ms"])
    return rows


PARTS = (first_answer, many_streams, reading, big_call, departures)


def main() -> None:
    """Measure, and write the page."""
    rows: Rows = [["what", "measured", "at most"]]
    with FakeCopilot() as github, tempfile.TemporaryDirectory(prefix="pxa-") as name:
        state = Path(name) / "state"
        state.mkdir(0o700)
        log_in(github, state)
        env = {
            "PROXYAPP_STATE__DIRECTORY": state,
            "PROXYAPP_COPILOT__EGRESS": github.url,
        }
        with running_gateway("http://127.0.0.1:9", **env) as gateway:
            for part in PARTS:
                for row in part(github, gateway):
                    print(": ".join(row[:2]), flush=True)
                    rows.append(row)
    DOCUMENT.write_text(f"{INTRODUCTION}\n{as_markdown(rows)}\n\n{machine()}\n")


def log_in(github: FakeCopilot, state: Path) -> None:
    """Leave a login where the process looks for it."""
    login = {
        "type": "oauth",
        "refresh": github.github_token,
        "access": github.copilot_token(),
        "expires": int(time.time() * 1000) + 3_600_000,
    }
    store = state / "copilot.json"
    store.touch(0o600)
    store.write_text(json.dumps({"github-copilot": login}))


if __name__ == "__main__":
    main()
