import pytest

from proxyapp.app import create_app
from proxyapp.settings.schema import BackendSettings
from proxyapp.settings.schema import Settings
from tests import oracles

CHAT = {"model": "echo", "messages": [{"role": "user", "content": "a b"}]}


@pytest.fixture
def client():
    backends = (BackendSettings(name="echo", kind="echo"),)
    return create_app(Settings(backends=backends)).test_client()


@pytest.mark.parametrize("prefix", ["/v1", ""])
def test_a_chat_is_answered_with_and_without_v1(client, prefix):
    reply = client.post(f"{prefix}/chat/completions", json=CHAT)
    assert oracles.openai_chat(reply.json) == []
    assert reply.headers["x-proxyapp-model"] == "echo"


def test_a_chat_is_streamed(client):
    reply = client.post("/v1/chat/completions", json={**CHAT, "stream": True})
    assert reply.mimetype == "text/event-stream"
    assert oracles.openai_chat_stream(reply.data) == []


@pytest.mark.parametrize("stream", [True, False])
def test_a_prompt_is_completed(client, stream):
    body = {"model": "echo", "prompt": "a b", "stream": stream}
    reply = client.post("/v1/completions", json=body)
    assert (
        oracles.read("completion", reply.data if stream else reply.json).text == "a b"
    )


def test_texts_are_embedded(client):
    reply = client.post("/v1/embeddings", json={"model": "echo", "input": ["a", "b"]})
    assert oracles.openai_embeddings(reply.json) == []


def test_models_are_listed_and_described(client):
    listed = client.get("/v1/models").json
    assert oracles.openai_models(listed) == []
    assert client.get("/v1/models/echo").json == listed["data"][0]


def test_an_unknown_model_is_not_described(client):
    reply = client.get("/v1/models/a%2Fb:c")
    assert (reply.status_code, reply.json["error"]["code"]) == (404, "model_not_found")


@pytest.mark.parametrize("path", ["/v1/files", "/v1/audio/speech", "/moderations"])
def test_an_endpoint_nobody_has_says_so(client, path):
    reply = client.post(path, json={})
    assert reply.status_code == 501
    assert oracles.openai_error(501, reply.json) == []
