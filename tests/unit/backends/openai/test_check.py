import pytest

from proxyapp.backends.http import HttpClient
from proxyapp.backends.openai.check import check_server
from tests.fakes.steps import Cut

PROPS = {
    "default_generation_settings": {"n_ctx": 32768},
    "total_slots": 4,
    "chat_template_caps": {"supports_tools": True},
}
NO_JINJA = {"error": {"message": "tools param requires --jinja flag", "code": 500}}


def check(upstream, *, llama=True):
    return check_server("up", HttpClient(upstream.url), llama=llama)


@pytest.fixture
def server(upstream):
    """Give an upstream that has nothing to be found."""
    upstream.props = PROPS
    upstream.reply(200, {"prompt": "x"}, path="/apply-template")
    return upstream


def test_a_good_server_has_nothing_wrong(server):
    found = check(server)
    assert [finding.message for finding in found] == [
        f"{server.url} answers",
        "tools can be used",
        "each request may use 32768 tokens of context",
    ]
    assert all(finding.ok for finding in found)


def test_another_kind_of_server_is_asked_for_its_models_only(server):
    (found,) = check(server, llama=False)
    assert (found.ok, [r.path for r in server.requests]) == (True, ["/v1/models"])


def test_no_server_is_told_how_to_start_one(upstream):
    upstream.refuse()
    (found,) = check(upstream)
    assert not found.ok
    assert found.message.endswith("it refused the connection")
    assert f"--port {upstream.port}" in found.remedy


def test_an_address_without_a_port_gets_the_usual_one():
    client = HttpClient("http://nowhere.invalid", connect_timeout=1)
    (found,) = check_server("up", client, llama=True)
    assert "--port 11433" in found.remedy


def test_something_that_speaks_no_http_is_named(upstream):
    upstream.play(b"SSH-2.0-OpenSSH_9.6\r\n", Cut(), path="/v1/models")
    (found,) = check(upstream)
    assert (found.ok, "does not speak HTTP" in found.message) == (False, True)


@pytest.mark.parametrize(
    ("status", "body", "message"),
    [
        (503, {"error": {"message": "Loading model"}}, "still loading its model"),
        (401, {}, "refused the key (401)"),
        (403, {}, "refused the key (403)"),
        (404, "", "this is no OpenAI-compatible server"),
        (200, "<html>", "this is no OpenAI-compatible server"),
        (200, [], "this is no OpenAI-compatible server"),
        (200, {"models": []}, "this is no OpenAI-compatible server"),
        (200, {"data": []}, "lists no models"),
    ],
)
def test_an_answer_that_stops_all_is_the_only_finding(upstream, status, body, message):
    upstream.reply(status, body, path="/v1/models")
    (found,) = check(upstream)
    assert not found.ok
    assert message in found.message
    assert found.remedy


@pytest.mark.parametrize(("status", "body"), [(404, ""), (200, "[]"), (200, "<html>")])
def test_a_server_without_props_is_no_llama_server(server, status, body):
    server.reply(status, body, path="/props")
    good, found = check(server)
    assert (good.ok, found.ok) == (True, False)
    assert "the context length is unknown" in found.message


def test_a_server_without_jinja_is_told_to_restart(server):
    server.reset()
    server.reply(500, NO_JINJA, path="/apply-template")
    found = check(server)[1]
    assert (found.ok, found.remedy) == (False, "Restart llama-server with --jinja.")


@pytest.mark.parametrize("answer", [(404, ""), (500, {"error": "x"}), (200, "[]")])
def test_any_other_answer_to_a_tool_says_nothing(server, answer):
    server.reset()
    server.reply(*answer, path="/apply-template")
    assert check(server)[1].ok


def test_a_template_without_tools_is_found(server):
    server.props = PROPS | {"chat_template_caps": {"supports_tools": False}}
    found = check(server)[1]
    assert (found.ok, "knows no tools" in found.message) == (False, True)


@pytest.mark.parametrize("caps", [None, {"supports_tool_calls": True}])
def test_a_template_that_may_know_tools_is_believed(server, caps):
    server.props = PROPS | {"chat_template_caps": caps}
    assert check(server)[1].ok


@pytest.mark.parametrize(
    ("settings", "ok", "message"),
    [
        ({"n_ctx": 16384}, True, "may use 16384 tokens"),
        ({"n_ctx": 16383}, False, "only 16383 tokens (4 slots"),
        ({}, True, "is not told"),
        (None, True, "is not told"),
    ],
)
def test_a_small_context_is_found(server, settings, ok, message):
    server.props = PROPS | {"default_generation_settings": settings}
    found = check(server)[2]
    assert (found.ok, message in found.message) == (ok, True)
