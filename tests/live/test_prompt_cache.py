"""What Claude Code sends turn after turn is read by the model only once.

The conversation has its shape: a billing block that changes with every request, a
system message after the first turn, tool results, reminders beside them.

    LLAMA_SERVER=... LLAMA_MODEL=tiny.gguf pytest -s tests/live/test_prompt_cache.py
"""

import contextlib
import itertools
import os
import socket
import subprocess
import sys
import time

import pytest
import requests

from tests.fakes.upstream import FakeUpstream
from tests.servers import running_gateway
from tests.speakers import post

TURNS = 20
REUSED = 0.95
BILLING = "x-anthropic-billing-header"
SYSTEM = "You are an agent that helps with software. Never guess. " * 200
REMINDER = "<system-reminder>The date is 2026-11-21.</system-reminder>"
TOOLS = [
    {
        "name": f"tool_{number}",
        "description": "Do one of the things that there are to do. " * 20,
        "input_schema": {
            "type": "object",
            "properties": {"path": {"type": "string"}, "n": {"type": "integer"}},
            "required": ["path"],
        },
    }
    for number in range(20)
]
SERVER = os.environ.get("LLAMA_SERVER", "")
MODEL = os.environ.get("LLAMA_MODEL", "")


def text(words):
    return {"type": "text", "text": words, "cache_control": {"type": "ephemeral"}}


def grown(messages, turn):
    """Add the model's turn and what comes back."""
    call_id = f"call_{turn}"
    call = {"type": "tool_use", "id": call_id, "name": "tool_3"}
    result = {"type": "tool_result", "tool_use_id": call_id}
    back = [{**result, "content": f"line {turn} of the file\n" * 20}]
    if turn % 5 == 4:
        back.append(text(f"Go on with step {turn}."))
    return [
        *messages,
        {"role": "assistant", "content": [{**call, "input": {"path": f"/{turn}"}}]},
        {"role": "user", "content": back},
    ]


def conversation(gateway, billing=BILLING):
    """Yield the usage of each turn."""
    late = {"role": "system", "content": "There are these kinds of agents: none."}
    messages = [{"role": "user", "content": [text(REMINDER), text("Begin.")]}, late]
    for turn in range(TURNS):
        changing = f"{billing}: cc_version=2.1; cch={turn * 7919 % 99991:05x};"
        body = {
            "model": "claude-opus-4-8",
            "max_tokens": 16,
            "system": [text(changing), text(SYSTEM)],
            "messages": messages,
            "tools": TOOLS,
        }
        reply = post(gateway, "/v1/messages?beta=true", body)
        assert reply.status_code == 200, reply.text
        yield reply.json()["usage"]
        messages = grown(messages, turn)


def test_every_prompt_begins_with_the_one_before():
    with FakeUpstream() as upstream, running_gateway(upstream.url) as gateway:
        assert len(list(conversation(gateway))) == TURNS
        bodies = [request.json for request in upstream.generations]
    for before, after in itertools.pairwise(bodies):
        count = len(before["messages"])
        assert after["messages"][:count] == before["messages"]
        assert after["tools"] == before["tools"]


@contextlib.contextmanager
def llama_server():
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [SERVER, "-m", MODEL, "--host", "127.0.0.1", "--port", str(port)]
    options = ["--jinja", "-c", "65536", "-np", "1", "-t", "2", "--no-ui"]
    with subprocess.Popen([*command, *options], stderr=subprocess.DEVNULL) as server:
        try:
            wait_for(server, f"http://127.0.0.1:{port}/health")
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()


def wait_for(server, health):
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and server.poll() is None:
        with contextlib.suppress(requests.ConnectionError):
            if requests.get(health, timeout=5).ok:
                return
        time.sleep(0.2)
    raise RuntimeError("llama-server did not start")


def shares(gateway, billing):
    """Give each turn's prompt tokens and how many of them were reused."""
    for usage in conversation(gateway, billing):
        reused = usage["cache_read_input_tokens"]
        yield reused + usage["input_tokens"], reused


@pytest.mark.llama
@pytest.mark.skipif(not (SERVER and MODEL), reason="no LLAMA_SERVER and LLAMA_MODEL")
def test_a_real_llama_server_reuses_the_prompt(capfd):
    with llama_server() as url, running_gateway(url) as gateway:
        ours = list(shares(gateway, BILLING))
        left_in = list(shares(gateway, "another-header"))
    with capfd.disabled():
        sys.stdout.write(table(ours, left_in))
    total, reused = (sum(column) for column in zip(*ours[1:], strict=True))
    assert reused / total >= REUSED


def table(ours, left_in):
    """Write what was reused turn by turn, with the block dropped and left in."""
    lines = ["", "turn   prompt  reused    block left in  reused"]
    pairs = enumerate(zip(ours, left_in, strict=True), 1)
    for turn, ((total, reused), (whole, kept)) in pairs:
        ours_cells = f"{turn:>4} {total:>8} {reused / total:>7.1%}"
        lines.append(f"{ours_cells} {whole:>16} {kept / whole:>7.1%}")
    return "\n".join(lines)
