"""Requests that gunicorn cannot read, refused in JSON like all others.

They never reach the application: gunicorn answers them itself, with a web page.
"""

import socket
from collections.abc import Callable
from typing import Any

from proxyapp.errors import BadRequest
from proxyapp.errors import ProxyError
from proxyapp.wire import jsons

_HEAD = (
    "HTTP/1.1 {status} {reason}\r\n"
    "Connection: close\r\n"
    "Content-Type: application/json\r\n"
    "Content-Length: {length}\r\n"
    "\r\n"
)

Writer = Callable[[socket.socket, int, str, str], None]


def refusal_writer(error_body: Callable[[ProxyError], Any]) -> Writer:
    """Make the function that stands in for ``gunicorn.util.write_error``.

    Whose dialect a broken request was meant in cannot be known, so all are answered
    in the one of ``error_body``.
    """

    def write(sock: socket.socket, status: int, reason: str, message: str) -> None:
        failed = status >= 500 and status != 501
        kind = ProxyError if failed else BadRequest
        error = kind(message or f"{reason}.")
        body = jsons.dumps(error_body(error))
        head = _HEAD.format(status=status, reason=reason, length=len(body))
        sock.sendall(head.encode("latin-1", "replace") + body)

    return write
