"""Run every installed agent through a tool round trip, and print a table.

    python -m tests.agents.run_agents --prefix ~/.npm-global

A scripted model asks the agent to run a shell command, and answers with what the tool
printed. All of it is on loopback. The exit status counts the agents that failed.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.agents.agent import Agent
from tests.agents.agent import PRINTED
from tests.agents.claude_code import CLAUDE_CODE
from tests.agents.codex import CODEX
from tests.agents.copilot import COPILOT
from tests.fakes.answers import Answer
from tests.fakes.answers import Request
from tests.fakes.answers import Script
from tests.fakes.upstream import FakeUpstream
from tests.fakes.upstream import Finish
from tests.fakes.upstream import Text
from tests.fakes.upstream import ToolCall
from tests.fakes.upstream import Usage
from tests.servers import running_gateway

AGENTS: tuple[Agent, ...] = (CLAUDE_CODE, *CODEX, *COPILOT)
LIMIT = 120.0
ROW = "{:<24} {:<12} {:<8} {:>8} {:>8}  {}"


@dataclass(frozen=True)
class Outcome:
    """How one agent fared; ``complaint`` is empty when all went well."""

    complaint: str
    requests: int = 0
    seconds: float = 0.0


def model(agent: Agent) -> Any:
    """Make a model that calls the agent's shell once and then repeats its output."""

    def answer(request: Request) -> Answer:
        body = request.json
        results = [m for m in body.get("messages", []) if m.get("role") == "tool"]
        names = [tool["function"]["name"] for tool in body.get("tools", [])]
        if results:
            said = f"It printed: {results[-1]['content']}"
            return Script((Text(said), Finish("stop"), Usage(2000, 8)))
        if agent.tool not in names:
            return Script((Text("A title"), Finish("stop"), Usage(50, 2)))
        call = ToolCall("call_agent_1", agent.tool, agent.call, fragments=3)
        steps = (Text("I run it."), call, Finish("tool_calls"), Usage(1900, 20))
        return Script(steps)

    return answer


def run(agent: Agent, command: list[str], verbose: bool) -> Outcome:
    """Run one agent against a gateway and a model of its own."""
    with (
        tempfile.TemporaryDirectory(prefix="agent-") as place,
        FakeUpstream() as upstream,
        running_gateway(upstream.url) as gateway,
    ):
        upstream.respond(model(agent))
        home = Path(place)
        env = {
            "PATH": os.environ["PATH"],
            "HOME": place,
            "NO_PROXY": "*",
            **agent.environment(gateway.url, home),
        }
        began = time.monotonic()
        try:
            done = subprocess.run(
                [*command, *agent.arguments(gateway.url, home)],
                cwd=place,
                env=env,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=LIMIT,
            )
        except subprocess.TimeoutExpired:
            return Outcome(f"not done after {LIMIT:g} s", len(upstream.generations))
        seconds = time.monotonic() - began
        if verbose:
            show(upstream, gateway.log, done)
        complaint = judge(upstream, done)
        return Outcome(complaint, len(upstream.generations), seconds)


def judge(upstream: FakeUpstream, done: subprocess.CompletedProcess[str]) -> str:
    """Say what is missing from a full round trip."""
    returned = any(
        message.get("role") == "tool" and PRINTED in str(message.get("content"))
        for request in upstream.generations
        for message in request.json.get("messages", [])
    )
    if not upstream.generations:
        return f"never asked the model: {(done.stderr or done.stdout)[-200:]!r}"
    if not returned:
        return f"the tool's output never came back: {done.stdout[-200:]!r}"
    if PRINTED not in done.stdout:
        return f"did not say what it was told: {done.stdout[-200:]!r}"
    return "" if done.returncode == 0 else f"exit status {done.returncode}"


def show(
    upstream: FakeUpstream, log: str, done: subprocess.CompletedProcess[str]
) -> None:
    """Print what passed, for whoever wants to know why."""
    for request in upstream.requests:
        keys = list(request.json) if isinstance(request.json, dict) else []
        say(f"  {request.method} {request.path} {len(request.body)} bytes {keys}")
    say(f"  gateway: {log.strip() or 'silent'}")
    say(f"  stdout: {done.stdout.strip()}\n  stderr: {done.stderr.strip()}")


def say(line: str) -> None:
    """Write a line at once: the next one may take a while."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> int:
    """Run the agents that are installed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--prefix", type=Path, default=Path("/usr/local"))
    parser.add_argument("--only", default="", help="a part of the agent's name")
    parser.add_argument("--verbose", action="store_true")
    asked = parser.parse_args()
    say(ROW.format("agent", "dialect", "result", "requests", "seconds", ""))
    failed = 0
    for agent in AGENTS:
        if asked.only.lower() not in agent.name.lower():
            continue
        command = agent.find(asked.prefix)
        if command is None:
            say(ROW.format(agent.name, agent.wire, "absent", "", "", ""))
            continue
        outcome = run(agent, command, asked.verbose)
        failed += bool(outcome.complaint)
        result = "failed" if outcome.complaint else "passed"
        seconds = f"{outcome.seconds:.1f}"
        row = (agent.name, agent.wire, result, outcome.requests, seconds)
        say(ROW.format(*row, outcome.complaint))
    return failed


if __name__ == "__main__":
    sys.exit(main())
