"""One accepted connection, read and written by hand so that every byte is ours."""

import select
import socket
import struct
import threading
import time
from dataclasses import dataclass
from dataclasses import field


class PeerGone(Exception):
    """The other side closed or reset the connection."""


@dataclass
class Head:
    """A request as it arrived; header names in lower case, the last one wins."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes = b""
    raw_headers: list[tuple[str, str]] = field(default_factory=list)


class Connection:
    """A socket with the few acts a scripted server needs."""

    def __init__(self, sock: socket.socket) -> None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.settimeout(20)
        self.sock = sock
        self.buffer = b""
        self.open = True

    # ------------------------------------------------------------ reading

    def read_request(self) -> Head | None:
        """Read one request, or None when the peer is done with the connection."""
        try:
            head = self.read_until(b"\r\n\r\n")
            request = parse_head(head.decode("latin-1"))
            request.body = self.read_body(request.headers)
        except (PeerGone, OSError, ValueError):
            return None
        return request

    def read_body(self, headers: dict[str, str]) -> bytes:
        """Read the body the headers announce, chunked or counted."""
        if "chunked" in headers.get("transfer-encoding", ""):
            return b"".join(iter(self.read_chunk, b""))
        return self.read_exactly(int(headers.get("content-length", "0")))

    def read_chunk(self) -> bytes:
        """Read one chunk; the last one is empty."""
        size = int(self.read_until(b"\r\n").split(b";")[0], 16)
        data = self.read_exactly(size)
        self.read_exactly(2)
        return data

    def read_until(self, mark: bytes) -> bytes:
        """Read up to and without a mark, which is consumed."""
        while mark not in self.buffer:
            self.fill()
        data, _, self.buffer = self.buffer.partition(mark)
        return data

    def read_exactly(self, size: int) -> bytes:
        """Read so many bytes."""
        while len(self.buffer) < size:
            self.fill()
        data, self.buffer = self.buffer[:size], self.buffer[size:]
        return data

    def fill(self) -> None:
        """Read whatever has arrived."""
        data = self.sock.recv(65536)
        if not data:
            raise PeerGone
        self.buffer += data

    # ------------------------------------------------------------ writing

    def send(self, data: bytes) -> None:
        """Send bytes, or raise PeerGone."""
        try:
            self.sock.sendall(data)
        except OSError as error:
            raise PeerGone from error

    def peer_left(self, seconds: float = 0.0) -> bool:
        """Wait up to so many seconds for the peer to leave.

        Bytes of a pipelined next request do not count as leaving.
        """
        deadline = time.monotonic() + seconds
        while True:
            left = max(0.0, deadline - time.monotonic())
            try:
                readable, _, _ = select.select([self.sock], [], [], left)
                if not readable:
                    return False
                if not self.sock.recv(1, socket.MSG_PEEK):
                    return True
            except (OSError, ValueError):
                return True
            if left == 0.0:
                return False
            time.sleep(min(left, 0.01))

    def pause(self, seconds: float) -> None:
        """Be silent; raise PeerGone as soon as the peer leaves."""
        if self.peer_left(seconds):
            raise PeerGone

    def wait(self, event: threading.Event, limit: float) -> None:
        """Be silent until the event is set; raise PeerGone when the peer leaves."""
        deadline = time.monotonic() + limit
        while not event.wait(0.002) and time.monotonic() < deadline:
            self.pause(0)

    # ------------------------------------------------------------- ending

    def reset(self) -> None:
        """Drop the connection with a TCP reset."""
        linger = struct.pack("ii", 1, 0)
        try:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        except OSError:
            return
        finally:
            self.close()

    def close(self) -> None:
        """Drop the connection with a FIN."""
        self.open = False
        self.sock.close()

    def interrupt(self) -> None:
        """Wake the thread that serves this connection; it closes the socket."""
        self.open = False
        try:
            self.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            return


def parse_head(text: str) -> Head:
    """Take a request head apart."""
    first, *lines = text.split("\r\n")
    method, target, _ = first.split(" ", 2)
    pairs = [line.split(":", 1) for line in lines if ":" in line]
    raw = [(name.strip(), value.strip()) for name, value in pairs]
    lowered = {name.lower(): value for name, value in raw}
    return Head(method, target, lowered, raw_headers=raw)


def response_head(status: int, reason: str, headers: dict[str, str]) -> bytes:
    """Write a response head; nothing is added to the headers."""
    lines = [f"HTTP/1.1 {status} {reason}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


@dataclass
class Body:
    """A response body under one of the framings of HTTP/1.1.

    ``split`` sends every so many bytes as a chunk and a TCP write of their own;
    ``gap`` is the silence between those writes, in seconds.
    """

    connection: Connection
    chunked: bool = True
    split: int | None = None
    gap: float = 0.0

    def write(self, data: bytes) -> None:
        """Send a piece of the body."""
        size = self.split or max(1, len(data))
        for start in range(0, len(data), size):
            self.connection.send(self.framed(data[start : start + size]))
            if self.gap:
                self.connection.pause(self.gap)

    def framed(self, data: bytes) -> bytes:
        """Give a piece with its chunk frame, if any."""
        if not self.chunked:
            return data
        return b"%x\r\n%s\r\n" % (len(data), data)

    def break_off(self, data: bytes) -> None:
        """Send the beginning of a piece whose end will never come."""
        beginning = data[: max(1, len(data) // 2)]
        if self.chunked:
            beginning = b"%x\r\n%s" % (len(data), beginning)
        self.connection.send(beginning)

    def end(self) -> None:
        """End the body."""
        if self.chunked:
            self.connection.send(b"0\r\n\r\n")
