"""Secrets and prompts with names of their own, and a search for them afterwards."""

import base64
import contextlib
import json
from dataclasses import dataclass
from dataclasses import field
from pathlib import Path
from urllib.parse import quote

import pytest
import requests

from proxyapp.auth.ring import key_digest
from tests.fakes.faults import FAULTS
from tests.fakes.upstream import Error
from tests.fakes.upstream import FakeUpstream
from tests.fakes.upstream import Finish
from tests.fakes.upstream import Text
from tests.fakes.upstream import Usage
from tests.live.conftest import HURRIED
from tests.servers import children_of
from tests.servers import running_gateway
from tests.speakers import each_speaker
from tests.speakers import post
from tests.speakers import SPEAKERS

pytestmark = pytest.mark.live

CLIENT_KEY = "canary-client-key-5b1f0a"
OTHER_KEY = "canary-other-key-77aa10"
COOKIE = "canary-cookie-90e2"
UPSTREAM_KEY = "canary-upstream-key-c0ffee"
NETRC = "canary-netrc-31337"
PROMPT = "canary-prompt-the-plan"
TOOL = "canary-tool-description"
REPLY = "canary-reply-of-the-model"
SECRETS = (CLIENT_KEY, OTHER_KEY, COOKIE, UPSTREAM_KEY, NETRC)
TALK = (PROMPT, TOOL, REPLY)
CONFIG = """
[[backends]]
name = "first"
kind = "openai"
url = "{url}"
key_env = "FIRST_KEY"
models = ["tiny"]
endpoints = ["rerank", "files"]
"""
HEADERS = {
    "Authorization": f"Bearer {CLIENT_KEY}",
    "x-api-key": OTHER_KEY,
    "Cookie": f"session={COOKIE}",
    "api-key": OTHER_KEY,
    "X-Goog-Api-Key": OTHER_KEY,
    "Proxy-Authorization": f"Basic {OTHER_KEY}",
}
TOOLS = {"look": {"type": "object", "description": TOOL, "properties": {}}}
FAILURES = ("status_400", "status_401", "status_500", "html_502", "rate_429")
FAILURES += ("die_mid_chunk", "bad_json", "error_string", "tool_bad_json")


@dataclass
class Found:
    """All that was said and left behind while the gateway served."""

    replies: list[bytes] = field(default_factory=list)
    quoted: list[bytes] = field(default_factory=list)
    sent: list[bytes] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)
    elsewhere: int = 0
    verbose: bool = False
    log: bytes = b""
    files: dict[str, bytes] = field(default_factory=dict)
    commands: bytes = b""
    children: bytes = b""


def holds(data, secret):
    """Tell whether bytes hold a secret, as it is or in an everyday disguise."""
    raw = secret.encode()
    forms = {raw, base64.b64encode(raw).rstrip(b"="), quote(secret).encode()}
    return any(form in data for form in {*forms, raw.hex().encode()})


def told(reply):
    """Give all that a client is told, headers and body."""
    return json.dumps(dict(reply.headers)).encode() + reply.content


def serve(gateway, upstream, found):
    """Ask in every dialect, for good and for bad."""
    for speaker in SPEAKERS:
        headers = {**HEADERS, **speaker.headers}
        for stream in (True, False):
            body = speaker.body(PROMPT, TOOLS if speaker.calls else {}, stream=stream)
            upstream.script(Text(REPLY), Finish("stop"), Usage(3, 2))
            good = post(gateway, speaker.path, body, headers)
            assert good.status_code == 200
            found.quoted.append(told(good))
            for name in FAILURES:
                with_fault(upstream, FAULTS[name].make())
                found.replies.append(told(post(gateway, speaker.path, body, headers)))
            remember(upstream, found)


def with_fault(upstream, answer):
    requests_so_far = list(upstream.requests)
    upstream.reset()
    upstream.requests.extend(requests_so_far)
    upstream.answer(answer)


def remember(upstream, found):
    """Keep what the upstream was sent, but for the key that it should get."""
    for request in upstream.requests:
        headers = dict(request.headers)
        found.keys.add(headers.pop("authorization", ""))
        found.sent.append(json.dumps(headers).encode() + request.body)
    upstream.reset()


