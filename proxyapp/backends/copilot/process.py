"""The Node process: found where another worker started it, or started.

One serves all workers of a host. Whoever needs it first starts it under a file lock;
it ends by itself when nobody is connected any more, so that none is left behind,
whatever becomes of the workers. Then it takes its socket away; a socket that nobody
answers on is a crash. The lock file remembers those: a process that keeps dying is
not started for ever.
"""

import contextlib
import fcntl
import functools
import hashlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from typing import Final
from typing import IO

from proxyapp import __version__
from proxyapp.backends.copilot.rpc import ask
from proxyapp.backends.copilot.rpc import Connection
from proxyapp.backends.copilot.rpc import ConnectionLost
from proxyapp.backends.copilot.rpc import RpcError
from proxyapp.errors import UpstreamBusy
from proxyapp.errors import UpstreamUnreachable
from proxyapp.wire import jsons

PROTOCOL: Final = 1
PROGRAM: Final = Path(__file__).parent / "helper" / "dist" / "main.mjs"

_PASSED_ON = ("PATH", "HOME", "LANG", "TZ", "NODE_EXTRA_CA_CERTS", "PI_AI_IMPL")
_START_LIMIT = 10.0
_HANDSHAKE = 5.0
_PAUSE = 0.05
_MOST_PAUSE = 2.0
_MINUTE = 60.0
_CRASHES_A_MINUTE = 5
_PATH_LIMIT = 100
"""Bytes: a Unix socket's path holds 107."""


class NodeProcess:
    """Connections to the process, which runs by the time there is one.

    ``options`` is what it is told at its start; a process that was told otherwise, or
    is of another build, is another process. Raises UpstreamUnreachable, with what to
    do, where there can be none, and UpstreamBusy while it keeps dying.
    """

    def __init__(
        self, directory: Path, options: dict[str, Any], program: Path = PROGRAM
    ) -> None:
        self._directory = directory
        self._options = options
        self._program = program
        # Held open for as long as this worker lives: that keeps the process alive.
        self._presence: Connection | None = None
        self._pid = 0
        # Kept, so that its end is noticed: it must not stay a zombie.
        self._child: subprocess.Popen[bytes] | None = None

    def connect(self) -> Connection:
        """Open a connection for one call, starting the process if need be."""
        connection = self.reach() or self._start()
        try:
            if connection.pid != self._pid:
                self._introduce()
                self._pid = connection.pid
        except BaseException:
            connection.close()
            raise
        return connection

    def close(self) -> None:
        """Let go of the process; it ends when nobody holds on to it."""
        if self._presence is not None:
            self._presence.close()
        self._presence, self._pid = None, 0

    def reach(self) -> Connection | None:
        """Open a connection if the process runs; start nothing."""
        path = str(self._path)
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            sock.settimeout(_HANDSHAKE)
            sock.connect(path)
        except OSError:
            sock.close()
            return None
        return Connection(sock)

    def _introduce(self) -> None:
        """Shake hands on a connection that stays open, and let go of the last one."""
        presence = self.reach()
        if presence is None:
            raise _unreachable("it vanished")
        params = {"protocol": PROTOCOL, "client": f"proxyapp {__version__}"}
        try:
            ask(presence, "initialize", params, _HANDSHAKE)
        except (RpcError, ConnectionLost, TimeoutError) as error:
            kill(presence)
            presence.close()
            raise _unreachable(str(error)) from None
        self.close()
        self._presence = presence

    def _start(self) -> Connection:
        """Start the process, unless somebody else does first."""
        with self._locked() as lock:
            found = self.reach()
            if found is not None:
                return found
            if self._path.exists():
                _brake(lock)
            process = self._child = self._spawn()
            deadline = time.monotonic() + _START_LIMIT
            while time.monotonic() < deadline:
                found = self.reach()
                if found is not None:
                    return found
                if process.poll() is not None:
                    raise _unreachable(f"it ended at once: {self._last_words()}")
                time.sleep(_PAUSE)
            process.kill()
        raise _unreachable(f"it did not listen within {_START_LIMIT:g} s")

    @contextlib.contextmanager
    def _locked(self) -> Iterator[IO[str]]:
        """Hold the lock; a blocking flock would stop every greenlet of the worker."""
        path = self._path.with_suffix(".lock")
        deadline = time.monotonic() + 2 * _START_LIMIT
        with open(path, "a+", encoding="ascii", opener=_private) as lock:
            while True:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() > deadline:
                        raise _unreachable("another worker does not start it") from None
                    time.sleep(_PAUSE)
            yield lock

    def _spawn(self) -> "subprocess.Popen[bytes]":
        node = shutil.which("node")
        if node is None:
            raise UpstreamUnreachable(
                "GitHub Copilot needs Node.js 20 or newer, and there is no 'node' on"
                " the PATH; install it and start the gateway again."
            )
        if not self._program.is_file():
            raise UpstreamUnreachable(
                "The GitHub Copilot helper is not built; run: make setup"
            )
        path = self._path
        path.unlink(missing_ok=True)
        if self._child is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._child.wait(1)
        told = {**self._options, "socket": str(path)}
        environ = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        environ["COPILOT_HELPER_OPTIONS"] = jsons.text(told)
        with open(path.with_suffix(".log"), "wb", opener=_private) as log:
            return subprocess.Popen(  # noqa: S603 - our own program, no shell
                [node, str(self._program)],
                cwd=path.parent,
                env=environ,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=log,
                start_new_session=True,
            )

    def _last_words(self) -> str:
        try:
            log = self._path.with_suffix(".log").read_text("utf-8", "replace")
        except OSError:
            return "its log cannot be read"
        lines = log.strip().splitlines()
        return lines[-1][:300] if lines else "it wrote nothing"

    @functools.cached_property
    def _path(self) -> Path:
        """Where it listens: another place for other options or another build."""
        told = jsons.dumps([self._options, os.environ.get("PI_AI_IMPL", "")])
        built = self._program.stat().st_mtime_ns if self._program.exists() else 0
        digest = hashlib.sha256(told + str(built).encode()).hexdigest()[:12]
        path = self._directory / f"copilot-{digest}.sock"
        if len(os.fsencode(path)) > _PATH_LIMIT:
            place = Path(tempfile.gettempdir()) / f"proxyapp-{os.getuid()}"
            path = place / path.name
        return _in_private(path)


