"""The settings file changes while people are being answered."""

import threading
import time

import pytest

from tests.fakes.answers import Script
from tests.fakes.upstream import FakeUpstream
from tests.fakes.upstream import Finish
from tests.fakes.upstream import Text
from tests.fakes.upstream import Usage
from tests.fakes.upstream import Wait
from tests.live.clients import Asking
from tests.live.clients import LIMIT
from tests.live.clients import reached
from tests.servers import running_gateway
from tests.speakers import CHATS
from tests.speakers import get

pytestmark = [pytest.mark.live, pytest.mark.reliability("R-021")]

CHAT = CHATS[0]
UPSTREAM = '[upstream]\nurl = "{}"\n'


@pytest.fixture
def upstreams():
    with FakeUpstream() as one, FakeUpstream() as two:
        for name, fake in (("one", one), ("two", two)):
            fake.script(Text(name), Finish(), Usage(1, 1))
        yield one, two


def served_by(gateway):
    return CHAT.view(CHAT.post(gateway).json()).text


def written(gateway, text):
    (gateway.home / "config.toml").write_text(text, "utf-8")


def health(gateway):
    return get(gateway, "/health").json()


def test_new_requests_follow_and_running_streams_stay(upstreams):
    one, two = upstreams
    go = threading.Event()
    with running_gateway(config=UPSTREAM.format(one.url)) as gateway:
        slow = Script((Text("o"), Wait(go), Text("ne"), Finish(), Usage(1, 1)))
        quick = Script((Text("one"), Finish(), Usage(1, 1)))
        one.reset()
        one.respond(lambda asked: slow if b"slowly" in asked.body else quick)
        asking = Asking(gateway, CHAT, "slowly")
        assert reached(lambda: one.generations)
        written(gateway, UPSTREAM.format(two.url))
        assert reached(lambda: served_by(gateway) == "two")
        go.set()
        asking.join(LIMIT)
    assert CHAT.stream_violations(asking.raw) == []
    assert CHAT.view(asking.raw).text == "one"


def test_a_broken_file_changes_nothing_and_says_where(upstreams):
    one, two = upstreams
    with running_gateway(config=UPSTREAM.format(one.url)) as gateway:
        written(gateway, UPSTREAM.format(two.url) + "\n[stream]\nheartbeet = 3\n")
        assert reached(lambda: "settings" in health(gateway))
        assert "config.toml, line 5: stream.heartbeet" in health(gateway)["settings"]
        assert served_by(gateway) == "one"
        time.sleep(1.5)
        assert gateway.log.count("line 5: stream.heartbeet") == 1
        written(gateway, UPSTREAM.format(two.url))
        assert reached(lambda: served_by(gateway) == "two")
        assert "settings" not in health(gateway)


def test_every_worker_follows_by_itself(upstreams):
    one, two = upstreams
    with running_gateway(workers=2, config=UPSTREAM.format(one.url)) as gateway:
        written(gateway, UPSTREAM.format(two.url))
        pids = gateway.worker_pids
        assert reached(lambda: {served_by(gateway) for _ in range(12)} == {"two"})
        assert gateway.worker_pids == pids


def test_the_environment_still_wins(upstreams):
    one, two = upstreams
    with running_gateway(one.url, config="") as gateway:
        written(gateway, UPSTREAM.format(two.url))
        assert reached(lambda: "settings taken up" in gateway.log)
        assert served_by(gateway) == "one"


def test_an_unchanged_backend_keeps_its_connections(upstreams):
    one, _ = upstreams
    with running_gateway(config=UPSTREAM.format(one.url)) as gateway:
        served_by(gateway)
        written(gateway, UPSTREAM.format(one.url) + "[stream]\nheartbeat = 3\n")
        assert reached(lambda: "settings taken up" in gateway.log)
        served_by(gateway)
        before, after = one.generations
        assert before.connection == after.connection
        assert len(one.requests_to("/v1/models")) == 1


def test_what_needs_a_restart_is_named(upstreams):
    one, _ = upstreams
    with running_gateway(config=UPSTREAM.format(one.url)) as gateway:
        more = UPSTREAM.format(one.url) + "[server]\nworker_connections = 7\n"
        written(gateway, more)
        assert reached(lambda: "need a restart" in gateway.log)
        assert "server.worker_connections" in gateway.log
