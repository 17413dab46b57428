"""The fixed endpoints of the scripted upstream answer as llama-server does."""

import base64
import struct
from typing import Any

import requests

from tests import oracles
from tests.fakes.upstream import FakeUpstream

CHAT = "/v1/chat/completions"
ASKED = {"model": "m", "messages": [], "stream": True}


def post(
    up: FakeUpstream, path: str = CHAT, body: Any = ASKED, **options: Any
) -> requests.Response:
    return requests.post(up.url + path, json=body, timeout=5, **options)


def test_the_fixed_endpoints_answer_as_recorded(upstream: FakeUpstream) -> None:
    def get(path: str) -> Any:
        return requests.get(upstream.url + path, timeout=5).json()

    assert get("/health") == {"status": "ok"}
    assert get("/v1/models")["data"][0]["meta"]["n_ctx"] == 16384
    assert get("/props")["total_slots"] == 4
    assert get("/api/tags")["error"]["message"] == "File Not Found"
    upstream.models = {"object": "list", "data": []}
    assert get("/v1/models")["data"] == []
    counted = post(upstream, CHAT + "/input_tokens").json()
    assert counted == {"input_tokens": 30, "object": "response.input_tokens"}


def test_embeddings_are_the_same_in_both_encodings(upstream: FakeUpstream) -> None:
    path = "/v1/embeddings"
    asked = {"model": "m", "input": ["a", "b"]}
    plain = post(upstream, path, asked).json()
    packed = post(upstream, path, {**asked, "encoding_format": "base64"}).json()
    assert oracles.openai_embeddings(plain) == []
    assert oracles.openai_embeddings(packed, encoding="base64") == []
    raw = base64.b64decode(packed["data"][1]["embedding"])
    assert (
        list(struct.unpack(f"<{len(raw) // 4}f", raw)) == plain["data"][1]["embedding"]
    )
    assert len(post(upstream, path, {"input": [1, 2, 3]}).json()["data"]) == 1


def test_a_key_is_required_when_set() -> None:
    with FakeUpstream(key="secret") as up:
        assert post(up).status_code == 401
        good = {"Authorization": "Bearer secret"}
        assert post(up, headers=good).status_code == 200
        assert requests.get(up.url + "/health", timeout=5).status_code == 200


def test_loading_answers_503_everywhere_until_it_is_over() -> None:
    with FakeUpstream(loading=True) as up:
        answer = requests.get(up.url + "/health", timeout=5)
        assert answer.status_code == 503
        assert answer.json()["error"]["message"] == "Loading model"
        up.loading = False
        assert post(up).status_code == 200


def test_a_recording_is_replayed_byte_for_byte(upstream: FakeUpstream) -> None:
    upstream.replay("think_stream", split=11)
    raw = post(upstream).content
    assert oracles.openai_chat_stream(raw) == []
    assert oracles.thinking_of("openai", raw)
    upstream.replay("err_context_overflow")
    answer = post(upstream)
    assert answer.status_code == 400
    assert answer.json()["error"]["n_ctx"] == 2048
