"""Named keys under real gunicorn: two workers, one file, every dialect."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from proxyapp.auth.key import Key
from proxyapp.auth.keyfile import KeyFile
from proxyapp.auth.ring import key_digest
from tests.fakes.upstream import FakeUpstream
from tests.servers import ROOT
from tests.servers import running_gateway
from tests.servers import RunningGateway

LIMIT = 20.0
HEARD = 50
"""Refusals in a row, 50 ms apart, by which each worker has read what others count."""
NOTICED = 1.1
"""Seconds after which every worker looks at the file before it answers."""
HI = [{"role": "user", "content": "hi"}]
CONFIG = """
[server]
trusted_proxies = ["127.0.0.1"]
[access]
country_headers = ["CF-IPCountry"]
countries = {RU = ["!echo*"]}
[[backends]]
name = "echo-a"
kind = "echo"
[[backends]]
name = "b"
kind = "openai"
url = "%s"
models = ["beta"]
endpoints = ["rerank", "audio", "files"]
"""
ROUTES: dict[str, tuple[str, dict[str, Any]]] = {
    "chat": ("/v1/chat/completions", {"messages": HI}),
    "completions": ("/v1/completions", {"prompt": "hi"}),
    "responses": ("/v1/responses", {"input": "hi"}),
    "anthropic": ("/v1/messages", {"messages": HI, "max_tokens": 9}),
    "ollama": ("/api/chat", {"messages": HI, "stream": False}),
    "generate": ("/api/generate", {"prompt": "hi", "stream": False}),
}
each_route = pytest.mark.parametrize("route", ROUTES)
Told = dict[int, tuple[Any, Any]]
OPENAI: Told = {
    401: ("invalid_request_error", "invalid_api_key"),
    403: ("permission_error", "forbidden"),
    429: ("rate_limit_error", "rate_limit_exceeded"),
}
ANTHROPIC: Told = {
    401: ("authentication_error", None),
    403: ("permission_error", None),
    429: ("rate_limit_error", None),
}
OLLAMA: Told = dict.fromkeys((401, 403, 429), (None, None))
TYPES = {
    **dict.fromkeys(("chat", "completions", "responses"), OPENAI),
    "anthropic": ANTHROPIC,
    **dict.fromkeys(("ollama", "generate"), OLLAMA),
}
"""How each dialect tells a refusal: an error's type and code, Ollama in words only."""
OTHERS: dict[str, tuple[str, dict[str, Any]]] = {
    "show": ("/api/show", {}),
    "rerank": ("/v1/rerank", {"query": "a", "documents": ["b"]}),
    "speech": ("/v1/audio/speech", {"input": "hi"}),
    "files": ("/v1/files", {}),
    "out": ("/v1/audio/../chat/completions", {"messages": HI}),
    "coded": ("/v1/audio/%2e%2e/chat/completions", {"messages": HI}),
}


@dataclass(frozen=True)
class House:
    """A gateway, its upstream, and the command that makes its keys."""

    gateway: RunningGateway
    upstream: FakeUpstream
    state: Path

    def keys(self, *words: str) -> str:
        """Run ``python -m proxyapp keys``; give what it says, or the key it made."""
        done = subprocess.run(
            [sys.executable, "-m", "proxyapp", "keys", *words],
            cwd=ROOT,
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(self.state),
                "PROXYAPP_STATE__DIRECTORY": str(self.state),
            },
            capture_output=True,
            text=True,
            timeout=LIMIT,
            check=True,
        )
        made = re.search(r"pxa-\S{20,}", done.stdout)
        return made.group() if made else done.stdout

    def ask(self, route: str, key: str, model: str = "echo", **headers: str) -> Any:
        """Ask one route for a model, with a key."""
        path, body = (ROUTES | OTHERS)[route]
        headers = {"x-api-key": key, **headers} if key else headers
        return requests.post(
            f"{self.gateway.url}{path}",
            json={"model": model, **body},
            headers=headers,
            timeout=LIMIT,
        )

    def get(self, path: str, key: str, **headers: str) -> Any:
        headers = {"Authorization": f"Bearer {key}", **headers}
        return requests.get(f"{self.gateway.url}{path}", headers=headers, timeout=LIMIT)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    state = tmp_path_factory.mktemp("state")
    state.chmod(0o700)
    env = {"PROXYAPP_STATE__DIRECTORY": state}
    with (
        FakeUpstream() as upstream,
        running_gateway(None, 2, CONFIG % upstream.url, **env) as gateway,
    ):
        yield House(gateway, upstream, state)


@pytest.fixture(scope="module")
def full(house: House) -> Iterator[str]:
    """Give a key without bounds."""
    with key_of(house, "full") as key:
        yield key


@contextlib.contextmanager
def key_of(house: House, name: str, *options: str) -> Iterator[str]:
    key = house.keys("create", name, *options)
    time.sleep(NOTICED)
    yield key
    house.keys("revoke", name)


