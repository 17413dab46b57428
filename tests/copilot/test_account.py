"""The gateway's own account: logged in by hand, renewed by itself, lost and found.

Everything is real but GitHub; the command line is a process of its own.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from proxyapp.backends.copilot.process import PROGRAM
from tests.copilot.conftest import logged_in
from tests.fakes.copilot import FakeCopilot
from tests.fakes.copilot.steps import Text
from tests.fakes.copilot.steps import words
from tests.fakes.upstream import FakeUpstream
from tests.servers import ROOT
from tests.servers import running_gateway
from tests.servers import RunningGateway

pytestmark = [
    pytest.mark.live,
    pytest.mark.node,
    pytest.mark.skipif(not PROGRAM.is_file(), reason="the Copilot helper is not built"),
]

MODEL = "claude-haiku-4.5"
LIMIT = 30.0


@dataclass(frozen=True)
class House:
    """A state directory, the account played for it, and what a command needs."""

    github: FakeCopilot
    state: Path
    env: dict[str, str]

    def command(self, *words: str) -> subprocess.Popen[str]:
        """Start ``python -m proxyapp copilot ...``."""
        return subprocess.Popen(
            [sys.executable, "-m", "proxyapp", "copilot", *words],
            cwd=ROOT,
            env={**self.env, "HOME": str(self.state), "PATH": os.environ["PATH"]},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def log_in(self, how: str = "approve") -> tuple[int, str]:
        """Log in; the user does ``how`` as soon as the code is asked for."""
        before = len(self.github.requests_to("/login/oauth/access_token"))
        with self.command("login") as command:
            deadline = time.monotonic() + LIMIT
            while len(self.github.requests_to("/login/oauth/access_token")) == before:
                assert time.monotonic() < deadline or command.kill()
                time.sleep(0.02)
            getattr(self.github, how)()
            said, _ = command.communicate(timeout=LIMIT)
        return command.returncode, said

    @contextlib.contextmanager
    def gateway(self, upstream: str = "http://127.0.0.1:9") -> Iterator[RunningGateway]:
        """Run a gateway with this state."""
        with running_gateway(upstream, **self.env) as gateway:
            yield gateway


@pytest.fixture
def house(request: pytest.FixtureRequest) -> Iterator[House]:
    """Give a house whose account nobody has logged in to yet."""
    given = getattr(request, "param", {})
    with (
        FakeCopilot() as github,
        tempfile.TemporaryDirectory(prefix="pxa-") as state,
    ):
        env = {
            "PROXYAPP_STATE__DIRECTORY": state,
            "PROXYAPP_COPILOT__EGRESS": github.url,
            "PROXYAPP_MODELS__REFRESH_SECONDS": "0.2",
            **given,
        }
        yield House(github, Path(state), env)


def ask(gateway: RunningGateway, model: str = MODEL) -> requests.Response:
    """Ask for a short answer."""
    body = {"model": model, "messages": [{"role": "user", "content": "hi"}]}
    url = f"{gateway.url}/v1/chat/completions"
    return requests.post(url, json=body, timeout=LIMIT)


def text_of(response: requests.Response) -> str:
    assert response.status_code == 200, response.text
    return str(response.json()["choices"][0]["message"]["content"])


def test_after_a_login_every_model_of_the_subscription_answers(house: House) -> None:
    with house.gateway() as gateway:
        code, said = house.log_in()
        assert code == 0, said
        assert "https://github.com/login/device" in said
        assert "Logged in to GitHub Copilot as octocat" in said
        wait_for_model(gateway, MODEL)
        assert text_of(ask(gateway)) == "Hello there."


def wait_for_model(gateway: RunningGateway, model: str) -> None:
    """Wait until a model is listed: what was listed before is kept for a moment."""
    deadline = time.monotonic() + LIMIT
    while time.monotonic() < deadline:
        listed = requests.get(f"{gateway.url}/v1/models", timeout=LIMIT).json()["data"]
        if model in [entry["id"] for entry in listed]:
            return
        time.sleep(0.1)
    raise AssertionError(f"{model} is not listed")


@pytest.mark.parametrize(("how", "words"), [("deny", "denied"), ("lapse", "expired")])
def test_a_login_that_fails_says_why(house: House, how: str, words: str) -> None:
    code, said = house.log_in(how)
    assert code == 1
    assert words in said.lower()
    assert not (house.state / "copilot.json").exists()


@pytest.mark.parametrize(
    "house", [{"PROXYAPP_COPILOT__ENTERPRISE_DOMAIN": "acme.ghe.com"}], indirect=True
)
def test_an_enterprise_has_hosts_of_its_own(house: House) -> None:
    code, said = house.log_in()
    assert code == 0, said
    assert "acme.ghe.com" in said
    with house.gateway() as gateway:
        assert text_of(ask(gateway)) == "Hello there."
    hosts = {call.host for call in house.github.requests}
    assert hosts == {"acme.ghe.com", "api.acme.ghe.com", "copilot-api.acme.ghe.com"}


def test_a_logout_leaves_nothing_behind(house: House) -> None:
    logged_in(house.github, house.state)
    with house.command("logout") as logout:
        assert logout.wait(LIMIT) == 0
    assert not (house.state / "copilot.json").exists()
    with house.command("status") as status:
        said, _ = status.communicate(timeout=LIMIT)
    assert status.returncode == 1
    assert "Not logged in" in said


@pytest.mark.reliability("R-044")
def test_the_login_is_the_owners_alone(house: House) -> None:
    old = os.umask(0)
    try:
        house.log_in()
    finally:
        os.umask(old)
    assert (house.state / "copilot.json").stat().st_mode & 0o777 == 0o600
    assert house.state.stat().st_mode & 0o077 == 0


def test_many_callers_renew_an_expired_token_once(house: House) -> None:
    logged_in(house.github, house.state)
    with house.gateway() as gateway:
        assert text_of(ask(gateway)) == "Hello there."
        before = house.github.exchanges
        house.github.expire()
        found: list[int] = []
        callers = [
            threading.Thread(target=lambda: found.append(ask(gateway).status_code))
            for _ in range(8)
        ]
        for caller in callers:
            caller.start()
        for caller in callers:
            caller.join(LIMIT)
        assert found == [200] * 8
        assert house.github.exchanges == before + 1


def test_a_token_that_expires_meanwhile_does_not_cut_a_stream(house: House) -> None:
    logged_in(house.github, house.state)
    with house.gateway() as gateway:
        house.github.script(*words("one two three four five six", 6), every=0.1)
        url = f"{gateway.url}/v1/chat/completions"
        message = {"role": "user", "content": "hi"}
        body = {"model": MODEL, "messages": [message], "stream": True}
        with requests.post(url, json=body, stream=True, timeout=LIMIT) as response:
            lines = response.iter_lines()
            assert next(lines)
            house.github.expire()
            told = b"".join(lines)
        assert told.endswith(b"data: [DONE]")
        house.github.reset()
        assert text_of(ask(gateway)) == "Hello there."


def test_a_renewal_that_fails_takes_nothing_else_down(house: House) -> None:
    logged_in(house.github, house.state)
    with FakeUpstream() as llama, house.gateway(llama.url) as gateway:
        assert text_of(ask(gateway)) == "Hello there."
        house.github.expire()
        house.github.fail_exchange(500)
        assert ask(gateway).status_code == 502
        assert ask(gateway, "llama/anything").status_code in (200, 404)
        assert text_of(ask(gateway)) == "Hello there."


def test_a_revoked_login_says_how_to_make_another(house: House) -> None:
    logged_in(house.github, house.state)
    with house.gateway() as gateway:
        assert text_of(ask(gateway)) == "Hello there."
        house.github.revoke()
        house.github.expire()
        refused = ask(gateway)
        assert refused.status_code == 502
        assert "python -m proxyapp copilot login" in refused.json()["error"]["message"]
        house.github.account.github_tokens.add("gho_another")
        code, said = house.log_in()
        assert code == 0, said
        assert text_of(ask(gateway)) == "Hello there."


@pytest.mark.reliability("R-024")
def test_a_process_that_hangs_is_replaced(house: House) -> None:
    logged_in(house.github, house.state)
    with house.gateway() as gateway:
        assert text_of(ask(gateway)) == "Hello there."
        hung = node_process(house)
        os.kill(hung, signal.SIGSTOP)
        failed = ask(gateway)
        assert failed.status_code in (200, 502)
        assert text_of(ask(gateway)) == "Hello there."
        assert node_process(house) != hung


def node_process(house: House) -> int:
    """Find the process that was told of this house."""
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if (
                entry.name.isdigit()
                and b"main.mjs" in (entry / "cmdline").read_bytes()
                and os.fsencode(house.state) in (entry / "environ").read_bytes()
                and b") Z " not in (entry / "stat").read_bytes()
            ):
                return int(entry.name)
    raise AssertionError("the process is not there")


@pytest.mark.reliability("R-026")
def test_no_process_outlives_gunicorn_killed(house: House) -> None:
    logged_in(house.github, house.state)
    with house.gateway() as gateway:
        assert text_of(ask(gateway)) == "Hello there."
        node = node_process(house)
        for pid in [gateway.pid, *gateway.worker_pids]:
            os.kill(pid, signal.SIGKILL)
        deadline = time.monotonic() + LIMIT
        while Path(f"/proc/{node}/stat").exists() and time.monotonic() < deadline:
            time.sleep(0.1)
        assert not Path(f"/proc/{node}/stat").exists()


@pytest.mark.reliability("R-041")
def test_the_accounts_tokens_are_told_to_nobody_but_github(house: House) -> None:
    logged_in(house.github, house.state)
    with house.gateway() as gateway:
        house.github.script(Text("Hello"))
        replies = [ask(gateway)]
        house.github.revoke()
        house.github.expire()
        replies.append(ask(gateway))
        secrets = {*house.github.account.github_tokens, *tokens_of(house)}
        assert len(secrets) > 1
        told = [f"{reply.headers}{reply.text}" for reply in replies]
        told += [gateway.log, *written(house), *processes(gateway, house)]
        for secret in secrets:
            assert not any(secret in text for text in told)


def tokens_of(house: House) -> set[str]:
    """Give every token that was ever sent to GitHub."""
    return {call.token for call in house.github.requests if call.token}


def written(house: House) -> Iterator[str]:
    """Give all that was written beside the login: logs, locks, the history."""
    for path in house.state.iterdir():
        if path.name != "copilot.json" and path.is_file():
            yield path.read_bytes().decode("latin-1")
    history = house.state / "history.db"
    if history.exists():
        with contextlib.closing(sqlite3.connect(history)) as database:
            yield "\n".join(database.iterdump())


def processes(gateway: RunningGateway, house: House) -> Iterator[str]:
    """Give what anybody can read of the processes."""
    for pid in [gateway.pid, *gateway.worker_pids, node_process(house)]:
        for name in ("cmdline", "environ"):
            yield (Path("/proc") / str(pid) / name).read_bytes().decode("latin-1")
