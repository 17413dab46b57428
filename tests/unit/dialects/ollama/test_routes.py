import json

import pytest

from proxyapp.app import create_app
from proxyapp.settings.schema import BackendSettings
from proxyapp.settings.schema import Settings
from tests import oracles

HELLO = [{"role": "user", "content": "Hello you"}]
TOOL = {"type": "function", "function": {"name": "look", "parameters": {}}}


@pytest.fixture(scope="module")
def client():
    backends = (BackendSettings("echo", kind="echo"),)
    settings = Settings(backends=backends, configured=True, own_backends=True)
    return create_app(settings).test_client()


def post(client, path, **body):
    return client.post(path, json={"model": "echo", **body})


def test_the_root_says_that_ollama_is_running(client):
    reply = client.get("/")
    assert reply.text == "Ollama is running"
    assert reply.content_type.startswith("text/plain")


@pytest.mark.parametrize("path", ["/", "/api/version", "/api/tags"])
def test_what_can_be_got_can_be_asked_for_by_head(client, path):
    reply = client.head(path)
    assert reply.status_code == 200
    assert reply.data == b""


def test_a_chat_streams_lines(client):
    reply = post(client, "/api/chat", messages=HELLO)
    assert reply.content_type == "application/x-ndjson"
    assert oracles.ollama_stream(reply.data) == []
    assert oracles.text_of("ollama", reply.data) == "Hello you"


def test_a_chat_tells_which_model_served(client):
    reply = post(client, "/api/chat", messages=HELLO)
    assert reply.headers["x-proxyapp-model"] == "echo"


def test_a_chat_that_does_not_stream_is_one_object(client):
    reply = post(client, "/api/chat", messages=HELLO, stream=False)
    assert reply.content_type == "application/json"
    assert oracles.ollama_chat(reply.json) == []
    assert reply.json["message"]["content"] == "Hello you"


def test_a_chat_calls_tools(client):
    asked = [{"role": "user", "content": "call look"}]
    reply = post(client, "/api/chat", messages=asked, tools=[TOOL])
    assert oracles.ollama_stream(reply.data) == []
    assert [call.name for call in oracles.calls_of("ollama", reply.data)] == ["look"]
    assert "x-proxyapp-repairs" in reply.headers


@pytest.mark.parametrize(("think", "thought"), [(True, True), (False, False)])
def test_thinking_comes_when_it_is_wanted(client, think, thought):
    reply = post(client, "/api/chat", messages=HELLO, think=think, stream=False)
    assert ("thinking" in reply.json["message"]) is thought


@pytest.mark.parametrize("path", ["/api/chat", "/api/generate"])
def test_loading_asks_nothing_of_the_model(client, path):
    reply = post(client, path, keep_alive="5m")
    assert reply.content_type == "application/x-ndjson"
    assert reply.data.endswith(b'"done_reason":"load"}\n')
    unloaded = post(client, path, keep_alive=0, stream=False)
    assert unloaded.json["done_reason"] == "unload"


@pytest.mark.parametrize("raw", [True, False])
def test_a_prompt_is_continued(client, raw):
    reply = post(client, "/api/generate", prompt="Hello you", raw=raw)
    assert oracles.ollama_stream(reply.data, "generate") == []
    assert oracles.text_of("ollama", reply.data) == "Hello you"


def test_keep_alive_is_checked_for_a_raw_prompt_too(client):
    reply = post(client, "/api/generate", prompt="x", raw=True, keep_alive="soon")
    assert reply.status_code == 400


def test_texts_are_embedded(client):
    reply = post(client, "/api/embed", input=["a", "b"], dimensions=3)
    assert oracles.ollama_embed(reply.json) == []
    assert [len(vector) for vector in reply.json["embeddings"]] == [3, 3]


def test_no_text_is_not_embedded(client):
    assert post(client, "/api/embed", input="").json["embeddings"] == []
    assert post(client, "/api/embeddings", prompt="").json == {"embedding": []}


def test_a_prompt_is_embedded(client):
    assert len(post(client, "/api/embeddings", prompt="a").json["embedding"]) == 64


def test_a_served_model_is_shown(client):
    assert oracles.ollama_show(post(client, "/api/show").json) == []


def test_a_served_model_is_pulled_at_once(client):
    lines = post(client, "/api/pull").data.splitlines()
    assert json.loads(lines[-1]) == {"status": "success"}
    assert post(client, "/api/pull", stream=False).json == {"status": "success"}


def test_served_models_run_and_are_recommended(client):
    assert oracles.ollama_ps(client.get("/api/ps").json) == []
    recommended = client.get("/api/experimental/model-recommendations").json
    assert recommended == {"recommendations": [{"model": "echo"}]}


@pytest.mark.parametrize(
    "path", ["/api/chat", "/api/generate", "/api/embed", "/api/show", "/api/pull"]
)
def test_an_unknown_model_is_not_found(client, path):
    asked = {"model": "nope", "messages": HELLO, "prompt": "a", "input": "a"}
    reply = client.post(path, json=asked)
    assert reply.status_code == 404
    assert reply.json["error"].startswith("model 'nope' not found")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/create"),
        ("POST", "/api/copy"),
        ("DELETE", "/api/delete"),
        ("POST", "/api/push"),
        ("POST", "/api/blobs/sha256:00"),
    ],
)
def test_models_are_not_changed_from_here(client, method, path):
    reply = client.open(path, method=method)
    assert reply.status_code == 501
    assert f"{path} is not supported by this gateway" in reply.json["error"]
    assert oracles.ollama_error(501, reply.json) == []
