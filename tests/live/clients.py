"""Clients that do what no library lets them, and what to wait for meanwhile."""

import contextlib
import json
import os
import socket
import threading
import time

from tests.speakers import CHATS

LIMIT = 20.0


class Asking(threading.Thread):
    """Somebody who asks for a stream and reads it to its end."""

    def __init__(self, gateway, speaker, text="hi"):
        super().__init__(daemon=True)
        self.gateway, self.speaker, self.text = gateway, speaker, text
        self.raw = b""
        self.error = None
        self.start()

    def run(self):
        try:
            self.raw = self.speaker.post(self.gateway, self.text, stream=True).content
        except OSError as error:
            self.error = error


def reached(condition, limit=LIMIT):
    """Wait until something is so; give whether it came to be."""
    deadline = time.monotonic() + limit
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def exit_code_of(pid):
    """Wait for a process to end, but leave it to its parent's hands."""
    deadline = time.monotonic() + LIMIT
    while time.monotonic() < deadline:
        result = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT | os.WNOHANG)
        if result is not None:
            return result.si_status
        time.sleep(0.02)
    return None


def connect(gateway):
    """Open a connection; use it in a with statement."""
    return socket.create_connection(("127.0.0.1", gateway.port), LIMIT)


def request_head(gateway, path, *lines):
    """Write the head of a POST."""
    head = [f"POST {path} HTTP/1.1", f"Host: 127.0.0.1:{gateway.port}", *lines]
    return "\r\n".join(head).encode() + b"\r\n\r\n"


def stream_request(gateway, text="hi"):
    """Write a whole request for a stream of OpenAI's chat."""
    body = json.dumps(CHATS[0].body(text, stream=True)).encode()
    head = request_head(gateway, CHATS[0].path, f"Content-Length: {len(body)}")
    return head + body


@contextlib.contextmanager
def idle_client(gateway):
    """Hold a connection that has been served once."""
    with connect(gateway) as client:
        client.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert client.recv(65536).startswith(b"HTTP/1.1 200")
        yield client


def read_to_end(client):
    """Give all that comes until the other side closes."""
    received = b""
    with contextlib.suppress(ConnectionResetError):
        while data := client.recv(65536):
            received += data
    return received
