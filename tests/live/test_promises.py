"""What is promised of time and memory, and what an upstream's own words become."""

import contextlib
import os
import socket
import subprocess
import sys
import sysconfig
import threading
import time
import zlib
from pathlib import Path

import pytest
import requests

from proxyapp.settings.load import load_settings
from tests.fakes.faults import FAULTS
from tests.fakes.faulty import bomb
from tests.fakes.faulty import endless_text
from tests.fakes.faulty import long_line
from tests.fakes.faulty import MARKUP
from tests.fakes.upstream import FakeUpstream
from tests.fakes.upstream import Finish
from tests.fakes.upstream import Pause
from tests.fakes.upstream import Text
from tests.fakes.upstream import Usage
from tests.fakes.upstream import Wait
from tests.live import hostile
from tests.live.clients import reached
from tests.live.clients import stream_request
from tests.live.conftest import HURRIED
from tests.live.hostile import Prober
from tests.measures import cpu_of
from tests.measures import least
from tests.measures import memory_of
from tests.servers import ROOT
from tests.servers import running_gateway
from tests.speakers import CHATS
from tests.speakers import each_speaker

pytestmark = pytest.mark.live

CHAT = CHATS[0]
LIMIT = 20.0
LONG = 1.5
"""As hostile.pace() measures work; the gateway needs a quarter of one."""


class Growth:
    """Watch how much more memory a worker holds at any moment of the block, in MB."""

    def __init__(self, gateway):
        (self.pid,) = gateway.worker_pids
        self.most = 0.0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def _watch(self):
        before = memory_of(self.pid)
        while not self._over.wait(0.01):
            self.most = max(self.most, memory_of(self.pid) - before)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        self._thread.join(5)


@contextlib.contextmanager
def asking(gateway, **options):
    """Ask for a stream; give the socket, the reply unread."""
    with socket.create_connection(("127.0.0.1", gateway.port), LIMIT) as client:
        client.sendall(stream_request(gateway, **options))
        yield client


def read_until(client, mark):
    """Read until something has come; give all and the moment it came."""
    received = b""
    while mark not in received:
        data = client.recv(65536)
        assert data, received[-200:]
        received += data
    return received, time.monotonic()


# ------------------------------------------------------------------------- events


@pytest.mark.reliability("R-007")
def test_a_long_event_is_handled_soon_and_holds_up_nobody(gateway, upstream):
    (worker,) = gateway.worker_pids

    def cost():
        upstream.reset()
        upstream.answer(long_line(7.5, Finish(), Usage(1, 1)))
        spent = cpu_of(worker)
        with Prober(gateway) as prober:
            reply = CHAT.post(gateway, stream=True)
        assert prober.worst < LIMIT
        assert reply.content.count(b"A") > 7 << 20
        assert CHAT.view(reply.content).failure is None
        # All that the worker did, the replies to others among it.
        return (cpu_of(worker) - spent) / hostile.pace()

    assert least(cost, LONG) <= LONG


class Packed:
    """Text steps, each compressed and flushed by itself."""

    def __init__(self):
        self.packer = zlib.compressobj(6, 8, 31)

    def __call__(self, data):
        return self.packer.compress(data) + self.packer.flush(2)


@pytest.mark.reliability("R-011")
@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
def test_an_event_is_passed_on_before_the_next_is_sent(gateway, upstream, packed):
    more = [threading.Event() for _ in range(4)]
    steps = [step for one in more for step in (Text(f"t{id(one)} "), Wait(one))]
    coding = {"headers": {"Content-Encoding": "gzip"}, "transform": Packed()}
    upstream.script(*steps, Finish(), Usage(1, 4), **(coding if packed else {}))
    with asking(gateway) as client:
        for one in more:
            read_until(client, f"t{id(one)} ".encode())
            one.set()
        received, _ = read_until(client, b"[DONE]")
    assert b"error" not in received


@pytest.mark.reliability("R-011")
def test_an_event_waits_for_no_other_and_no_timer(gateway, upstream):
    stamps = [f"@{n:03}" for n in range(40)]
    sent = {}

    def stamped(data):
        for stamp in stamps:
            if stamp.encode() in data:
                sent[stamp] = time.monotonic()
        return data

    steps = [step for stamp in stamps for step in (Text(stamp), Pause(0.01))]
    upstream.script(*steps, Finish(), Usage(1, 40), transform=stamped)
    soonest = {}
    for server in (gateway, upstream):
        with asking(server) as client:
            late = [
                read_until(client, stamp.encode())[1] - sent[stamp] for stamp in stamps
            ]
            read_until(client, b"[DONE]")
        soonest[server] = min(late)
    # Five milliseconds are promised; a timer would hold up each of them.
    assert soonest[gateway] < 30 * soonest[upstream], soonest


@pytest.mark.reliability("R-015")
@pytest.mark.parametrize("name", ["malformed_sse"])
@each_speaker()
def test_what_was_dropped_is_counted_in_the_log(gateway, upstream, speaker, name):
    before = len(gateway.log)
    upstream.answer(FAULTS[name].make())
    assert speaker.post(gateway, stream=True).status_code == 200
    assert reached(lambda: "events dropped" in gateway.log[before:])
    assert "count=3" in gateway.log[before:]


# ------------------------------------------------------------------------- memory


@pytest.mark.reliability("R-016")
@pytest.mark.parametrize("opening", [b"", b'{"id":"'], ids=["blank", "document"])
@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
def test_a_reply_that_swells_costs_little(gateway, upstream, stream, opening):
    upstream.answer(bomb(opening, 500))
    with Growth(gateway) as growth:
        reply = CHAT.post(gateway, stream=stream)
    assert reply.status_code == 502
    assert growth.most < 100


