"""How an answer ends, and fails, whatever API and library it came through."""

from __future__ import annotations

from typing import Any

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
from tests.fakes.copilot.scenarios import DECLINED
from tests.speakers import post

pytestmark = [pytest.mark.live, pytest.mark.node]

LENGTHS = {
    "openai": "length",
    "responses": "incomplete",
    "anthropic": "max_tokens",
    "ollama": "length",
}
BROKEN = ("cut 5", "cut_mid", "no_finish", "fail", "failed", "overloaded", "garbage")
CHAT = "/v1/chat/completions"
USER = [{"role": "user", "content": "hi"}]


@whole_and_streamed
@each_api
@each_dialect
def test_an_answer_cut_by_its_length_says_so(
    place: Place, dialect: str, api: str, stream: bool
) -> None:
    client = CLIENTS[dialect](place.url)
    said = answered(client, Asked(MODELS[api], "play length"), stream)
    assert (said.text, said.finish) == ("Once upon a", LENGTHS[dialect])


@whole_and_streamed
@each_api
@pytest.mark.parametrize("how", BROKEN)
def test_a_broken_answer_is_never_a_whole_one(
    place: Place, how: str, api: str, stream: bool
) -> None:
    client = CLIENTS["openai"](place.url)
    failed = refused(client, Asked(MODELS[api], f"play {how}"), stream)
    assert failed.status in ((None, 502, 503) if stream else (502, 503))


@whole_and_streamed
@each_api
def test_a_call_cut_by_the_length_is_no_call(
    place: Place, api: str, stream: bool
) -> None:
    client = CLIENTS["openai"](place.url)
    said = answered(client, Asked(MODELS[api], "play cut_tool", tools=True), stream)
    assert said.finish == "length"
    # A stream has told the beginning by then; nothing is made up to end it.
    assert [call[2] for call in said.calls] == (['{"city": "Par'] if stream else [])


@whole_and_streamed
@each_api
def test_a_withheld_answer_says_so(place: Place, api: str, stream: bool) -> None:
    client = CLIENTS["openai"](place.url)
    said = answered(client, Asked(MODELS[api], "play content_filter"), stream)
    assert (said.text, said.finish) == ("So ", "content_filter")


@each_api
def test_a_refusal_is_told(place: Place, api: str) -> None:
    client = CLIENTS["openai"](place.url)
    said = answered(client, Asked(MODELS[api], "play refusal"), True)
    # Neither library reads the refusal of the completions API.
    assert said.text == ("" if api == "completions" else DECLINED)


@whole_and_streamed
@each_api
def test_a_file_goes_through_a_tool_call(place: Place, api: str, stream: bool) -> None:
    client = CLIENTS["anthropic"](place.url)
    said = answered(client, Asked(MODELS[api], "play big_tool 64", tools=True), stream)
    ((_, name, given),) = said.calls
    assert (name, len(given["content"])) == ("write_file", 64 * 1024)


# ---------------------------------------------------------------------- errors


@each_api
@pytest.mark.parametrize(
    ("wish", "status"),
    [
        ("status 400", 400),
        ("status 403", 403),
        ("status 413", 413),
        ("status 500", 502),
        ("overflow", 400),
        ("unavailable", 503),
        ("html", 502),
    ],
)
def test_an_error_keeps_its_meaning(
    place: Place, wish: str, status: int, api: str
) -> None:
    client = CLIENTS["openai"](place.url)
    failed = refused(client, Asked(MODELS[api], f"play {wish}"), False)
    assert failed.status in (status, 502 if status == 503 else status)
    assert "<html" not in failed.message
    assert len(place.github.generations) == 1


@each_api
def test_a_spent_quota_is_told_as_such(place: Place, api: str) -> None:
    place.github.exhaust()
    try:
        body = {"model": MODELS[api], "messages": USER}
        answer = post(place.gateway, CHAT, body)
    finally:
        place.github.account.quota.refusal = None
    assert answer.status_code == 429
    assert answer.json()["error"]["code"] == "insufficient_quota"
    assert answer.headers["Retry-After"] == "3600"


@each_api
def test_an_expired_token_is_renewed_on_the_way(place: Place, api: str) -> None:
    account = place.github.account
    before = dict(account.copilot_tokens)
    place.github.expire()
    try:
        said = answered(CLIENTS["openai"](place.url), Asked(MODELS[api], "hi"), False)
    finally:
        account.copilot_tokens |= before
    assert said.text == "Hello there."
    assert place.github.exchanges == 1
    first, second = place.github.generations
    assert first.token != second.token


def test_a_model_whose_terms_are_open_is_not_listed(place: Place) -> None:
    answer = requests.get(f"{place.url}/v1/models", timeout=10)
    listed = {model["id"] for model in answer.json()["data"]}
    assert set(MODELS.values()) <= listed
    assert not listed & {"claude-opus-4.7", "grok-code-fast-1"}
    assert "text-embedding-3-small" not in listed


# --------------------------------------------------- what has no words: a 400


@each_api
@pytest.mark.parametrize(
    "fields", [{"n": 2}, {"logprobs": True}], ids=["n", "logprobs"]
)
def test_what_copilot_cannot_do_is_refused(
    place: Place, fields: dict[str, Any], api: str
) -> None:
    body = {"model": MODELS[api], "messages": USER, **fields}
    answer = post(place.gateway, CHAT, body)
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == next(iter(fields))
    assert place.github.generations == []


@each_api
@pytest.mark.parametrize(
    ("path", "fields"),
    [("/v1/completions", {"prompt": "a"}), ("/v1/embeddings", {"input": "a"})],
)
def test_chat_models_do_only_that(
    place: Place, path: str, fields: dict[str, Any], api: str
) -> None:
    answer = post(place.gateway, path, {"model": MODELS[api], **fields})
    assert answer.status_code == 400
    assert place.github.generations == []


def test_claude_is_not_held_to_a_json_format(place: Place) -> None:
    wanted = {"type": "json_object"}
    body = {"model": MODELS["messages"], "messages": USER, "response_format": wanted}
    answer = post(place.gateway, CHAT, body)
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == "response_format"
