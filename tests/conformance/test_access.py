"""Who may talk to the gateway: keys, the Host header, web origins."""

import hashlib

import pytest
import requests

from tests import oracles
from tests.conformance.conftest import KEY
from tests.conformance.conftest import QUICK
from tests.servers import running_gateway
from tests.speakers import get
from tests.speakers import post

PATH = "/v1/chat/completions"
BODY = {"model": "tiny", "messages": [{"role": "user", "content": "hi"}]}


# ---------------------------------------------------------------------------- keys


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": f"Bearer {KEY}"},
        {"Authorization": f"bearer  {KEY} "},
        {"x-api-key": KEY},
        {"Authorization": "Bearer wrong", "x-api-key": KEY},
        {"Authorization": f"Bearer {KEY}", "x-api-key": "wrong"},
        {"Authorization": "Bearer ", "x-api-key": KEY},
    ],
    ids=repr,
)
def test_one_good_key_is_enough(keyed, upstream, headers):
    assert post(keyed, PATH, BODY, headers).status_code == 200


@pytest.mark.reliability("R-043")
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer "},
        {"Authorization": KEY},
        {"Authorization": f"Basic {KEY}"},
        {"Authorization": f"Bearer {KEY}x"},
        {"Authorization": f"Bearer {KEY[:-1]}"},
        {"x-api-key": ""},
        {"x-api-key": hashlib.sha256(KEY.encode()).hexdigest()},
        {"x-api-key": "k\u00e9y".encode("latin-1")},
    ],
    ids=repr,
)
def test_anything_else_is_refused(keyed, upstream, headers):
    reply = post(keyed, PATH, BODY, headers)
    assert reply.status_code == 401
    assert reply.headers["WWW-Authenticate"] == "Bearer"
    assert oracles.openai_error(401, reply.json()) == []
    assert upstream.generations == []


@pytest.mark.parametrize("path", ["/v1/models", "/v1/nothing", "/api/tags", "/api/ps"])
def test_a_key_is_asked_for_on_every_path(keyed, path):
    assert get(keyed, path).status_code == 401


@pytest.mark.parametrize("path", ["/", "/health"])
def test_a_sign_of_life_needs_no_key(keyed, path):
    assert get(keyed, path).status_code == 200


@pytest.mark.reliability("R-043")
def test_a_key_is_kept_as_its_digest_only(keyed):
    environ = (keyed.home / "gateway.log").read_text("utf-8")
    assert KEY not in environ
    with open(f"/proc/{keyed.pid}/environ", "rb") as given:
        assert KEY.encode() not in given.read()


@pytest.mark.parametrize("headers", [{}, {"x-api-key": "any"}], ids=repr)
def test_without_keys_everyone_is_let_in(gateway, upstream, headers):
    assert post(gateway, PATH, BODY, headers).status_code == 200


@pytest.mark.reliability("R-030")
def test_an_open_bind_without_keys_is_refused():
    with (
        pytest.raises(RuntimeError, match="can be reached from other machines"),
        running_gateway("http://127.0.0.1:1", LISTEN_HOST="0.0.0.0"),
    ):
        pass


# ---------------------------------------------------------------------------- Host


@pytest.mark.reliability("R-031")
@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.0.0.1:11434",
        "localhost:1",
        "LOCALHOST",
        "[::1]:11434",
        "app.localhost",
        "192.168.1.20:11434",
    ],
)
def test_addresses_and_local_names_are_answered(gateway, host):
    assert get(gateway, "/v1/models", {"Host": host}).status_code == 200


@pytest.mark.reliability("R-031", "R-034")
@pytest.mark.parametrize(
    "host",
    [
        "attacker.example",
        "attacker.example:11434",
        "localhost.attacker.example",
        "127.0.0.1.attacker.example",
        "127.0.0.1@attacker.example",
        "127.0.0.1:99999",
        "127.0.0.1:x",
        "a b",
        "",
    ],
    ids=repr,
)
@pytest.mark.parametrize("path", ["/", "/health", "/v1/models", "/api/tags"])
def test_other_names_are_refused_on_every_path(gateway, path, host):
    reply = get(gateway, path, {"Host": host})
    assert reply.status_code in (400, 421)
    assert "Ollama is running" not in reply.text
    assert "models" not in reply.text.replace("/v1/models", "")


