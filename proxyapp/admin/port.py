"""The port the gateway wants, and who has it if it is not free."""

import contextlib
import errno
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from typing import Final

from proxyapp.backends.base import Finding
from proxyapp.backends.http import HttpClient
from proxyapp.errors import UpstreamError
from proxyapp.settings.schema import ServerSettings
from proxyapp.wire import jsons

_SUBJECT: Final = "port"
_LISTENING: Final = "0A"
"""The state TCP_LISTEN in /proc/net/tcp, from include/net/tcp_states.h of Linux."""

_PATIENCE: Final = 1.0
"""The seconds a program on this machine may take to say what it is."""

_ANYWHERE: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - only compared


def check_port(server: ServerSettings, *, may_run: bool) -> Finding:
    """Find out whether the gateway could listen, or who does so in its place.

    ``may_run`` tells whether a gateway that listens there already is as it should be.
    """
    failure = _bind_failure(server.listen_host, server.listen_port)
    if failure is None:
        return Finding(True, _SUBJECT, f"{server.listen_port} is free")
    if failure.errno == errno.EADDRINUSE:
        return _taken(server, may_run)
    words = failure.strerror or str(failure)
    return Finding(
        False,
        _SUBJECT,
        f"{server.listen_port} on {server.listen_host} cannot be had: {words}",
        _REMEDIES.get(
            failure.errno or 0, "Set LISTEN_HOST to an address of this machine."
        ),
    )


_REMEDIES: Final = {
    errno.EACCES: "Ports below 1024 belong to root: set LISTEN_PORT to a higher one.",
    errno.EPERM: "Ports below 1024 belong to root: set LISTEN_PORT to a higher one.",
}


def local_url(server: ServerSettings) -> str:
    """Write the gateway's own address, as a program on this machine reaches it."""
    host = server.listen_host.strip("[]")
    host = _ANYWHERE.get(host, host)
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}:{server.listen_port}"


def _bind_failure(host: str, port: int) -> OSError | None:
    try:
        found = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)
        family, kind, protocol, _, address = found[0]
        with socket.socket(family, kind, protocol) as listener:
            # As gunicorn does: a port whose last connections fade away is free.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
    except OSError as error:
        return error
    return None


def _taken(server: ServerSettings, may_run: bool) -> Finding:
    port = server.listen_port
    elsewhere = f"LISTEN_PORT={port + 1 if port < 65535 else port - 1}"
    name, version = _speaker(local_url(server))
    if name == "proxyapp":
        held = f"{port} is held by proxyapp {version}, which runs already"
        remedy = f"Use that one, or start another with {elsewhere}"
        return Finding(may_run, _SUBJECT, held, "" if may_run else remedy)
    if name == "ollama":
        return Finding(
            False,
            _SUBJECT,
            f"{port} is held by Ollama {version}",
            "Stop it (systemctl stop ollama, or quit its app), or give the gateway"
            f" another port: {elsewhere}",
        )
    holder = port_holder(port) or "another program"
    return Finding(
        False,
        _SUBJECT,
        f"{port} is held by {holder}",
        f"Stop that program, or give the gateway another port: {elsewhere}",
    )


def _speaker(url: str) -> tuple[str, str]:
    """Ask who answers: ``proxyapp`` or ``ollama`` and its version, or nobody known.

    The gateway answers Ollama's routes as well, so its own are asked first.
    """
    http = HttpClient(url, connect_timeout=_PATIENCE)
    try:
        own = _answer(http, "/health")
        if own.get("name") == "proxyapp":
            return "proxyapp", str(own.get("version", ""))
        version = _answer(http, "/api/version").get("version")
    except UpstreamError:
        return "", ""
    return ("ollama", version) if isinstance(version, str) else ("", "")


def _answer(http: HttpClient, path: str) -> dict[str, Any]:
    """GET an object; anything else that answers has nothing to say."""
    response, body = http.document("GET", path, timeout=_PATIENCE)
    try:
        answer = jsons.loads(body) if response.status_code == 200 else {}
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}


def port_holder(port: int, proc: Path = Path("/proc")) -> str:
    """Name the process that listens on a port, as far as this user may see it."""
    sockets = {f"socket:[{inode}]" for inode in _listeners(port, proc)}
    for process in proc.glob("[0-9]*"):
        if sockets and not sockets.isdisjoint(_open_files(process)):
            return f"process {process.name} ({_program(process)})"
    return ""


def _listeners(port: int, proc: Path) -> Iterator[str]:
    """Yield the inodes of listening sockets; addresses there are hexadecimal."""
    ending = f":{port:04X}"
    for table in ("tcp", "tcp6"):
        try:
            lines = (proc / "net" / table).read_text().splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            columns = line.split()
            if columns[1].endswith(ending) and columns[3] == _LISTENING:
                yield columns[9]


def _open_files(process: Path) -> Iterator[str]:
    # A process may end, or close a file, while it is looked at; and those of other
    # users show nothing.
    with contextlib.suppress(OSError):
        for entry in (process / "fd").iterdir():
            with contextlib.suppress(OSError):
                yield str(entry.readlink())


def _program(process: Path) -> str:
    try:
        return (process / "comm").read_text().strip()
    except OSError:
        return "ended meanwhile"