def until(true: Any, every: int = 1) -> None:
    """Wait until something holds ``every`` times in a row: there are two workers."""
    deadline = time.monotonic() + LIMIT
    held = 0
    while held < every:
        assert time.monotonic() < deadline
        held = held + 1 if true() else 0
        time.sleep(0.05)


def told(route: str, refused: Any) -> tuple[int, Any, Any]:
    """Give a refusal's status, and the type and code of its error."""
    error = refused.json()["error"]
    assert isinstance(error, str) is (TYPES[route] is OLLAMA)
    if isinstance(error, str):
        return refused.status_code, None, None
    return refused.status_code, error["type"], error.get("code")


@each_route
@pytest.mark.reliability("R-043")
def test_a_key_is_needed_as_soon_as_there_is_one(
    house: House, full: str, route: str
) -> None:
    assert house.ask(route, full).status_code == 200
    for wrong in ("", "pxa-wrong"):
        refused = house.ask(route, wrong)
        assert told(route, refused) == (401, *TYPES[route][401])
        assert refused.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.reliability("R-043")
def test_a_revoked_key_is_refused_without_a_restart(house: House, full: str) -> None:
    with key_of(house, "short") as key:
        pids = house.gateway.worker_pids
    until(lambda: house.ask("chat", key).status_code == 401, every=6)
    assert house.gateway.worker_pids == pids
    words = house.ask("chat", key).json()["error"]["message"]
    assert words == house.ask("chat", "pxa-wrong").json()["error"]["message"]


@pytest.mark.reliability("R-043")
def test_a_key_that_has_expired_is_refused_as_an_unknown_one(
    house: House, full: str
) -> None:
    with key_of(house, "old", "--expires", "2020-01-01") as key:
        for route in ROUTES:
            refused = house.ask(route, key).json()
            strange = house.ask(route, "pxa-wrong").json()
            assert refused["error"] == strange["error"]


@each_route
def test_a_model_outside_a_keys_scope_is_forbidden(
    house: House, full: str, route: str
) -> None:
    with key_of(house, "some", "--models", "beta") as key:
        refused = house.ask(route, key)
        assert told(route, refused) == (403, *TYPES[route][403])
        assert "may not use the model 'echo'" in refused.text


def test_lists_hold_only_what_a_key_may_use(house: House, full: str) -> None:
    def listed(key: str) -> list[set[str]]:
        openai = house.get("/v1/models", key).json()["data"]
        ollama = house.get("/api/tags", key).json()["models"]
        return [{m["id"] for m in openai}, {m["name"] for m in ollama}]

    assert listed(full) == [{"echo", "beta"}] * 2
    with key_of(house, "b", "--backends", "b") as key:
        assert listed(key) == [{"beta"}] * 2
        assert house.get("/v1/models/echo", key).status_code == 403
        assert house.ask("show", key).status_code == 403
        unknown = house.ask("chat", key, "ech")
        assert unknown.status_code == 404
        assert "echo" not in unknown.text


@pytest.mark.parametrize("route", ["rerank", "speech", "files"])
def test_no_endpoint_leads_around_a_keys_scope(
    house: House, full: str, route: str
) -> None:
    with (
        key_of(house, "echo-only", "--backends", "echo-*") as elsewhere,
        key_of(house, "gamma-only", "--models", "gamma") as other,
    ):
        house.upstream.requests.clear()
        assert house.ask(route, elsewhere, "beta").status_code == 403
        assert house.ask(route, other, "beta").status_code == 403
        assert house.upstream.requests == []
        house.ask(route, full, "beta")
        assert len(house.upstream.requests) == 1


@pytest.mark.parametrize("route", ["out", "coded"])
def test_no_path_leads_around_an_endpoint(house: House, full: str, route: str) -> None:
    path, body = OTHERS[route]
    house.upstream.requests.clear()
    connection = http.client.HTTPConnection("127.0.0.1", house.gateway.port, timeout=9)
    sent = {"x-api-key": full, "Content-Type": "application/json"}
    connection.request("POST", path, json.dumps({"model": "beta", **body}), sent)
    assert connection.getresponse().status == 404
    assert house.upstream.requests == []
    connection.close()


def test_a_key_has_so_many_requests_a_minute(house: House, full: str) -> None:
    with key_of(house, "slow", "--requests-per-minute", "2") as key:
        until(lambda: house.ask("chat", key).status_code == 429, every=HEARD)
        for route in ROUTES:
            spent = house.ask(route, key)
            assert told(route, spent) == (429, *TYPES[route][429])
            wait = int(spent.headers["Retry-After"])
            assert 1 <= wait <= 60
            assert f"again in {wait} s" in spent.text
            assert "x-should-retry" not in spent.headers
            left = spent.headers.get("x-ratelimit-remaining-requests")
            assert left == ("0" if TYPES[route] is OPENAI else None)
        assert house.get("/v1/models", key).status_code == 200


