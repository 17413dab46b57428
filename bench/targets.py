"""The programs under test, and the mock upstream behind them."""

import contextlib
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from dataclasses import field
from pathlib import Path
from typing import Any

from build import BIN
from build import HERE

ROOT = HERE.parent
UPSTREAM_PORT = 21900
START_SECONDS = 20
STOP_SECONDS = 12
# Which of the machine's cores each part gets: none of them waits for another.
CORES = {"upstream": 1, "target": 2, "load": 3}


def pinned(role: str, command: list[str]) -> list[str]:
    """Bind a command to its own core, where there are enough of them."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 4 or not shutil.which("taskset"):
        return command
    return ["taskset", "-c", str(cores[CORES[role]]), *command]


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


@dataclass
class Process:
    """A started program in a process group of its own, with its output in a file."""

    name: str
    log: Path
    popen: subprocess.Popen[bytes]

    @classmethod
    def start(
        cls, name: str, command: list[str], port: int, work: Path, **kwargs: Any
    ) -> "Process":
        """Start and wait until it listens on ``port``, which must be free before."""
        if _listens(port):
            raise RuntimeError(f"port {port} is taken; does another benchmark run?")
        log = work / f"{name}.log"
        with log.open("wb") as output:
            popen = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                **kwargs,
            )
        process = cls(name, log, popen)
        process._wait_for(port)
        return process

    def _wait_for(self, port: int) -> None:
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end and self.popen.poll() is None:
            if _listens(port):
                return
            time.sleep(0.05)
        self.stop()
        why = self.last_words()
        raise RuntimeError(f"{self.name} does not listen on {port}:\n{why}")

    def last_words(self) -> str:
        return self.log.read_text(errors="replace")[-2000:]

    def stop(self) -> None:
        """Ask the group to end, then make it."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.popen.pid, number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.popen.wait(STOP_SECONDS)
                return


class Upstream:
    """The mock of llama-server and its control calls."""

    def __init__(self, work: Path) -> None:
        command = pinned("upstream", [str(BIN / "upstream"), str(UPSTREAM_PORT)])
        self.process = Process.start("upstream", command, UPSTREAM_PORT, work)
        self._connection = http.client.HTTPConnection("127.0.0.1", UPSTREAM_PORT)

    def call(self, path: str) -> Any:
        self._connection.request("GET", path)
        return json.loads(self._connection.getresponse().read())

    def behave(self, **knobs: float) -> None:
        self.call("/ctl/set?" + "&".join(f"{k}={v}" for k, v in knobs.items()))

    def reset(self) -> None:
        self.call("/ctl/reset")

    def stats(self) -> dict[str, int]:
        return self.call("/ctl/stats")

    def gone(self) -> list[dict[str, Any]]:
        return self.call("/ctl/gone")


def _gunicorn(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "gunicorn", *arguments]


def _ours(port: int, work: Path) -> list[str]:
    return _gunicorn("-c", "gunicorn.conf.py", "wsgi:app")


def _naive(port: int, work: Path) -> list[str]:
    bind = f"127.0.0.1:{port}"
    worker = ("-k", "gevent", "-w", "1", "--worker-connections", "4096")
    return _gunicorn(*worker, "-b", bind, "--no-control-socket", "naive:app")


def _nginx(port: int, work: Path) -> list[str]:
    config = work / "nginx.conf"
    text = (HERE / "nginx.conf").read_text()
    names = {"DIR": work, "PORT": port, "UPSTREAM": UPSTREAM_PORT}
    for name, value in names.items():
        text = text.replace(f"@{name}@", str(value))
    config.write_text(text)
    return [_nginx_path() or "nginx", "-p", str(work), "-c", str(config)]


def _nginx_path() -> str | None:
    return shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")


def _missing_ours() -> str:
    return "" if (ROOT / "wsgi.py").exists() else "there is no wsgi.py"


def _missing_nginx() -> str:
    return "" if _nginx_path() else "nginx is not installed"


@dataclass(frozen=True)
class Target:
    """``command`` may write into the work directory; ``missing`` says why not to."""

    name: str
    port: int
    cwd: Path
    command: Callable[[int, Path], list[str]]
    missing: Callable[[], str] = str
    only_openai: bool = True
    env: dict[str, str] = field(default_factory=dict)

    def start(self, work: Path) -> Process:
        """Start in an environment of its own, where no user's settings leak in."""
        env = {
            "PATH": os.environ.get("PATH", ""),
            "LANG": "C.UTF-8",
            "HOME": str(work),
            "UPSTREAM": f"http://127.0.0.1:{UPSTREAM_PORT}",
            **self.env,
        }
        command = pinned("target", self.command(self.port, work))
        return Process.start(self.name, command, self.port, work, cwd=self.cwd, env=env)


TARGETS = (
    Target(
        "ours",
        21910,
        ROOT,
        _ours,
        _missing_ours,
        only_openai=False,
        env={"LISTEN_PORT": "21910", "PROXYAPP_SERVER__WORKERS": "1"},
    ),
    Target("naive", 21911, HERE, _naive),
    Target("nginx", 21912, ROOT, _nginx, _missing_nginx),
)
