"""The client leaves: in every phase, however it asked, the upstream is let go."""

import contextlib
import json
import os
import socket
import struct
import time

import pytest

from tests.fakes.upstream import Delta
from tests.fakes.upstream import Finish
from tests.fakes.upstream import Role
from tests.fakes.upstream import Text
from tests.fakes.upstream import Usage
from tests.fakes.upstream import Wait
from tests.servers import running_gateway
from tests.speakers import CHATS
from tests.speakers import each_speaker
from tests.speakers import SPEAKERS

pytestmark = pytest.mark.live

LIMIT = 20.0
"""Seconds; bounds a hang. How soon the upstream is let go is measured by the bench."""
CROWD = 150
SCHEMA = {"type": "object", "properties": {"path": {"type": "string"}}}


def opening(**function):
    call = {"index": 0, "id": "call_1", "type": "function", "function": function}
    return Delta({"tool_calls": [call]})


PHASES = {
    "before the head": (Wait(limit=60),),
    "after the head": (Role(), Wait(limit=60)),
    "within the text": (Text("Hel"), Wait(limit=60), Text("lo"), Finish()),
    "within a call": (
        opening(name="ls", arguments='{"path":"/e'),
        Wait(limit=60),
        Finish("tool_calls"),
    ),
    "after the finish": (Text("Hello"), Finish(), Wait(limit=60)),
}


@pytest.fixture(scope="module")
def patient(troubled_upstream):
    """Run a gateway that writes no heartbeat and so learns nothing from writing."""
    silent = {"PROXYAPP_STREAM__HEARTBEAT": 3600, "PROXYAPP_STREAM__COMMIT_AFTER": 3600}
    with running_gateway(troubled_upstream.url, **silent) as running:
        yield running


@contextlib.contextmanager
def asking(gateway, speaker, *, stream):
    """Send a request and give its socket, the reply unread."""
    body = json.dumps(speaker.body("go", {"ls": SCHEMA}, stream=stream)).encode()
    head = [
        f"POST {speaker.path} HTTP/1.1",
        f"Host: 127.0.0.1:{gateway.port}",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        *(f"{name}: {value}" for name, value in speaker.headers.items()),
    ]
    with socket.create_connection(("127.0.0.1", gateway.port), LIMIT) as client:
        client.sendall("\r\n".join(head).encode() + b"\r\n\r\n" + body)
        yield client


def reached(condition):
    """Wait until something is so; give whether it came to be."""
    deadline = time.monotonic() + LIMIT
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.005)
    return True


def asked(upstream, count=1):
    assert reached(lambda: len(upstream.generations) >= count)


@pytest.mark.reliability("R-001")
@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
@each_speaker(CHATS)
@pytest.mark.parametrize("phase", PHASES)
def test_the_upstream_is_let_go(patient, upstream, phase, speaker, stream):
    upstream.script(*PHASES[phase])
    with asking(patient, speaker, stream=stream):
        asked(upstream)
        # What follows the head needs a moment to get through.
        time.sleep(0.05)
    assert upstream.generations[0].wait_closed(LIMIT) is not None


@pytest.mark.reliability("R-001")
@each_speaker([row for row in SPEAKERS if row not in CHATS])
def test_operations_without_calls_let_go_as_well(gateway, upstream, speaker):
    upstream.script(Text("Hel"), Wait(limit=60))
    with asking(gateway, speaker, stream=True) as client:
        assert client.recv(65536).startswith(b"HTTP/1.1 200")
    assert upstream.generations[0].wait_closed(LIMIT) is not None


@pytest.mark.reliability("R-001")
def test_a_reset_is_leaving_too(gateway, upstream):
    upstream.script(Text("Hel"), Wait(limit=60))
    with asking(gateway, CHATS[0], stream=True) as client:
        assert client.recv(65536)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    assert upstream.generations[0].wait_closed(LIMIT) is not None


@pytest.mark.reliability("R-001")
def test_leaving_while_heartbeats_come_is_seen(gateway, upstream):
    upstream.script(Wait(limit=60))
    asked = asking(gateway, CHATS[0], stream=True)
    with asked as client, client.makefile("rb") as lines:
        assert any(b": ping" in line for line in lines)
    assert upstream.generations[0].wait_closed(LIMIT) is not None


def test_leaving_after_the_end_keeps_the_upstreams_connection(gateway, upstream):
    upstream.script(Text("Hello"), Finish(), Usage(1, 1))
    for _ in range(2):
        with asking(gateway, CHATS[0], stream=True) as client:
            assert reached(lambda reply=client: b"[DONE]" in reply.recv(65536))
    assert len({request.connection for request in upstream.generations}) == 1


@pytest.mark.reliability("R-002")
def test_many_who_left_leave_nothing_behind(gateway, upstream):
    upstream.script(Text("Hello"), Finish(), Usage(1, 1))
    CHATS[0].post(gateway)
    (worker,) = gateway.worker_pids
    kept, files = upstream.active, len(os.listdir(f"/proc/{worker}/fd"))
    upstream.reset()
    upstream.script(Text("Hel"), Wait(limit=60))
    with contextlib.ExitStack() as clients:
        for number in range(CROWD):
            speaker = CHATS[number % len(CHATS)]
            stream = number % 2 == 0
            clients.enter_context(asking(gateway, speaker, stream=stream))
        asked(upstream, CROWD)
    for request in upstream.generations:
        assert request.wait_closed(LIMIT) is not None
    assert reached(lambda: upstream.active <= kept)
    assert reached(lambda: len(os.listdir(f"/proc/{worker}/fd")) <= files + 10)


@pytest.mark.reliability("R-001")
def test_who_leaves_makes_no_noise(gateway, upstream):
    before = gateway.log
    upstream.script(Text("Hel"), Wait(limit=60))
    with asking(gateway, CHATS[0], stream=True) as client:
        assert client.recv(65536)
    assert upstream.generations[0].wait_closed(LIMIT) is not None
    told = gateway.log.removeprefix(before)
    assert "Traceback" not in told
    assert "ERROR" not in told