def test_a_key_has_so_many_tokens_a_day(house: House, full: str) -> None:
    with key_of(house, "poor", "--tokens-per-day", "3") as key:
        until(lambda: house.ask("chat", key).status_code == 429, every=HEARD)
        spent = house.ask("chat", key)
        assert spent.json()["error"]["code"] == "insufficient_quota"
        assert spent.headers["x-should-retry"] == "false"


@pytest.mark.reliability("R-039")
def test_what_is_there_differs_by_country(house: House, full: str) -> None:
    def listed(country: str) -> set[str]:
        models = house.get("/v1/models", full, **{"CF-IPCountry": country}).json()
        return {model["id"] for model in models["data"]}

    assert listed("FR") == {"echo", "beta"}
    assert listed("RU") == {"beta"}
    with key_of(house, "german", "--countries", "de") as german:

        def status(**headers: str) -> int:
            return int(house.get("/v1/models", german, **headers).status_code)

        assert status(**{"CF-IPCountry": "DE"}) == 200
        assert status(**{"CF-IPCountry": "FR"}) == 403
        assert status() == 403


@pytest.mark.reliability("R-041")
def test_a_key_reaches_neither_upstream_nor_log(house: House, full: str) -> None:
    house.ask("chat", full, "beta")
    sent = [f"{one.headers} {one.body!r}" for one in house.upstream.requests]
    assert sent
    assert not any(full in text for text in sent)
    assert full not in house.gateway.log


@pytest.mark.reliability("R-044")
def test_a_broken_file_keeps_the_keys_that_were_known(house: House, full: str) -> None:
    file = house.state / "keys.json"
    good = file.read_bytes()
    file.write_bytes(b"{")
    try:
        until(lambda: answers(house, full) and "no file of keys" in house.gateway.log)
        assert house.ask("chat", full).status_code == 200
        assert house.ask("chat", "pxa-wrong").status_code == 401
    finally:
        file.write_bytes(good)


@pytest.mark.reliability("R-044")
def test_keys_are_switched_on_by_the_first_and_not_off_by_a_loss(
    tmp_path: Path,
) -> None:
    file = tmp_path / "keys.json"
    env = {"PROXYAPP_STATE__DIRECTORY": tmp_path}
    with running_gateway(**env) as gateway:

        def status(**headers: str) -> int:
            url = f"{gateway.url}/v1/models"
            return int(requests.get(url, headers=headers, timeout=LIMIT).status_code)

        assert status() == 200
        made = Key("team", key_digest("word"))
        KeyFile(file).change(lambda named: named.update(team=made))
        until(lambda: (status(), status(**{"x-api-key": "word"})) == (401, 200))
        file.rename(aside := tmp_path / "aside.json")
        until(lambda: (status(), status(**{"x-api-key": "word"})) == (401, 401))
        assert "keys.json is gone" in gateway.log
        aside.rename(file)
        until(lambda: (status(), status(**{"x-api-key": "word"})) == (401, 200))


def answers(house: House, key: str) -> bool:
    return bool(house.get("/v1/models", key).status_code == 200)


def test_a_file_that_was_never_readable_lets_nobody_in(tmp_path: Path) -> None:
    (tmp_path / "keys.json").touch(0o600)
    with running_gateway(PROXYAPP_STATE__DIRECTORY=tmp_path) as gateway:
        refused = requests.get(f"{gateway.url}/v1/models", timeout=LIMIT)
    assert refused.status_code == 503
    assert "keys list" in refused.json()["error"]["message"]


@pytest.mark.reliability("R-030")
def test_open_to_others_a_gateway_that_lost_its_keys_lets_nobody_in(
    tmp_path: Path,
) -> None:
    made = Key("team", "0a" * 32)
    KeyFile(tmp_path / "keys.json").change(lambda named: named.update(team=made))
    env = {"PROXYAPP_STATE__DIRECTORY": tmp_path, "LISTEN_HOST": "0.0.0.0"}
    with running_gateway(**env) as gateway:
        (tmp_path / "keys.json").unlink()
        before = gateway.worker_pids
        os.kill(before[0], signal.SIGKILL)
        until(lambda: gateway.worker_pids and gateway.worker_pids != before)
        listed = requests.get(f"{gateway.url}/v1/models", timeout=LIMIT)
    assert listed.status_code == 401


def test_keys_can_be_switched_off_for_development(house: House, full: str) -> None:
    env = {
        "PROXYAPP_STATE__DIRECTORY": house.state,
        "PROXYAPP_AUTH__REQUIRED": "never",
    }
    with running_gateway(**env) as gateway:
        listed = requests.get(f"{gateway.url}/v1/models", timeout=LIMIT)
    assert listed.status_code == 200