def kill(connection: Connection) -> None:
    """End the process at the other end of a connection; it hangs or talks rubbish."""
    with contextlib.suppress(OSError):
        os.kill(connection.pid, signal.SIGKILL)


def _in_private(path: Path) -> Path:
    """Make a path's directory, for its owner alone; raise if it is another's."""
    try:
        path.parent.mkdir(0o700, parents=True, exist_ok=True)
        found = path.parent.stat()
    except OSError as error:
        raise UpstreamUnreachable(
            f"The directory {path.parent} cannot be made ({error.strerror}); set"
            " state.directory to one that can."
        ) from None
    if found.st_uid != os.getuid() or found.st_mode & 0o022:
        raise UpstreamUnreachable(
            f"The directory {path.parent} is open to other users; run: chmod 700"
            f" {path.parent}"
        )
    return path


def _brake(lock: IO[str]) -> None:
    """Put a crash on record; pause after recent ones, and refuse after too many.

    The clock is the machine's own, the same for every process since it was booted.
    """
    lock.seek(0)
    now = time.monotonic()
    stamps = [float(word) for word in lock.read().split()]
    recent = [stamp for stamp in stamps if now - _MINUTE < stamp <= now]
    if len(recent) >= _CRASHES_A_MINUTE:
        wait = recent[0] + _MINUTE - now
        raise UpstreamBusy(
            f"The GitHub Copilot helper crashed {len(recent)} times within a minute;"
            " it is left alone for a while. Its log is in the state directory.",
            retry_after=str(max(1, round(wait))),
        )
    time.sleep(min(_MOST_PAUSE, _PAUSE * 2 ** len(recent)))
    lock.truncate(0)
    lock.write(" ".join(f"{stamp:.2f}" for stamp in [*recent, now]))
    lock.flush()


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_CLOEXEC, 0o600)


def _unreachable(why: str) -> UpstreamUnreachable:
    return UpstreamUnreachable(
        f"The GitHub Copilot helper cannot be reached: {why}. Run: python -m proxyapp"
        " doctor"
    )
