"""Every recorded tool definition is served through the gateway by a real llama-server.

``LLAMA_SERVER`` names the binary and ``LLAMA_MODEL`` a model whose template knows
tools; a tiny one with random weights will do, for its grammar decides what it writes.
"""

import contextlib
import json
import os
import socket
import subprocess
import time

import pytest
import requests

from proxyapp.tools.instances import fault_in
from proxyapp.tools.repair import ToolRepairer
from tests.servers import running_gateway
from tests.unit.tools.corpus import CASES
from tests.unit.tools.corpus import HOSTILE
from tests.unit.tools.corpus import tool

SERVER = os.environ.get("LLAMA_SERVER", "")
MODEL = os.environ.get("LLAMA_MODEL", "")
START_LIMIT = 60.0
REPLY_LIMIT = 10.0

pytestmark = [
    pytest.mark.llama,
    pytest.mark.skipif(
        not (SERVER and MODEL), reason="set LLAMA_SERVER and LLAMA_MODEL"
    ),
]

# No tool can be made of these: their one entry has no name, or no function.
DROPPED = {"tools_null", "function_null", "name_missing", "name_empty"}

# The server reads none of these keywords; the schema keeps them for who does.
UNREAD = {"minimum", "maximum", "exclusiveMinimum", "multipleOf", "contains"}

CHOICES = [("auto", 1), ("required", 1), ("required", 2)]


@pytest.fixture(scope="module")
def server():
    """Run a llama-server behind a gateway, and give the gateway's base URL."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = f"--host 127.0.0.1 --port {port} --jinja -c 65536 -np 2 -t 2 --no-ui"
    process = subprocess.Popen(
        [SERVER, "-m", MODEL, *options.split()],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        url = f"http://127.0.0.1:{port}"
        wait_for_health(url, process)
        with running_gateway(url) as gateway:
            yield gateway.url
    finally:
        process.kill()
        process.wait()


def wait_for_health(url, process):
    limit = time.monotonic() + START_LIMIT
    while time.monotonic() < limit and process.poll() is None:
        with contextlib.suppress(requests.ConnectionError):
            if requests.get(f"{url}/health", timeout=2).ok:
                return
        time.sleep(0.1)
    pytest.fail("llama-server did not start")


def ask(url, tools, choice, seed):
    """Ask for a call of one of the tools; give the reply's status and chunks."""
    body = {
        "model": "any",
        "messages": [{"role": "user", "content": "hi"}],
        "tools": tools,
        "tool_choice": choice,
        "max_tokens": 200,
        "stream": True,
        "seed": seed,
    }
    reply = requests.post(
        f"{url}/v1/chat/completions", json=body, timeout=REPLY_LIMIT, stream=True
    )
    with reply:
        lines = list(reply.iter_lines()) if reply.ok else [reply.content]
    payloads = [line[6:] for line in lines if line.startswith(b"data: {")]
    return reply.status_code, [json.loads(payload) for payload in payloads]


def called(chunks):
    """Give the first call's name and arguments, if the reply came to its end."""
    choices = [choice for chunk in chunks for choice in chunk.get("choices", ())]
    if "tool_calls" not in [choice["finish_reason"] for choice in choices]:
        return None, None
    pieces = [
        call["function"]
        for choice in choices
        for call in choice["delta"].get("tool_calls") or ()
        if call["index"] == 0
    ]
    return pieces[0]["name"], "".join(piece.get("arguments", "") for piece in pieces)


def check(url, given, name):
    tools = ToolRepairer().repair(given).tools
    assert bool(tools) == (name not in DROPPED)
    for choice, seed in CHOICES:
        status, chunks = ask(url, given, choice, seed)
        # With no tool left there is none that a call could be required of.
        assert status == (200 if tools or choice == "auto" else 400)
        assert [chunk["error"] for chunk in chunks if "error" in chunk] == []
        called_name, arguments = called(chunks)
        for schema in (t.parameters for t in tools if t.name == called_name):
            fault = fault_in(json.loads(arguments), schema)
            assert fault is None or fault.split()[0] in UNREAD
    assert requests.get(f"{url}/v1/models", timeout=REPLY_LIMIT).json()["data"]


@pytest.mark.parametrize("name", sorted(CASES))
def test_a_repaired_case_is_served(server, name):
    check(server, CASES[name]["tools"], name)


@pytest.mark.parametrize("name", sorted(HOSTILE))
def test_a_hostile_schema_is_served(server, name):
    check(server, [tool(HOSTILE[name])], name)
