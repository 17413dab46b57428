import re

import pytest

from proxyapp.app import build_gateway
from proxyapp.app import create_app
from proxyapp.auth.key import Key
from proxyapp.auth.keyfile import KeyFile
from proxyapp.auth.ring import key_digest
from proxyapp.neutral.scope import Scope
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


def test_what_is_known_of_the_keys_outlives_other_settings(tmp_path):
    state = StateSettings(directory=str(tmp_path))
    first = build_gateway(Settings(backends=ECHO, state=state))
    changed = Settings(backends=ECHO, state=state, log=LogSettings(verbose=True))
    assert build_gateway(changed, first).key_file is first.key_file
    elsewhere = Settings(state=StateSettings(directory=str(tmp_path / "other")))
    assert build_gateway(elsewhere, first).key_file is not first.key_file


def test_a_key_is_asked_for_where_one_is_configured():
    asking = client(auth=AuthSettings((key_digest("k"),)))
    replies = [
        asking.get("/v1/models"),
        asking.get("/v1/models", headers={"x-api-key": "k"}),
        asking.get("/health"),
    ]
    assert [reply.status_code for reply in replies] == [401, 200, 200]


@pytest.mark.reliability("R-043")
def test_no_route_but_two_is_served_without_a_key():
    auth = AuthSettings((key_digest("k"),))
    app = create_app(Settings(backends=ECHO, auth=auth))
    asking = app.test_client()
    asked = [
        (method, re.sub(r"<[^>]+>", "x", rule.rule))
        for rule in app.url_map.iter_rules()
        for method in rule.methods - {"HEAD", "OPTIONS"}
    ]
    assert len(asked) > 80
    served = {
        one for one in asked if asking.open(one[1], method=one[0]).status_code != 401
    }
    assert served == {("GET", "/"), ("GET", "/health")}


def test_clients_are_told_what_is_left_of_a_limit(tmp_path):
    digest, scope = key_digest("k"), Scope(requests_per_minute=5)
    made = Key("team", digest, scope=scope)
    KeyFile(tmp_path / "keys.json").change(lambda named: named.update(team=made))
    asking = client(state=StateSettings(str(tmp_path), history_days=0))
    hello = {"model": "echo", "messages": [{"role": "user", "content": "hi"}]}
    replies = [
        asking.post(path, json={**hello, "stream": stream}, headers={"x-api-key": "k"})
        for path, stream in (
            *(("/v1/chat/completions", False), ("/v1/chat/completions", True)),
            *(("/api/chat", False), ("/v1/nothing", False)),
        )
    ]
    left = [r.headers.get("x-ratelimit-remaining-requests") for r in replies]
    assert left == ["4", "3", None, None]


def test_an_unknown_host_is_not_served():
    assert client().get("/", headers={"Host": "evil.example"}).status_code == 421


def test_a_preflight_of_a_local_page_is_answered():
    origin = "http://localhost:3000"
    reply = client().options("/v1/models", headers={"Origin": origin})
    assert reply.status_code == 204
    assert reply.headers["Access-Control-Allow-Origin"] == origin


@pytest.mark.reliability("R-032")
@pytest.mark.parametrize(
    ("origin", "answer"), [("http://localhost:3000", "true"), ("https://evil.a", None)]
)
def test_only_allowed_pages_may_reach_into_the_private_network(origin, answer):
    asked = {"Origin": origin, "Access-Control-Request-Private-Network": "true"}
    reply = client().options("/v1/models", headers=asked)
    assert reply.headers.get("Access-Control-Allow-Private-Network") == answer


@pytest.mark.reliability("R-035")
def test_an_answer_before_the_end_of_the_body_closes_the_connection():
    asking = client()
    told = [
        asking.post("/v1/nothing", data=b"{}"),
        asking.post("/v1/chat/completions", data=b"{", headers={"Host": "evil.a"}),
        asking.post("/v1/chat/completions", data=b"{"),
    ]
    closes = [reply.headers.get("Connection") == "close" for reply in told]
    assert closes == [True, True, False]


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


@pytest.mark.reliability("R-033")
def test_to_look_changes_nothing(upstream, tmp_path):
    backend = BackendSettings(name="up", url=upstream.url)
    state = StateSettings(directory=str(tmp_path))
    app = create_app(Settings(backends=(backend,), state=state))
    rules = [rule for rule in app.url_map.iter_rules() if "GET" in rule.methods]
    paths = [re.sub(r"<(?:\w+:)?\w+>", "tiny", rule.rule) for rule in rules]
    assert {"/", "/health", "/v1/models", "/api/tags"} <= set(paths)
    asker = app.test_client()
    before = sorted(tmp_path.rglob("*"))
    for path in paths:
        assert asker.get(path).status_code != 500, path
        assert asker.head(path).status_code != 500, path
    assert {request.method for request in upstream.requests} <= {"GET"}
    assert sorted(tmp_path.rglob("*")) == before
