"""The gateway as its owner starts and stops it: real processes, real signals."""

import contextlib
import http.client
import json
import os
import resource
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.fakes.upstream import FakeUpstream
from tests.fakes.upstream import Finish
from tests.fakes.upstream import Hang
from tests.fakes.upstream import Text
from tests.fakes.upstream import Usage
from tests.servers import ROOT
from tests.servers import running_gateway
from tests.servers import START_LIMIT

pytestmark = pytest.mark.live

GRACEFUL_TIMEOUT = 3
LIMIT = 20.0
BOX_END = "╰"


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def environment(home, **values):
    kept = {name: os.environ[name] for name in ("PATH",) if name in os.environ}
    given = {name: str(value) for name, value in values.items()}
    return kept | {"HOME": str(home), "LANG": "C.UTF-8"} | given


@contextlib.contextmanager
def connected(port):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=LIMIT)
    with contextlib.closing(connection):
        yield connection


@contextlib.contextmanager
def posted(port, body):
    """POST a chat and give the response, its body not yet read."""
    with connected(port) as connection:
        connection.request("POST", "/v1/chat/completions", json.dumps(body))
        with connection.getresponse() as response:
            yield response


def chat(stream):
    return {
        "model": "tiny",
        "messages": [{"role": "user", "content": "hi"}],
        "stream": stream,
    }


# ------------------------------------------------------------------------- serve


@dataclass
class Served:
    process: subprocess.Popen[str]
    port: int
    box: list[str]

    @property
    def command(self):
        return self.box[-2]


def wait_until_it_answers(port):
    deadline = time.monotonic() + START_LIMIT
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), connected(port) as connection:
            connection.request("GET", "/health")
            return connection.getresponse().status
        time.sleep(0.05)
    return None


@contextlib.contextmanager
def served(home, **values):
    """Run ``python -m proxyapp serve`` until the block ends."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "proxyapp", "serve"],
        cwd=ROOT,
        env=environment(home, LISTEN_PORT=port, PROXYAPP_SERVER__WORKERS=1, **values),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
    )
    box = []
    try:
        for line in process.stdout:
            box.append(line.rstrip("\n"))
            if line.startswith(BOX_END):
                break
        assert wait_until_it_answers(port) == 200, box
        yield Served(process, port, box)
    finally:
        process.terminate()
        process.communicate(timeout=LIMIT)


@pytest.fixture(scope="module")
def with_upstream(tmp_path_factory):
    with (
        FakeUpstream() as fake,
        served(tmp_path_factory.mktemp("home"), UPSTREAM=fake.url) as one,
    ):
        yield one


def run_in_a_shell(command):
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    words = [*shlex.split(command), "--silent", "--fail-with-body", "--max-time", "10"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    return done.returncode, json.loads(done.stdout)


def test_the_start_shows_one_box(with_upstream):
    text = "\n".join(with_upstream.box)
    assert text.count("╭") == text.count(BOX_END) == 1
    assert f"http://127.0.0.1:{with_upstream.port}/v1 " in text
    assert "answers" in text
    assert "tiny" in text


def test_the_command_in_the_box_works_as_it_stands(with_upstream):
    code, answer = run_in_a_shell(with_upstream.command)
    assert code == 0
    assert answer["choices"][0]["message"]["content"] == "Hello there."


def test_the_server_has_taken_the_place_of_the_command(with_upstream):
    """A signal to the process that was started reaches gunicorn."""
    line = Path(f"/proc/{with_upstream.process.pid}/cmdline")
    if not line.exists():
        pytest.skip("this system has no /proc")
    assert b"gunicorn" in line.read_bytes()


@pytest.mark.reliability("R-060")
def test_no_control_socket_is_left_behind(with_upstream, tmp_path_factory):
    homes = tmp_path_factory.getbasetemp().glob("home*/.gunicorn")
    assert list(homes) == []


# --------------------------------------------------------------------- gunicorn alone


def gunicorn(home, **values):
    """Run gunicorn with the configuration until it refuses."""
    return subprocess.run(
        [sys.executable, "-m", "gunicorn", "-c", "gunicorn.conf.py", "wsgi:app"],
        cwd=ROOT,
        env=environment(home, **values),
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
    )


@pytest.mark.reliability("R-030")
def test_gunicorn_refuses_an_open_address_without_keys(tmp_path):
    done = gunicorn(tmp_path, LISTEN_HOST="0.0.0.0", LISTEN_PORT=free_port())
    assert done.returncode == 2
    assert "ALLOW_UNAUTHENTICATED=1" in done.stderr
    assert "Traceback" not in done.stderr


def test_gunicorn_tells_what_is_wrong_with_the_settings(tmp_path):
    done = gunicorn(tmp_path, LISTEN_PORT="many")
    assert done.returncode == 2
    assert "LISTEN_PORT in the environment" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_configuration_loads_nothing_that_must_be_patched_first(tmp_path):
    """What urllib3 takes from ssl before gevent replaces it blocks for ever."""
    (tmp_path / "config.toml").write_text("[server]\nworkers = 1\n", "utf-8")
    code = (
        "import runpy, sys; runpy.run_path('gunicorn.conf.py');"
        "print([n for n in ('requests', 'urllib3', 'ssl') if n in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=environment(tmp_path, PROXYAPP_CONFIG=tmp_path / "config.toml"),
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=True,
    )
    assert done.stdout == "[]\n"


# ------------------------------------------------------------------------ a stream


@pytest.fixture(scope="module")
def gateway():
    with FakeUpstream() as fake, running_gateway(fake.url) as one:
        pieces = [f"{number} " * 2000 for number in range(40)]
        fake.script(*map(Text, pieces), Text("é"), Finish("stop"), Usage(3, 41))
        yield one, "".join(pieces) + "é"


def test_a_stream_arrives_as_it_was_sent(gateway):
    running, text = gateway
    with posted(running.port, chat(True)) as response:
        lines = response.read().split(b"\n\n")
    assert lines[-2:] == [b"data: [DONE]", b""]
    chunks = [json.loads(line[6:]) for line in lines[:-2]]
    deltas = [c["choices"][0]["delta"] for c in chunks if c["choices"]]
    assert "".join(delta.get("content") or "" for delta in deltas) == text


def test_a_connection_serves_again_after_a_stream(gateway):
    running, _ = gateway
    with connected(running.port) as connection:
        connection.request("POST", "/v1/chat/completions", json.dumps(chat(True)))
        connection.getresponse().read()
        connection.request("GET", "/health")
        assert connection.getresponse().read().startswith(b"{")


def test_a_worker_may_open_all_the_files_the_system_allows(gateway):
    running, _ = gateway
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    now, _ = resource.prlimit(running.worker_pids[0], resource.RLIMIT_NOFILE)
    assert now == hard or now >= 65536


# ------------------------------------------------------------------------ the stop


@dataclass
class Stopped:
    """What became of two requests without end when the gateway was told to stop."""

    stream: bytes = b""
    whole_status: int = 0
    whole: bytes = b""
    exit_code: int | None = None
    log: str = ""


def exit_code_of(pid):
    """Wait for a process to end, but leave it to its parent's hands."""
    deadline = time.monotonic() + LIMIT
    while time.monotonic() < deadline:
        flags = os.WEXITED | os.WNOWAIT | os.WNOHANG
        result = os.waitid(os.P_PID, pid, flags)
        if result is not None:
            return result.si_status
        time.sleep(0.05)
    return None


