"""How the worker writes a reply to its client."""

from errno import ECONNRESET
from typing import Any

import gunicorn.http.wsgi
from gevent.socket import socket as GeventSocket
from gevent.socket import wait_write

from proxyapp.observe.log import log_trouble

_SLICE = 1 << 20


class ClientResponse(gunicorn.http.wsgi.Response):  # type: ignore[misc]
    """gunicorn's Response, which writes with as few system calls as there can be.

    The head goes out with the first piece of the body, and a piece goes straight to
    the socket: gevent's ``sendall`` asks the kernel for the size of its buffer each
    time, which for a piece the size of a token is a tenth of the whole cost.

    A client that takes nothing for ``patience`` seconds is cut: ConnectionResetError.
    """

    patience = 60.0
    headers_sent: bool
    _head = b""

    def process_headers(self, headers: list[tuple[str, str]]) -> None:
        """Let a reply that says ``Connection: close`` close its connection.

        gunicorn drops the header as one that is not the application's to set.
        """
        super().process_headers(headers)
        if ("Connection", "close") in headers:
            self.must_close = True
            self.req.force_close()

    def send_headers(self) -> None:
        """Write the head, which waits for the body's first piece."""
        if not self.headers_sent:
            self.headers_sent = True
            lines = self.default_headers()
            lines += [f"{name}: {value}\r\n" for name, value in self.headers]
            self._head = ("".join(lines) + "\r\n").encode("latin-1")

    def _emit_body(self, data: bytes) -> None:
        piece = b"%X\r\n%b\r\n" % (len(data), data) if self.chunked else data
        self._send(self._after_head(piece) if self._head else piece)

    def _after_head(self, piece: bytes) -> bytes:
        """Give what is left to be sent: the head with the piece, if it is not large."""
        head, self._head = self._head, b""
        if len(piece) < _SLICE:
            return head + piece
        self._send(head)
        return piece

    def close(self) -> None:
        """End the reply."""
        self.send_headers()
        rest = self._head + b"0\r\n\r\n" if self.chunked else self._head
        self._head = b""
        if rest:
            self._send(rest)

    def _send(self, piece: bytes) -> None:
        sock = self.sock
        # Exactly this class: below a TLS socket lies the bare one.
        if type(sock) is GeventSocket:
            # No contextlib.suppress here: it would cost more than the framing.
            try:
                sent = sock._sock.send(piece)
            except BlockingIOError:
                sent = 0
            if sent < len(piece):
                _send_rest(sock, memoryview(piece)[sent:], self.patience)
        else:
            sock.sendall(piece)


def _send_rest(sock: Any, rest: memoryview, patience: float) -> None:
    while rest:
        try:
            wait_write(sock.fileno(), patience, TimeoutError())
        except TimeoutError:
            log_trouble("a client stopped reading and was cut", seconds=patience)
            # With a number: gunicorn takes one it does not know for a fault.
            raise ConnectionResetError(ECONNRESET, "the client does not read") from None
        try:
            rest = rest[sock._sock.send(rest[:_SLICE]) :]
        except BlockingIOError:
            continue


def write_replies(patience: float) -> None:
    """Have gunicorn's workers of this process answer with a ClientResponse."""
    ClientResponse.patience = patience
    gunicorn.http.wsgi.Response = ClientResponse
