"""Clients that do not read, and descriptors that run out."""

import contextlib
import os
import resource
import socket
import time

import pytest

from tests.fakes.upstream import FakeUpstream
from tests.fakes.upstream import Text
from tests.live import hostile
from tests.live.clients import connect
from tests.live.clients import idle_client
from tests.live.clients import LIMIT
from tests.live.clients import reached
from tests.live.clients import stream_request
from tests.measures import memory_of
from tests.servers import running_gateway

pytestmark = pytest.mark.live

PIECE = "a" * 32768


@pytest.mark.reliability("R-012")
def test_a_client_that_does_not_read_costs_little_and_is_cut():
    timeout = {"PROXYAPP_SERVER__WRITE_TIMEOUT": 3}
    with FakeUpstream() as fake, running_gateway(fake.url, **timeout) as gateway:
        with idle_client(gateway):
            (worker,) = gateway.worker_pids
        fake.script(*[Text(PIECE)] * 8000)
        with connect(gateway) as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.sendall(stream_request(gateway))
            assert reached(lambda: fake.generations)
            time.sleep(0.5)
            before = memory_of(worker)
            time.sleep(1.5)
            assert memory_of(worker) - before < 20
            assert fake.generations[0].wait_closed(LIMIT) is not None
        assert reached(lambda: "ending=client_gone" in gateway.log)
        assert "stopped reading" in gateway.log
        assert "Traceback" not in gateway.log
        with idle_client(gateway):
            pass


@pytest.mark.reliability("R-029c")
def test_descriptors_that_ran_out_come_back():
    with FakeUpstream() as fake, running_gateway(fake.url) as gateway:
        with idle_client(gateway):
            (worker,) = gateway.worker_pids
        used = len(os.listdir(f"/proc/{worker}/fd"))
        _, hard = resource.prlimit(worker, resource.RLIMIT_NOFILE)
        resource.prlimit(worker, resource.RLIMIT_NOFILE, (used + 8, hard))
        before = len(gateway.log)
        began = time.monotonic()
        with contextlib.ExitStack() as crowd:
            for _ in range(60):
                crowd.enter_context(connect(gateway))
            time.sleep(3.0)
        exhausted = time.monotonic() - began
        released = time.monotonic()
        with idle_client(gateway):
            assert time.monotonic() - released < 5
        lines = gateway.log[before:].splitlines()
        told = [line for line in lines if "descriptor" in line]
        assert 1 <= len(told) <= exhausted + 2
        assert len(lines) <= exhausted + 3, lines
        assert gateway.worker_pids == [worker]


@pytest.mark.reliability("R-028")
def test_who_waits_idly_makes_room_when_descriptors_run_out():
    with FakeUpstream() as fake, running_gateway(fake.url) as gateway:
        with idle_client(gateway):
            (worker,) = gateway.worker_pids
        used = len(os.listdir(f"/proc/{worker}/fd"))
        _, hard = resource.prlimit(worker, resource.RLIMIT_NOFILE)
        resource.prlimit(worker, resource.RLIMIT_NOFILE, (used + 8, hard))
        with contextlib.ExitStack() as crowd:
            for _ in range(30):
                crowd.enter_context(connect(gateway))
            with hostile.Prober(gateway) as prober:
                time.sleep(3.0)
        assert prober.asked > 3
        assert prober.worst < hostile.LIMIT
