"""The hostile corpora of tests/data/hostile, and how to send them."""

import contextlib
import http.client
import json
import re
import socket
import threading
import time
from pathlib import Path

import orjson

DATA = Path(__file__).parents[1] / "data" / "hostile"
STATUS = re.compile(rb"HTTP/1\.[01] (\d{3}) ")
LIMIT = 8.0
_WORK = b"[" + b"[]," * 300_000 + b"[]]"


def corpus(name):
    """Give the cases of a corpus."""
    return json.loads((DATA / f"{name}.json").read_text("utf-8"))["cases"]


def joined(pieces):
    """Give a text whose long runs are written as [text, count]."""
    return "".join(p if isinstance(p, str) else p[0] * p[1] for p in pieces)


def exchange(gateway, raw):
    """Send bytes on a connection of their own; give all that comes back.

    Raises TimeoutError when nothing comes for so long that it is a hang. Silence
    after an answer is the end of it: its connection may be kept.
    """
    received = b""
    with socket.create_connection(("127.0.0.1", gateway.port), LIMIT) as client:
        # The gateway may refuse and close while it is still being written to.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            client.sendall(raw)
        try:
            while data := client.recv(65536):
                received += data
                client.settimeout(0.2)
        except ConnectionResetError:
            return received
        except TimeoutError:
            if not received:
                raise
    return received


def statuses(received):
    """Give the status of each reply in what came back."""
    return [int(status) for status in STATUS.findall(received)]


def stalls(log):
    """Give how long the worker was at work while its loop stood still, in ms."""
    return [int(ms) for ms in re.findall(r"stood still ms=\d+ busy_ms=(\d+)", log)]


def pace():
    """Give the CPU time, in ms, of a known piece of work: how fast the machine is now.

    It was 100 where the figures of docs/reliability.md were measured.
    """
    began = time.thread_time()
    orjson.loads(_WORK)
    return (time.thread_time() - began) * 1000


class Prober(threading.Thread):
    """Ask /health again and again while the block runs, and keep the longest wait."""

    def __init__(self, gateway):
        super().__init__(daemon=True)
        self.port = gateway.port
        self.worst = 0.0
        self.asked = 0
        self._over = threading.Event()

    def run(self):
        while not self._over.is_set():
            began = time.monotonic()
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
            with contextlib.closing(connection):
                connection.request("GET", "/health")
                connection.getresponse().read()
            self.worst = max(self.worst, time.monotonic() - began)
            self.asked += 1
            self._over.wait(0.02)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        self.join(30)
