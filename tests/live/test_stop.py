"""The gateway is stopped, or loses a worker, while people are being answered."""

import contextlib
import os
import signal
import socket
import threading
import time
from pathlib import Path

import pytest

from tests.fakes.answers import Script
from tests.fakes.upstream import FakeUpstream
from tests.fakes.upstream import Finish
from tests.fakes.upstream import Hang
from tests.fakes.upstream import Pause
from tests.fakes.upstream import Text
from tests.fakes.upstream import Usage
from tests.fakes.upstream import Wait
from tests.live.clients import Asking
from tests.live.clients import connect
from tests.live.clients import exit_code_of
from tests.live.clients import idle_client
from tests.live.clients import LIMIT
from tests.live.clients import reached
from tests.live.clients import stream_request
from tests.servers import running_gateway
from tests.speakers import CHATS
from tests.speakers import SPEAKERS

pytestmark = pytest.mark.live

GRACE = 4
CHAT = CHATS[0]


def short_or_long(request):
    """Answer shortly, or without end to whoever asks for something long."""
    if b"long" in request.body:
        return Script((Text("Once "), Text("upon"), Hang(LIMIT)))
    return Script((Text("Hel"), Pause(1.5), Text("lo"), Finish(), Usage(1, 2)))


def refused(port):
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return True
    return False


@pytest.fixture(scope="module", params=["SIGTERM", "SIGINT"])
def stopped(request):
    """Stop a gateway in the middle of 18 streams, beside three who do nothing."""
    with contextlib.ExitStack() as stack:
        upstream = stack.enter_context(FakeUpstream())
        settings = {"PROXYAPP_SERVER__GRACEFUL_TIMEOUT": GRACE}
        gateway = stack.enter_context(running_gateway(upstream.url, **settings))
        for _ in range(2):
            stack.enter_context(idle_client(gateway))
        stack.enter_context(connect(gateway))
        CHAT.post(gateway)
        upstream.reset()
        upstream.respond(short_or_long)
        asking = [Asking(gateway, s, "short") for s in SPEAKERS for _ in range(2)]
        asking += [Asking(gateway, s, "long") for s in SPEAKERS]
        assert reached(lambda: len(upstream.generations) == len(asking))
        began = time.monotonic()
        os.kill(gateway.pid, getattr(signal, request.param))
        assert reached(lambda: refused(gateway.port))
        closed = time.monotonic() - began
        code = exit_code_of(gateway.pid)
        took = time.monotonic() - began
        for one in asking:
            one.join(LIMIT)
        yield asking, closed, code, took, gateway.log


def told(asking, text):
    return [(one.speaker, one.raw) for one in asking if one.text == text]


@pytest.mark.reliability("R-020")
def test_what_ends_in_time_ends_as_it_would(stopped):
    for speaker, raw in told(stopped[0], "short"):
        assert speaker.stream_violations(raw) == []
        assert speaker.view(raw).text == "Hello"


@pytest.mark.reliability("R-020")
def test_what_does_not_is_ended_in_the_words_of_its_dialect(stopped):
    for speaker, raw in told(stopped[0], "long"):
        assert speaker.stream_violations(raw, failed=True) == []
        assert "stopping" in str(speaker.view(raw).failure)


@pytest.mark.reliability("R-020")
def test_new_connections_are_soon_refused(stopped):
    assert stopped[1] <= 1.5


@pytest.mark.reliability("R-020")
def test_the_stop_succeeds_within_the_grace(stopped):
    _, _, code, took, log = stopped
    assert code == 0
    assert took <= GRACE + 1
    assert "Traceback" not in log
    assert "graceful timeout" not in log


@pytest.mark.reliability("R-020")
def test_who_only_holds_a_connection_does_not_hold_up_the_stop():
    with contextlib.ExitStack() as stack:
        settings = {"PROXYAPP_SERVER__GRACEFUL_TIMEOUT": 10}
        gateway = stack.enter_context(running_gateway(**settings))
        for _ in range(3):
            stack.enter_context(idle_client(gateway))
        began = time.monotonic()
        os.kill(gateway.pid, signal.SIGTERM)
        assert exit_code_of(gateway.pid) == 0
        assert time.monotonic() - began < 5
        assert "Traceback" not in gateway.log


@pytest.mark.reliability("R-020")
def test_who_is_in_a_hurry_asks_twice():
    with (
        FakeUpstream() as upstream,
        running_gateway(upstream.url, PROXYAPP_SERVER__GRACEFUL_TIMEOUT=30) as gateway,
    ):
        upstream.script(Text("Once "), Hang(LIMIT))
        asking = Asking(gateway, CHAT)
        assert reached(lambda: upstream.generations)
        began = time.monotonic()
        os.kill(gateway.pid, signal.SIGTERM)
        time.sleep(1.0)
        os.kill(gateway.pid, signal.SIGINT)
        asking.join(LIMIT)
        assert CHAT.stream_violations(asking.raw, failed=True) == []
        assert exit_code_of(gateway.pid) == 0
        assert time.monotonic() - began < 10


# ------------------------------------------------------------------ a worker that dies


def worker_of(gateway, client):
    """Find the worker that holds the other end of a connection."""
    ends = [f"0100007F:{gateway.port:04X}", f"0100007F:{client.getsockname()[1]:04X}"]
    table = Path("/proc/net/tcp").read_text("ascii").splitlines()
    lines = [line.split() for line in table]
    link = next(f"socket:[{fields[9]}]" for fields in lines if fields[1:3] == ends)
    for pid in gateway.worker_pids:
        for name in os.listdir(f"/proc/{pid}/fd"):
            with contextlib.suppress(OSError):
                if os.readlink(f"/proc/{pid}/fd/{name}") == link:
                    return pid
    return None


@pytest.mark.reliability("R-022")
def test_a_worker_that_is_killed_takes_no_other_with_it():
    go = threading.Event()
    with contextlib.ExitStack() as stack:
        upstream = stack.enter_context(FakeUpstream())
        gateway = stack.enter_context(running_gateway(upstream.url, workers=2))
        upstream.script(Text("Hel"), Wait(go), Text("lo"), Finish(), Usage(1, 2))
        streams = {}
        while len(streams) < 2:
            client = stack.enter_context(connect(gateway))
            client.sendall(stream_request(gateway))
            assert client.recv(65536).startswith(b"HTTP/1.1 200")
            streams[worker_of(gateway, client)] = client
        killed, lives = streams
        began = time.monotonic()
        os.kill(killed, signal.SIGKILL)
        assert reached(lambda: killed not in gateway.worker_pids)
        with idle_client(gateway):
            assert time.monotonic() - began < 10
        assert reached(lambda: len(gateway.worker_pids) == 2)
        go.set()
        received = b""
        while b"[DONE]" not in received:
            data = streams[lives].recv(65536)
            assert data
            received += data
        assert b"error" not in received