@pytest.fixture(scope="module")
def stopped():
    found = Stopped()
    with (
        FakeUpstream() as fake,
        running_gateway(
            fake.url, PROXYAPP_SERVER__GRACEFUL_TIMEOUT=GRACEFUL_TIMEOUT
        ) as running,
    ):
        fake.script(Text("Once "), Text("upon"), Hang(LIMIT))

        def ask_whole():
            with posted(running.port, chat(False)) as response:
                found.whole_status, found.whole = response.status, response.read()

        asking = threading.Thread(target=ask_whole)
        asking.start()
        with posted(running.port, chat(True)) as response:
            while b"upon" not in found.stream:
                found.stream += response.read1()
            while len(fake.generations) < 2:
                time.sleep(0.01)
            os.kill(running.pid, signal.SIGTERM)
            found.stream += response.read()
        asking.join(LIMIT)
        found.exit_code = exit_code_of(running.pid)
        found.log = running.log
    return found


@pytest.mark.reliability("R-020")
def test_a_stream_without_end_is_ended_in_words(stopped):
    *_, error, done, rest = stopped.stream.split(b"\n\n")
    assert json.loads(error.removeprefix(b"data: "))["error"]["code"] == (
        "server_shutdown"
    )
    assert (done, rest) == (b"data: [DONE]", b"")


@pytest.mark.reliability("R-020")
def test_a_reply_in_one_piece_becomes_an_error(stopped):
    assert stopped.whole_status == 503
    assert json.loads(stopped.whole)["error"]["code"] == "server_shutdown"


@pytest.mark.reliability("R-020")
def test_the_stop_is_a_success(stopped):
    assert stopped.exit_code == 0


@pytest.mark.reliability("R-020")
def test_no_worker_had_to_be_killed(stopped):
    assert "graceful timeout" not in stopped.log
    assert "Traceback" not in stopped.log