def refuse(gateway, found):
    """Ask in ways that are refused, with secrets in all of them."""
    for path in ("/v1/nothing", "/api/nothing", f"/v1/models/{OTHER_KEY}x"):
        reply = requests.get(gateway.url + path, headers=HEADERS, timeout=20)
        found.quoted.append(told(reply))
    for bad in ({}, {"Authorization": f"Bearer {OTHER_KEY}"}, {"x-api-key": COOKIE}):
        reply = post(gateway, "/v1/chat/completions", {"model": "tiny"}, bad)
        assert reply.status_code == 401
        found.replies.append(told(reply))
    for body in (b"{", f'{{"model":"tiny","messages":"{PROMPT}"'.encode(), b"[]"):
        found.replies.append(told(post(gateway, "/v1/chat/completions", body, HEADERS)))


def look_around(gateway, found):
    """Keep what can be seen of the processes: log, command lines, environments."""
    found.log = gateway.log.encode()
    workers = gateway.worker_pids
    helpers = [pid for worker in workers for pid in children_of(worker)]
    for pid in (gateway.pid, *workers, *helpers):
        found.commands += Path(f"/proc/{pid}/cmdline").read_bytes()
    for pid in helpers:
        found.children += Path(f"/proc/{pid}/environ").read_bytes()


@pytest.fixture(scope="module", params=[False, True], ids=["usual", "verbose"])
def found(request, tmp_path_factory):
    """Serve with secrets everywhere, and give what could be seen of it."""
    home = tmp_path_factory.mktemp("canary")
    netrc = home / ".netrc"
    netrc.write_text(f"default login canary password {NETRC}\n", "ascii")
    netrc.chmod(0o600)
    seen = Found(verbose=request.param)
    with FakeUpstream() as upstream, FakeUpstream() as trap:
        given = {
            "FIRST_KEY": UPSTREAM_KEY,
            "HOME": home,
            "NETRC": netrc,
            "HTTP_PROXY": trap.url,
            "http_proxy": trap.url,
            "ALL_PROXY": trap.url,
            "PROXYAPP_AUTH__KEYS": f"sha256:{key_digest(CLIENT_KEY)}",
            "PROXYAPP_STATE__DIRECTORY": home / "state",
            "PROXYAPP_LOG__VERBOSE": int(request.param),
        }
        config = CONFIG.format(url=upstream.url)
        with running_gateway(config=config, **HURRIED, **given) as gateway:
            serve(gateway, upstream, seen)
            refuse(gateway, seen)
            remember(upstream, seen)
            look_around(gateway, seen)
        seen.elsewhere = trap.connections
    for path in home.rglob("*"):
        if path.is_file() and path != netrc:
            seen.files[path.name] = path.read_bytes()
    return seen


def leaks(data, *secrets):
    return [secret for secret in secrets if holds(data, secret)]


@pytest.mark.reliability("R-041")
def test_an_upstream_is_sent_its_own_key_and_no_other(found):
    assert found.keys == {f"Bearer {UPSTREAM_KEY}"}
    assert len(found.sent) > 100
    assert [bad for sent in found.sent for bad in leaks(sent, *SECRETS)] == []


@pytest.mark.reliability("R-041")
def test_no_client_is_told_a_secret(found):
    replies = [*found.replies, *found.quoted]
    hidden = (UPSTREAM_KEY, NETRC, CLIENT_KEY, COOKIE)
    assert [bad for reply in replies for bad in leaks(reply, *hidden)] == []


@pytest.mark.reliability("R-041", "R-045")
def test_an_error_quotes_no_prompt(found):
    assert [bad for reply in found.replies for bad in leaks(reply, PROMPT)] == []


@pytest.mark.reliability("R-041", "R-045")
def test_the_log_holds_no_secret_and_no_talk_unless_asked_to(found):
    assert found.log.count(b"\n") > 20
    assert leaks(found.log, CLIENT_KEY, COOKIE, UPSTREAM_KEY, NETRC) == []
    # A verbose log holds what was said; that is what it is for.
    assert found.verbose or leaks(found.log, *TALK) == []