# -------------------------------------------------------------------------- origins

LOCAL = [
    "http://localhost:3000",
    "https://127.0.0.1",
    "http://[::1]:8080",
    "vscode-webview://abc",
    "app://obsidian.md",
    "tauri://localhost",
]
FOREIGN = [
    "https://attacker.example",
    "http://localhost.attacker.example",
    "http://127.0.0.1.attacker.example",
    "null",
    "",
    "http://localhost:3000, https://attacker.example",
]


@pytest.mark.reliability("R-032")
@pytest.mark.parametrize("origin", LOCAL)
def test_a_local_page_may_call(gateway, upstream, origin):
    reply = post(gateway, PATH, BODY, {"Origin": origin})
    assert reply.status_code == 200
    assert reply.headers["Access-Control-Allow-Origin"] == origin
    assert reply.headers["Vary"] == "Origin"


@pytest.mark.reliability("R-032")
@pytest.mark.parametrize("origin", FOREIGN, ids=repr)
@pytest.mark.parametrize(
    "content_type", ["application/json", "text/plain", "multipart/form-data"]
)
def test_a_foreign_page_may_not(gateway, upstream, origin, content_type):
    given = {"Origin": origin, "Content-Type": content_type}
    reply = post(gateway, PATH, BODY, given)
    assert reply.status_code == 403
    assert "Access-Control-Allow-Origin" not in reply.headers
    assert oracles.openai_error(403, reply.json()) == []
    assert upstream.generations == []


def preflight(gateway, origin):
    asked = {
        "Origin": origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type,authorization",
    }
    return requests.options(gateway.url + PATH, headers=asked, timeout=10)


@pytest.mark.reliability("R-032")
def test_a_local_page_is_told_what_it_may_send(gateway):
    reply = preflight(gateway, LOCAL[0])
    assert reply.status_code == 204
    assert reply.headers["Access-Control-Allow-Origin"] == LOCAL[0]
    assert "POST" in reply.headers["Access-Control-Allow-Methods"]
    allowed = reply.headers["Access-Control-Allow-Headers"].lower()
    for name in ("authorization", "content-type", "x-api-key", "anthropic-version"):
        assert name in allowed


def test_a_local_page_needs_no_key_to_ask_what_it_may_send(keyed):
    assert preflight(keyed, LOCAL[0]).status_code == 204


@pytest.mark.reliability("R-032")
@pytest.mark.parametrize("origin", FOREIGN[:4])
def test_a_foreign_page_is_told_nothing(gateway, origin):
    reply = preflight(gateway, origin)
    assert reply.status_code == 403
    assert "Access-Control-Allow-Origin" not in reply.headers


def test_configured_names_and_origins_are_let_in(only_upstream):
    given = {
        "PROXYAPP_SERVER__ALLOWED_HOSTS": "gateway.lan",
        "PROXYAPP_SERVER__ALLOWED_ORIGINS": "https://chat.example.org",
    }
    headers = {"Host": "gateway.lan:11434", "Origin": "https://chat.example.org"}
    with running_gateway(only_upstream.url, **QUICK, **given) as gateway:
        assert get(gateway, "/v1/models", headers).status_code == 200


def test_a_failure_is_readable_to_the_page_that_caused_it(gateway):
    reply = post(gateway, PATH, b"{", {"Origin": LOCAL[0]})
    assert reply.status_code == 400
    assert reply.headers["Access-Control-Allow-Origin"] == LOCAL[0]


@pytest.mark.reliability("R-039")
def test_forwarded_headers_change_nothing(gateway):
    forged = {
        "X-Forwarded-Host": "attacker.example",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-For": "6.6.6.6",
    }
    plain, told = get(gateway, "/v1/models"), get(gateway, "/v1/models", forged)
    assert told.json() == plain.json()
