"""The log of a real gateway: one line a request, and what stands on it."""

import json
import re
import time
from urllib.parse import quote

import pytest
import requests

from tests.fakes.steps import Cut
from tests.fakes.steps import Finish
from tests.fakes.steps import Text
from tests.fakes.steps import Usage
from tests.fakes.steps import Wait
from tests.fakes.upstream import FakeUpstream
from tests.live import hostile
from tests.live.clients import reached
from tests.servers import running_gateway
from tests.speakers import CHATS

pytestmark = pytest.mark.live

LIMIT = 10.0
CHAT = "/v1/chat/completions"
STRINGS = [hostile.joined(pieces) for pieces in hostile.corpus("strings")]
CANARY = "sk-canary-0123456789abcdef"


def lines_of(gateway, count, before=0):
    """Wait for so many lines behind a place in the log, and give them."""
    until = time.monotonic() + LIMIT
    while True:
        lines = gateway.log[before:].split("\n")[:-1]
        if len(lines) >= count or time.monotonic() > until:
            return lines
        time.sleep(0.01)


def ask(gateway, path=CHAT, headers=None, **fields):
    body = {"model": "tiny", "messages": [{"role": "user", "content": "Hi"}]} | fields
    return requests.post(gateway.url + path, json=body, headers=headers, timeout=LIMIT)


def told(gateway, **fields):
    """Ask once; give the reply and the one line that tells of it."""
    before = len(gateway.log)
    reply = ask(gateway, **fields)
    lines = lines_of(gateway, 1, before)
    assert len(lines) == 1
    return reply, lines[0]


@pytest.fixture
def scripted(upstream):
    upstream.script(Text("Hello"), Finish(), Usage(12, 5))
    return upstream


@pytest.mark.parametrize("speaker", CHATS, ids=lambda speaker: speaker.name)
@pytest.mark.parametrize("stream", [True, False])
def test_a_request_is_one_line(gateway, scripted, speaker, stream):
    before = len(gateway.log)
    reply = speaker.post(gateway, stream=stream)
    (line,) = lines_of(gateway, 1, before)
    assert f" INFO POST {speaker.path} 200 dialect=" in line
    assert " model=tiny backend=llama input=12 output=5 " in line
    assert re.search(r" total_ms=\d+ ending=stop ", line)
    assert bool(re.search(r" first_ms=\d+ ", line)) == stream
    assert f" id={reply.headers['x-request-id']} " in line


def test_a_failure_after_the_status_was_sent_is_a_warning(gateway, upstream):
    upstream.script(Text("Hel"), Cut())
    reply, line = told(gateway, stream=True)
    assert reply.status_code == 200
    assert f" WARNING POST {CHAT} 200 " in line
    assert " ending=upstream_incomplete " in line
    assert " error=" in line


def test_a_failure_before_it_is_one_too(gateway, upstream):
    upstream.reply(503, {"error": {"message": "Loading model"}})
    reply, line = told(gateway)
    assert reply.status_code == 503
    assert f" WARNING POST {CHAT} 503 " in line
    assert " ending=upstream_busy " in line


def test_a_mistake_of_the_client_is_information(gateway, upstream):
    _, line = told(gateway, messages=7)
    assert f" INFO POST {CHAT} 400 " in line
    assert " ending=invalid_request " in line


def test_a_client_that_left_is_information(gateway, upstream):
    upstream.script(Text("Hel"), Wait(limit=20))
    before = len(gateway.log)
    body = {"model": "tiny", "messages": [], "stream": True}
    body["messages"] = [{"role": "user", "content": "Hi"}]
    with requests.post(
        gateway.url + CHAT, json=body, stream=True, timeout=LIMIT
    ) as reply:
        assert next(reply.iter_content(None))
    (line,) = lines_of(gateway, 1, before)
    assert f" INFO POST {CHAT} 499 " in line
    assert " ending=client_gone " in line


@pytest.mark.reliability("R-058")
def test_hostile_text_anywhere_is_one_line_a_request(gateway, scripted):
    before = len(gateway.log)
    asked = 0
    for text in STRINGS:
        ask(gateway, model=text)
        ask(gateway, path=f"{CHAT}/{quote(text[:300], safe='')}")
        agent = "".join(c for c in text[:300] if " " <= c <= "\xff" and c != "\x7f")
        headers = {"User-Agent": agent.encode("latin-1").strip()}
        ask(gateway, headers=headers)
        asked += 3
    lines = lines_of(gateway, asked, before)
    assert len(lines) == asked
    assert all(line.isprintable() for line in lines)
    assert all(re.match(r"\d\d:\d\d:\d\d (INFO|WARNING) POST ", line) for line in lines)


@pytest.fixture(scope="module")
def wordy():
    """Give a gateway that logs all it can, as JSON."""
    options = {"VERBOSE": 1, "PROXYAPP_LOG__FORMAT": "json"}
    with FakeUpstream() as fake, running_gateway(fake.url, **options) as gateway:
        yield gateway, fake


def objects(gateway, count, before):
    lines = [line for line in lines_of(gateway, count, before) if line[:1] == "{"]
    assert all(line.isprintable() for line in lines)
    return [json.loads(line) for line in lines]


@pytest.mark.reliability("R-041", "R-045")
@pytest.mark.parametrize("stream", [True, False])
def test_a_verbose_log_shows_what_was_said_without_secrets(wordy, stream):
    gateway, fake = wordy
    fake.reset()
    fake.script(Text("Hello"), Finish(), Usage(12, 5))
    before = len(gateway.log)
    headers = {"Authorization": f"Bearer {CANARY}", "x-api-key": CANARY}
    secrets = f"key {CANARY}, Bearer abc.def, password=hunter2, gho_0123456789abcdef"
    image = {"url": "data:image/png;base64," + "iVBORw0KGgo" * 1000}
    mark = f"streamed: {stream}"
    parts = [
        {"type": "text", "text": f"{mark}, {secrets}"},
        {"type": "image_url", "image_url": image},
    ]
    fields = {"messages": [{"role": "user", "content": parts}], "stream": stream}
    ask(gateway, headers=headers, **fields)
    # The line of a request before may come late.
    assert reached(lambda: mark in gateway.log[before:])
    (line,) = [
        told
        for told in objects(gateway, 1, before)
        if told["event"] == "request" and mark in told["request_body"]
    ]
    assert line["status"] == 200
    assert "key [hidden]" in line["request_body"]
    assert "Hello" in line["reply_body"]
    assert len(line["request_body"]) < 4200
    for secret in (CANARY, "abc.def", "hunter2", "gho_0123"):
        assert secret not in gateway.log


@pytest.mark.reliability("R-058")
def test_hostile_text_in_a_body_is_one_object_a_request(wordy):
    gateway, fake = wordy
    fake.reset()
    before = len(gateway.log)
    for text in STRINGS:
        fake.script(Text(text[:500] or "x"), Finish(), Usage(1, 1))
        ask(gateway, messages=[{"role": "user", "content": text}])
    told = objects(gateway, len(STRINGS), before)
    assert len([o for o in told if o["event"] == "request"]) == len(STRINGS)


def test_a_verbose_log_tells_of_requests_that_only_look(wordy):
    gateway, _ = wordy
    before = len(gateway.log)
    requests.get(gateway.url + "/v1/models", timeout=LIMIT)
    (line,) = objects(gateway, 1, before)
    assert (line["method"], line["path"], line["dialect"]) == ("GET", "/v1/models", "")
