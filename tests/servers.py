"""A real gateway in a process of its own: gunicorn, its gevent worker, real sockets.

    with FakeUpstream() as up, running_gateway(up.url) as gateway:
        requests.get(f"{gateway.url}/health")

The process sees no settings but those it is given here: a home and a settings file of
its own, and an environment without the caller's variables.
"""

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
START_LIMIT = 20.0
STOP_LIMIT = 6.0
PASSED_ON = ("PATH", "LANG", "LC_ALL", "TZ", "COVERAGE_PROCESS_START")


@dataclass(frozen=True)
class RunningGateway:
    """A gateway that answers; ``pid`` is that of gunicorn's parent process."""

    port: int
    pid: int
    home: Path

    @property
    def url(self) -> str:
        """The base URL, without a slash at its end."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        """What the gateway has written to its standard streams so far."""
        return (self.home / "gateway.log").read_text("utf-8", "replace")

    @property
    def worker_pids(self) -> list[int]:
        """The pids of the workers, oldest first."""
        return children_of(self.pid)


@contextlib.contextmanager
def running_gateway(
    upstream_url: str | None = None,
    workers: int = 1,
    config: str = "",
    user: int | None = None,
    python: str = sys.executable,
    **env: object,
) -> Iterator[RunningGateway]:
    """Run a gateway while the block lasts.

    ``config`` is the text of its settings file; ``env`` are variables, such as
    ``PROXYAPP_STREAM__HEARTBEAT=0.5``; None leaves one out. ``user`` is whose process
    it is, for tests that root runs, and ``python`` its interpreter. Without
    ``upstream_url`` the gateway looks for a llama-server at its usual place.
    """
    with tempfile.TemporaryDirectory(prefix="proxyapp-") as home:
        place = Path(home)
        (place / "config.toml").write_text(config, "utf-8")
        values = environment(place, upstream_url, workers, env)
        process, port = start(place, values, user, python)
        try:
            wait_for_health(process, port, place)
            yield RunningGateway(port, process.pid, place)
        finally:
            stop(process)


def environment(
    home: Path, upstream_url: str | None, workers: int, given: dict[str, Any]
) -> dict[str, str]:
    """Give the whole environment of the process."""
    values: dict[str, Any] = {name: os.environ.get(name) for name in PASSED_ON}
    values |= {
        "HOME": home,
        "PROXYAPP_CONFIG": home / "config.toml",
        "PROXYAPP_SERVER__WORKERS": workers,
        "PROXYAPP_SERVER__GRACEFUL_TIMEOUT": 1,
        "PYTHONUNBUFFERED": "1",
        "UPSTREAM": upstream_url,
    }
    merged = values | given
    return {name: str(value) for name, value in merged.items() if value is not None}


def start(
    home: Path,
    env: dict[str, str],
    user: int | None = None,
    python: str = sys.executable,
) -> tuple[subprocess.Popen[bytes], int]:
    """Start gunicorn on a socket that is bound here, so that no port is guessed."""
    with socket.socket() as listener, (home / "gateway.log").open("wb") as log:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", 0))
        listener.listen(1024)
        port = listener.getsockname()[1]
        command = [python, "-m", "gunicorn", "-c", "gunicorn.conf.py"]
        command += ["--bind", f"fd://{listener.fileno()}", "wsgi:app"]
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**env, "LISTEN_PORT": str(port)},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            pass_fds=(listener.fileno(),),
            user=user,
            group=user,
            extra_groups=[] if user is not None else None,
        )
    return process, port


def wait_for_health(process: subprocess.Popen[bytes], port: int, home: Path) -> None:
    """Wait until /health answers; the socket queues the question until then."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=START_LIMIT)
    try:
        connection.request("GET", "/health")
        status = connection.getresponse().status
    except OSError as error:
        status = str(error)
    finally:
        connection.close()
    if status != 200 or process.poll() is not None:
        said = (home / "gateway.log").read_text("utf-8", "replace")
        raise RuntimeError(f"the gateway did not start ({status}):\n{said}")


def stop(process: subprocess.Popen[bytes]) -> None:
    """End the process and its workers, gently at first."""
    family = [process.pid, *children_of(process.pid)]
    process.terminate()
    try:
        process.wait(STOP_LIMIT)
    except subprocess.TimeoutExpired:
        for pid in family:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        process.wait(STOP_LIMIT)


def children_of(pid: int) -> list[int]:
    """Give the pids of a process's children, as Linux lists them."""
    try:
        listed = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii")
    except OSError:
        return []
    return [int(child) for child in listed.split()]
