import flask
import pytest

from proxyapp.app import build_gateway
from proxyapp.app import create_app
from proxyapp.dialects.responses.routes import blueprint
from proxyapp.settings.schema import BackendSettings
from proxyapp.settings.schema import ModelSettings
from proxyapp.settings.schema import Settings
from proxyapp.settings.schema import ToolSettings
from tests.oracles import openai_error
from tests.oracles import openai_response
from tests.oracles import openai_responses_stream

ECHO = (BackendSettings("echo", "echo"),)
PATH = "/v1/responses"


def client(**settings):
    """Make a client of a gateway with the echo model."""
    app = create_app(Settings(backends=ECHO, configured=True, **settings))
    return app.test_client()


def ask(path=PATH, **body):
    """Ask the echo model."""
    return client().post(path, json={"model": "echo", "input": "hello you", **body})


def test_every_route_is_there_with_and_without_its_version():
    app = flask.Flask("test")
    app.register_blueprint(blueprint(build_gateway(Settings(backends=ECHO))))
    paths = {rule.rule for rule in app.url_map.iter_rules()}
    assert {"/v1/responses", "/responses", "/v1/responses/<name>"} <= paths


@pytest.mark.parametrize("path", ["/v1/responses", "/responses"])
def test_a_request_is_answered_whole(path):
    reply = ask(path)
    assert openai_response(reply.json) == []
    assert reply.json["output"][0]["content"][0]["text"] == "hello you"
    assert reply.headers["x-proxyapp-model"] == "echo"


def test_a_request_is_answered_by_a_stream():
    reply = ask(stream=True)
    assert reply.mimetype == "text/event-stream"
    assert openai_responses_stream(reply.data) == []


def test_thinking_is_told_unless_it_is_switched_off():
    thought = ask(reasoning={"effort": "high"}).json["output"]
    plain = ask(reasoning={"effort": "none"}).json["output"]
    assert [item["type"] for item in thought] == ["reasoning", "message"]
    assert [item["type"] for item in plain] == ["message"]


def test_without_a_model_the_default_answers_under_its_name():
    models = ModelSettings(default="echo")
    reply = client(models=models).post(PATH, json={"input": "hi"})
    assert reply.json["model"] == "echo"


def test_hosted_tools_are_dropped_by_setting():
    body = {"model": "echo", "input": "hi", "tools": [{"type": "web_search"}]}
    reply = client(tools=ToolSettings(hosted="drop")).post(PATH, json=body)
    assert reply.headers["x-proxyapp-repairs"] == "hosted-tool-dropped"


def test_hosted_tools_are_refused_otherwise():
    reply = ask(tools=[{"type": "web_search"}])
    assert openai_error(400, reply.json) == []
    assert reply.json["error"]["param"] == "tools[0].type"


def test_tokens_are_counted():
    reply = ask(f"{PATH}/input_tokens")
    assert reply.json == {"object": "response.input_tokens", "input_tokens": 2}


@pytest.mark.parametrize("path", ["/resp_1", "/resp_1/input_items"])
def test_no_response_is_stored(path):
    reply = client().get(PATH + path)
    assert reply.status_code == 404
    assert openai_error(404, reply.json) == []


def test_a_response_cannot_be_deleted_or_cancelled():
    assert client().delete(f"{PATH}/resp_1").status_code == 404
    assert client().post(f"{PATH}/resp_1/cancel").status_code == 404
