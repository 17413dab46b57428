"""Callers with accounts of their own: each brings its token, none is kept."""

from __future__ import annotations

import pytest
import requests

from tests.copilot.clients import CLIENTS
from tests.copilot.conftest import Place
from tests.copilot.test_matrix import answered
from tests.copilot.test_matrix import each_api
from tests.copilot.test_matrix import each_dialect
from tests.copilot.test_matrix import MODELS
from tests.copilot.test_matrix import refused
from tests.copilot.test_matrix import whole_and_streamed
from tests.copilot.turns import Asked

pytestmark = [pytest.mark.live, pytest.mark.node]


@whole_and_streamed
@each_api
@each_dialect
def test_a_github_token_is_exchanged_once(
    passing: Place, dialect: str, api: str, stream: bool
) -> None:
    token = f"gho_{dialect}{api}{stream}"
    passing.github.account.github_tokens.add(token)
    client = CLIENTS[dialect](passing.url, token)
    for _ in range(2):
        said = answered(client, Asked(MODELS[api], "hi"), stream)
        assert said.text == "Hello there."
    assert passing.github.exchanges == 1


@each_dialect
def test_a_copilot_token_is_used_as_it_is(passing: Place, dialect: str) -> None:
    token = passing.github.copilot_token()
    client = CLIENTS[dialect](passing.url, token)
    said = answered(client, Asked(MODELS["messages"], "hi"), stream=True)
    assert said.text == "Hello there."
    assert passing.github.exchanges == 0
    assert {call.token for call in passing.github.generations} == {token}


@each_dialect
def test_a_token_that_github_does_not_know_is_refused(
    passing: Place, dialect: str
) -> None:
    client = CLIENTS[dialect](passing.url, "gho_unknown")
    failed = refused(client, Asked(MODELS["responses"], "hi"), False)
    assert failed.status == 401
    assert "gho_unknown" not in failed.message
    assert passing.github.generations == []


@each_dialect
def test_a_token_cannot_choose_the_server(passing: Place, dialect: str) -> None:
    token = passing.github.account.mint("proxy.evil.example")
    client = CLIENTS[dialect](passing.url, token)
    failed = refused(client, Asked(MODELS["completions"], "hi"), False)
    assert failed.status == 403
    assert [call for call in passing.github.requests if "evil" in call.host] == []


def test_no_token_is_not_enough(passing: Place) -> None:
    body = {"model": MODELS["messages"], "messages": [{"role": "user", "content": "a"}]}
    url = f"{passing.url}/v1/chat/completions"
    answer = requests.post(url, json=body, timeout=10)
    assert answer.status_code == 401
    assert passing.github.requests == []


@pytest.mark.parametrize("header", ["Authorization", "x-api-key"])
def test_the_models_are_those_of_the_callers_account(
    passing: Place, header: str
) -> None:
    token = passing.github.copilot_token()
    given = f"Bearer {token}" if header == "Authorization" else token
    url = f"{passing.url}/v1/models"
    listed = requests.get(url, headers={header: given}, timeout=10).json()["data"]
    assert set(MODELS.values()) <= {model["id"] for model in listed}
    passing.github.reset()
    open_list = requests.get(url, timeout=10)
    assert open_list.status_code in (200, 401)
    assert passing.github.requests == []


def test_no_token_is_written_anywhere(passing: Place) -> None:
    token = "gho_this_must_not_be_kept"
    passing.github.account.github_tokens.add(token)
    client = CLIENTS["openai"](passing.url, token)
    answered(client, Asked(MODELS["messages"], "hi"), False)
    refused(client, Asked(MODELS["messages"], "play status 400"), False)
    assert token not in passing.gateway.log
    home = passing.gateway.home
    kept = [path for path in home.rglob("*") if path.is_file()]
    assert [path for path in kept if token.encode() in path.read_bytes()] == []
