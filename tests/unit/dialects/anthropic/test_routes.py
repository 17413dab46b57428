import pytest

from proxyapp.app import create_app
from proxyapp.settings.schema import BackendSettings
from proxyapp.settings.schema import Settings
from tests import oracles

BODY = {
    "model": "echo",
    "max_tokens": 50,
    "messages": [{"role": "user", "content": "Hello you"}],
}
TOOL = {"name": "look", "input_schema": {"type": "object", "properties": {}}}


@pytest.fixture(scope="module")
def client():
    backends = (BackendSettings("echo", kind="echo"),)
    settings = Settings(backends=backends, configured=True, own_backends=True)
    return create_app(settings).test_client()


def test_a_message_is_answered(client):
    reply = client.post("/v1/messages", json=BODY)
    assert oracles.anthropic_message(reply.json) == []
    assert oracles.text_of("anthropic", reply.json) == "Hello you"


def test_a_message_is_streamed(client):
    reply = client.post("/v1/messages?beta=true", json={**BODY, "stream": True})
    assert reply.content_type == "text/event-stream; charset=utf-8"
    assert oracles.anthropic_stream(reply.data) == []
    assert oracles.text_of("anthropic", reply.data) == "Hello you"


def test_a_tool_is_called(client):
    messages = [{"role": "user", "content": "call look"}]
    body = {**BODY, "messages": messages, "tools": [TOOL]}
    (call,) = client.post("/v1/messages", json=body).json["content"]
    assert (call["type"], call["name"], call["input"]) == ("tool_use", "look", {})


def test_a_message_tells_which_model_served(client):
    reply = client.post("/v1/messages", json={**BODY, "model": "claude-x"})
    assert reply.headers["x-proxyapp-model"] == "echo"
    assert reply.json["model"] == "claude-x"


@pytest.mark.parametrize("path", ["/v1/messages", "/v1/messages/nowhere"])
def test_a_failure_has_the_dialects_shape_and_the_id_of_its_request(client, path):
    reply = client.post(path, json={})
    assert oracles.anthropic_error(reply.status_code, reply.json) == []
    assert reply.json["request_id"] == reply.headers["request-id"]


def test_a_wrong_method_is_told_which_are_right(client):
    reply = client.get("/v1/messages")
    assert reply.status_code == 405
    assert "POST" in reply.headers["Allow"]
    assert oracles.anthropic_error(405, reply.json) == []


def test_an_unknown_path_answers_whoever_names_anthropics_version(client):
    versioned = {"anthropic-version": "2023-06-01"}
    named = client.get("/v1/nowhere", headers=versioned).json
    assert oracles.anthropic_error(404, named) == []
    assert oracles.openai_error(404, client.get("/v1/nowhere").json) == []


def test_tokens_are_counted(client):
    body = {"model": "echo", "messages": BODY["messages"]}
    reply = client.post("/v1/messages/count_tokens", json=body)
    assert reply.json == {"input_tokens": 2}


def test_tokens_for_a_model_nobody_serves_are_estimated(client):
    body = {"model": "nobody", "messages": BODY["messages"]}
    reply = client.post("/v1/messages/count_tokens", json=body)
    assert oracles.anthropic_count(reply.json) == []


@pytest.mark.parametrize(
    "path",
    [
        "/api/event_logging/batch",
        "/api/event_logging/v2/batch",
        "/api/claude_code/metrics",
    ],
)
def test_what_claude_code_reports_is_taken_quietly(client, path):
    reply = client.post(path, json={"events": []})
    assert (reply.status_code, reply.json) == (200, {})
