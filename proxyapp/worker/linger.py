"""The end of a connection whose client may still be sending."""

import contextlib
import socket
from typing import Any

import gevent

from proxyapp.runtime import breathe

_SECONDS = 2.0
_PIECE = 1 << 18
_PIECES = 256


def linger(sock: Any) -> None:
    """Pass over what a client still sends, for a while, so that it reads the reply.

    Closing a socket with unread bytes resets the connection, and the reset destroys
    the reply that was just sent: a client that is told its body is too large would see
    a broken connection instead.
    """
    with contextlib.suppress(OSError), gevent.Timeout(_SECONDS, False):
        sock.shutdown(socket.SHUT_WR)
        for _ in range(_PIECES):
            if not sock.recv(_PIECE):
                return
            breathe()
