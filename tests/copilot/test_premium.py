"""What requests to GitHub Copilot cost: recorded, shown, and bounded by the owner."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from proxyapp.backends.copilot.process import PROGRAM
from tests.copilot.conftest import logged_in
from tests.fakes.copilot import FakeCopilot
from tests.servers import ROOT
from tests.servers import running_gateway
from tests.servers import RunningGateway

pytestmark = [
    pytest.mark.live,
    pytest.mark.node,
    pytest.mark.skipif(not PROGRAM.is_file(), reason="the Copilot helper is not built"),
]
LIMIT = 30.0
DEAR, FREE = "claude-sonnet-4.6", "gpt-4.1"
USER: list[dict[str, Any]] = [{"role": "user", "content": "hi"}]
CALL = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
AGENT = [
    *USER,
    {"role": "assistant", "content": None, "tool_calls": [CALL]},
    {"role": "tool", "tool_call_id": "c1", "content": "done"},
]


@contextlib.contextmanager
def house(**settings: object) -> Iterator[tuple[RunningGateway, Path]]:
    """Run a gateway whose account is logged in."""
    with (
        FakeCopilot() as github,
        tempfile.TemporaryDirectory(prefix="pxa-") as state,
    ):
        logged_in(github, Path(state))
        env = {
            "PROXYAPP_STATE__DIRECTORY": state,
            "PROXYAPP_COPILOT__EGRESS": github.url,
            **settings,
        }
        with running_gateway("http://127.0.0.1:9", **env) as gateway:
            yield gateway, Path(state)


def ask(
    gateway: RunningGateway, model: str, messages: list[dict[str, Any]] = USER
) -> requests.Response:
    body = {"model": model, "messages": messages}
    url = f"{gateway.url}/v1/chat/completions"
    return requests.post(url, json=body, timeout=LIMIT)


def rows(state: Path, count: int) -> list[tuple[Any, ...]]:
    """Wait for so many rows of the history."""
    deadline = time.monotonic() + LIMIT
    query = "SELECT model, initiator, premium, quota FROM requests ORDER BY id"
    while time.monotonic() < deadline:
        if (state / "history.db").exists():
            with contextlib.closing(sqlite3.connect(state / "history.db")) as database:
                found = database.execute(query).fetchall()
            if len(found) >= count:
                return found
        time.sleep(0.1)
    raise AssertionError("the history has too few rows")


def test_each_request_is_recorded_with_what_it_cost() -> None:
    with house() as (gateway, state):
        assert ask(gateway, DEAR).status_code == 200
        assert ask(gateway, DEAR, AGENT).status_code == 200
        assert ask(gateway, FREE).status_code == 200
        first, second, third = rows(state, 3)
        assert first[:3] == (DEAR, "user", 1.0)
        assert second[:3] == (DEAR, "agent", 0.0)
        assert third[:3] == (FREE, "user", 0.0)
        assert "premium_interactions" in first[3]
        assert "premium=1" in gateway.log
        shown = subprocess.run(
            [sys.executable, "-m", "proxyapp", "usage"],
            cwd=ROOT,
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(state),
                "PROXYAPP_STATE__DIRECTORY": str(state),
            },
            capture_output=True,
            text=True,
            timeout=LIMIT,
            check=True,
        ).stdout
        assert DEAR in shown
        assert shown.splitlines()[-1].split()[-1] == "1"


def test_the_daily_budget_holds_for_what_costs() -> None:
    with house(PROXYAPP_COPILOT__DAILY_BUDGET=1.5) as (gateway, _):
        assert ask(gateway, DEAR).status_code == 200
        refused = ask(gateway, DEAR)
        assert refused.status_code == 429
        error = refused.json()["error"]
        assert error["code"] == "insufficient_quota"
        assert "copilot.daily_budget" in error["message"]
        assert int(refused.headers["Retry-After"]) >= 1
        assert ask(gateway, DEAR, AGENT).status_code == 200
        assert ask(gateway, FREE).status_code == 200


def test_premium_requests_are_kept_apart() -> None:
    with house(PROXYAPP_COPILOT__SPACING=3600) as (gateway, _):
        assert ask(gateway, DEAR).status_code == 200
        refused = ask(gateway, DEAR)
        assert refused.status_code == 429
        assert "3600 s apart" in refused.json()["error"]["message"]
        assert ask(gateway, FREE).status_code == 200


def test_patterns_choose_what_is_listed() -> None:
    with house(PROXYAPP_COPILOT__MODELS="claude-*,!*-opus-*") as (gateway, _):
        listed = requests.get(f"{gateway.url}/v1/models", timeout=LIMIT).json()["data"]
        tags = requests.get(f"{gateway.url}/api/tags", timeout=LIMIT).json()["models"]
        names = {model["id"] for model in listed}
        assert names == {model["name"] for model in tags}
        assert names
        assert all(name.startswith("claude-") and "opus" not in name for name in names)