@pytest.mark.reliability("R-041")
def test_no_file_holds_a_secret(found):
    assert any(name.startswith("history.db") for name in found.files)
    kept = {name: leaks(data, *SECRETS, *TALK) for name, data in found.files.items()}
    assert {name: bad for name, bad in kept.items() if bad} == {}


@pytest.mark.reliability("R-041")
def test_no_command_line_and_no_child_holds_a_secret(found):
    assert b"gunicorn" in found.commands
    assert leaks(found.commands, *SECRETS) == []
    assert leaks(found.children, *SECRETS) == []


@pytest.mark.reliability("R-042")
def test_nobody_stands_between_the_gateway_and_its_upstream(found):
    assert found.elsewhere == 0
    assert [bad for sent in found.sent for bad in leaks(sent, NETRC)] == []


# ------------------------------------------------------------------ hostile upstreams


@pytest.fixture(scope="module")
def betrayed():
    """Run a gateway whose upstream will tell its key to anyone who listens."""
    with FakeUpstream() as upstream:
        config = CONFIG.format(url=upstream.url)
        with running_gateway(config=config, FIRST_KEY=UPSTREAM_KEY, **HURRIED) as it:
            yield upstream, it


@pytest.mark.reliability("R-041")
@pytest.mark.parametrize("status", [400, 404, 422, 429, 500, 503])
@each_speaker()
def test_an_upstreams_error_that_quotes_its_key_does_not(betrayed, speaker, status):
    upstream, gateway = betrayed
    upstream.reset()
    words = f"Incorrect API key provided: {UPSTREAM_KEY}."
    upstream.reply(status, {"error": {"message": words, "type": "server_error"}})
    reply = speaker.post(gateway)
    assert reply.status_code >= 400
    assert speaker.error_violations(reply.status_code, reply.json()) == []
    assert leaks(told(reply) + gateway.log.encode(), UPSTREAM_KEY) == []


@pytest.mark.reliability("R-041")
@each_speaker()
def test_nor_does_its_error_within_a_stream(betrayed, speaker):
    upstream, gateway = betrayed
    upstream.reset()
    upstream.script(Text("Hello"), Error(f"bad key {UPSTREAM_KEY}"))
    reply = speaker.post(gateway, stream=True)
    assert speaker.stream_violations(reply.content, failed=True) == []
    assert leaks(told(reply) + gateway.log.encode(), UPSTREAM_KEY) == []


@pytest.mark.reliability("R-046")
@each_speaker()
def test_no_field_of_a_request_leads_elsewhere(betrayed, speaker):
    upstream, gateway = betrayed
    upstream.reset()
    with FakeUpstream() as trap:
        names = ("api_base", "base_url", "api_key", "url", "endpoint", "host", "proxy")
        fields = dict.fromkeys(names, trap.url)
        options = {"extra_headers": {"X-Evil": "1"}, "headers": {"X-Evil": "1"}}
        reply = speaker.post(gateway, **fields, **options, organization=OTHER_KEY)
        assert reply.status_code == 200
        assert trap.connections == 0
    (request,) = upstream.generations
    assert "x-evil" not in request.headers
    assert trap.url.encode() not in request.body


@pytest.mark.reliability("R-045")
def test_a_worker_leaves_no_core(betrayed):
    _, gateway = betrayed
    for pid in gateway.worker_pids:
        limits = Path(f"/proc/{pid}/limits").read_text("ascii")
        (line,) = [row for row in limits.splitlines() if row.startswith("Max core")]
        assert line.split()[4] == "0"


@pytest.mark.reliability("R-045")
def test_an_unexpected_failure_tells_a_client_nothing(betrayed):
    _, gateway = betrayed
    for path in ("/v1/chat/completions", "/api/chat", "/v1/messages", "/v1/responses"):
        with contextlib.suppress(requests.RequestException):
            reply = post(gateway, path, b"\xff" * 9)
            assert b"Traceback" not in reply.content
            assert b"/proxyapp/" not in reply.content
