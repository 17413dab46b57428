"""What gunicorn's Response does for us differently."""

from collections.abc import Callable
from errno import ECONNRESET
from typing import Any

from gevent.socket import socket as GeventSocket
from gevent.socket import wait_write

from proxyapp.observe.log import log_trouble

_SMALL = 1 << 16

Writer = Callable[[Any, bytes], None]


def body_writer(patience: float) -> Writer:
    """Make the function that sends one piece of a body with one system call.

    It stands in for the method of gunicorn's Response that frames a piece. That one
    goes through gevent's ``sendall``, which asks the kernel for the size of its buffer
    each time; for a piece the size of a token that is a tenth of the whole cost.

    A client that takes nothing for ``patience`` seconds is cut: ConnectionResetError.
    """

    def send_body(response: Any, data: bytes) -> None:
        piece = b"%X\r\n%b\r\n" % (len(data), data) if response.chunked else data
        sock = response.sock
        # Exactly this class: below a TLS socket lies the bare one.
        if type(sock) is GeventSocket:
            # No contextlib.suppress here: it would cost more than the framing.
            try:
                sent = sock._sock.send(piece)
            except BlockingIOError:
                sent = 0
            if sent < len(piece):
                _send_rest(sock, memoryview(piece)[sent:], patience)
        else:
            sock.sendall(piece)

    return send_body


def _send_rest(sock: Any, rest: memoryview, patience: float) -> None:
    while rest:
        try:
            wait_write(sock.fileno(), patience, TimeoutError())
        except TimeoutError:
            log_trouble("a client stopped reading and was cut", seconds=patience)
            # With a number: gunicorn takes one it does not know for a fault.
            raise ConnectionResetError(ECONNRESET, "the client does not read") from None
        try:
            rest = rest[sock._sock.send(rest[: _SMALL << 4]) :]
        except BlockingIOError:
            continue


def replace_body_writer(patience: float) -> bool:
    """Put a ``body_writer`` into gunicorn, if its insides are those that are known."""
    from gunicorn.http.wsgi import Response

    code = getattr(getattr(Response, "_emit_body", None), "__code__", None)
    names = (code.co_varnames, set(code.co_names)) if code else ()
    known = (("self", "data"), {"util", "write", "sock", "chunked"})
    if names == known:
        Response._emit_body = body_writer(patience)
    return names == known


def honour_close() -> None:
    """Let a reply that says ``Connection: close`` close its connection.

    gunicorn drops the header as one that is not the application's to set.
    """
    from gunicorn.http.wsgi import Response

    process = Response.process_headers

    def process_headers(response: Any, headers: list[tuple[str, str]]) -> None:
        process(response, headers)
        if ("Connection", "close") in headers:
            response.must_close = True
            response.req.force_close()

    Response.process_headers = process_headers