@pytest.mark.reliability("R-012")
def test_a_client_that_does_not_read_costs_little_and_is_cut():
    patience = {"PROXYAPP_SERVER__WRITE_TIMEOUT": 2}
    with FakeUpstream() as fake, running_gateway(fake.url, **patience) as gateway:
        CHAT.post(gateway)
        fake.reset()
        fake.answer(endless_text())
        with asking(gateway) as client, Growth(gateway) as growth:
            read_until(client, b"word")
            assert fake.generations[0].wait_closed(LIMIT) is not None
        assert growth.most < 20


# --------------------------------------------------------------------------- waits


@pytest.mark.reliability("R-013", "R-014")
def test_the_defaults_allow_a_long_prompt_and_no_long_silence(tmp_path):
    settings = load_settings({"HOME": str(tmp_path)}, tmp_path)
    assert settings.upstream.idle_timeout >= 600
    assert settings.upstream.connect_timeout <= 5
    assert settings.stream.heartbeat <= 15
    assert settings.stream.commit_after <= 15


@pytest.mark.reliability("R-014")
@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
@each_speaker()
def test_a_wait_that_is_over_is_told_in_the_dialect(gateway, upstream, speaker, stream):
    upstream.answer(FAULTS["hang_before_headers"].make())
    reply = speaker.post(gateway, stream=stream)
    if stream:
        # The heartbeats had begun by then.
        assert reply.status_code == 200
        assert speaker.stream_violations(reply.content, failed=True) == []
        assert "sent nothing" in speaker.view(reply.content).failure
    else:
        assert reply.status_code == 504
        assert speaker.error_violations(504, reply.json()) == []


@pytest.mark.reliability("R-014")
def test_a_server_that_accepts_no_connection_is_not_waited_for_long():
    with contextlib.ExitStack() as stack:
        deaf = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        address = deaf.getsockname()
        for _ in range(4):
            full = stack.enter_context(socket.socket())
            full.setblocking(False)
            full.connect_ex(address)
        time.sleep(0.1)
        waits = {**HURRIED, "PROXYAPP_UPSTREAM__CONNECT_TIMEOUT": 0.5}
        url = f"http://127.0.0.1:{address[1]}"
        gateway = stack.enter_context(running_gateway(url, **waits))
        reply = CHAT.post(gateway)
    assert reply.status_code in (502, 504)
    assert "did not accept the connection in time" in reply.json()["error"]["message"]


# ------------------------------------------------------------------ what is shown


@pytest.mark.reliability("R-056")
@each_speaker()
def test_what_a_model_writes_is_never_a_page(gateway, upstream, speaker):
    upstream.script(Text(MARKUP), Finish(), Usage(1, 1))
    for stream in (True, False):
        reply = speaker.post(gateway, stream=stream)
        told = reply.headers["Content-Type"].partition(";")[0]
        allowed = {speaker.content_type.partition(";")[0], "application/json"}
        assert told in allowed
        assert reply.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.reliability("R-056")
@pytest.mark.parametrize("path", ["/v1/<img src=x>", "/api/%3Cscript%3E", "/<b>"])
def test_what_a_client_writes_is_never_a_page(gateway, path):
    with socket.create_connection(("127.0.0.1", gateway.port), LIMIT) as client:
        quoted = path.replace(" ", "%20")
        head = f"GET {quoted} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
        client.sendall(head.encode())
        received, _ = read_until(client, b"\r\n\r\n")
    assert b"text/html" not in received
    assert b"nosniff" in received


# --------------------------------------------------------------- other people's port


@pytest.mark.reliability("R-047")
@pytest.mark.parametrize("status", [200, 404, 500])
def test_what_stands_at_an_address_is_not_shown(status):
    with FakeUpstream() as fake:
        for path in ("/v1/models", "/props", "/health", "/v1/chat/completions"):
            fake.reply(status, "<p>inner-secret-page</p>", path=path)
        with running_gateway(fake.url, **HURRIED) as gateway:
            listing = requests.get(gateway.url + "/v1/models", timeout=9)
            reply = CHAT.post(gateway)
            shown = reply.text + listing.text + gateway.log
    assert reply.status_code >= 400
    assert "inner-secret-page" not in shown


# ------------------------------------------------------------------ without rights

NOBODY = 65534


def interpreter_for_nobody():
    """Find a Python that others may run; root's own often lies in its home."""
    version = f"python3.{sys.version_info.minor}"
    for python in (sys.executable, f"/usr/bin/{version}"):
        if os.path.exists(python) and may_run(python):
            return python
    return None


def may_run(python):
    command = [python, "-c", "import ssl, sqlite3"]
    with contextlib.suppress(OSError):
        return not subprocess.run(
            command, user=NOBODY, cwd=ROOT, check=False
        ).returncode
    return False


@pytest.mark.reliability("R-060")
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become nobody")
def test_nobody_can_serve_without_a_home_and_without_a_writable_disk(upstream):
    python = interpreter_for_nobody()
    if python is None:
        pytest.skip("no Python here may be run by others")
    nobody = {
        "HOME": "/nonexistent",
        "PROXYAPP_CONFIG": None,
        "PYTHONPATH": sysconfig.get_path("platlib"),
        "PYTHONDONTWRITEBYTECODE": 1,
    }
    with running_gateway(upstream.url, user=NOBODY, python=python, **nobody) as gateway:
        for speaker in CHATS:
            assert speaker.post(gateway, stream=True).status_code == 200
        (worker,) = gateway.worker_pids
        status = Path(f"/proc/{worker}/status").read_text("ascii")
        assert "Traceback" not in gateway.log
    assert "Uid:\t65534\t65534\t65534\t65534" in status
    assert "CapEff:\t0000000000000000" in status
