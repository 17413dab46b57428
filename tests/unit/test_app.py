import pytest

from proxyapp.app import build_gateway
from proxyapp.app import create_app
from proxyapp.auth import key_digest
from proxyapp.settings.schema import AuthSettings
from proxyapp.settings.schema import BackendSettings
from proxyapp.settings.schema import LogSettings
from proxyapp.settings.schema import Settings
from proxyapp.settings.schema import StateSettings

ECHO = (BackendSettings(name="echo", kind="echo"),)


def client(**fields):
    return create_app(Settings(backends=ECHO, **fields)).test_client()


def test_building_opens_no_connection(upstream):
    backend = BackendSettings(name="up", url=upstream.url)
    build_gateway(Settings(backends=(backend,)))
    assert upstream.connections == 0


@pytest.mark.parametrize(
    ("path", "shape"),
    [
        ("/v1/nothing", lambda body: body["error"]["code"] == "not_found"),
        ("/api/nothing", lambda body: isinstance(body["error"], str)),
        ("/v1/messages/nothing", lambda body: body["type"] == "error"),
    ],
)
def test_an_unknown_route_answers_in_its_dialect(path, shape):
    reply = client().get(path)
    assert reply.status_code == 404
    assert shape(reply.json)


def test_a_wrong_method_names_the_right_ones():
    reply = client().get("/v1/chat/completions")
    assert (reply.status_code, reply.headers["Allow"]) == (405, "POST")


def test_an_unexpected_failure_says_nothing_of_the_inside(monkeypatch):
    asking = client()
    monkeypatch.setattr("proxyapp.web.body._raw", lambda *_: 1 / 0)
    reply = asking.post("/v1/chat/completions", data=b"{}")
    assert reply.status_code == 500
    assert "ZeroDivision" not in reply.text


def test_a_key_is_asked_for_where_one_is_configured():
    asking = client(auth=AuthSettings((key_digest("k"),)))
    replies = [
        asking.get("/v1/models"),
        asking.get("/v1/models", headers={"x-api-key": "k"}),
        asking.get("/health"),
    ]
    assert [reply.status_code for reply in replies] == [401, 200, 200]


def test_an_unknown_host_is_not_served():
    assert client().get("/", headers={"Host": "evil.example"}).status_code == 421


def test_a_preflight_of_a_local_page_is_answered():
    origin = "http://localhost:3000"
    reply = client().options("/v1/models", headers={"Origin": origin})
    assert reply.status_code == 204
    assert reply.headers["Access-Control-Allow-Origin"] == origin


def test_a_foreign_page_is_refused():
    reply = client().get("/v1/models", headers={"Origin": "https://evil.example"})
    assert reply.status_code == 403


def test_every_reply_bears_an_id():
    headers = client().get("/health").headers
    assert headers["x-request-id"] == headers["request-id"] != ""


def test_the_ledger_serves_on_unless_it_is_to_be_kept_elsewhere():
    first = build_gateway(Settings())
    again = build_gateway(Settings(log=LogSettings(verbose=True)), first)
    elsewhere = build_gateway(Settings(state=StateSettings(history_days=1)), first)
    assert again.ledger is first.ledger
    assert elsewhere.ledger is not first.ledger
