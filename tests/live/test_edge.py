"""Clients that send badly, slowly or not at all, and what comes in between."""

import contextlib
import json
import resource
import threading
import time

import pytest
import requests

from tests.fakes.upstream import FakeUpstream
from tests.fakes.upstream import Finish
from tests.fakes.upstream import Text
from tests.fakes.upstream import Usage
from tests.fakes.upstream import Wait
from tests.live import hostile
from tests.live.clients import connect
from tests.live.clients import LIMIT
from tests.live.clients import reached
from tests.live.clients import read_to_end
from tests.live.clients import request_head
from tests.live.clients import stream_request
from tests.measures import memory_of
from tests.servers import running_gateway
from tests.speakers import CHATS
from tests.speakers import post

pytestmark = pytest.mark.live

CHAT = CHATS[0]
SEATS = 50
CROWD = 60
BODY_TIMEOUT = 4.0
HEALTH = b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


@contextlib.contextmanager
def trickling(gateway, count, head):
    """Hold connections that send a byte a second after their beginning."""
    over = threading.Event()
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(connect(gateway)) for _ in range(count)]
        for client in clients:
            client.sendall(head)

        def trickle():
            while not over.wait(1.0):
                for client in clients:
                    with contextlib.suppress(OSError):
                        client.sendall(b" ")

        thread = threading.Thread(target=trickle, daemon=True)
        thread.start()
        try:
            yield clients
        finally:
            over.set()
            thread.join(LIMIT)


@pytest.fixture(scope="module")
def small():
    """Run a gateway with few seats."""
    seats = {"PROXYAPP_SERVER__WORKER_CONNECTIONS": SEATS}
    limit = {"PROXYAPP_SERVER__BODY_TIMEOUT": BODY_TIMEOUT}
    with FakeUpstream() as fake, running_gateway(fake.url, **seats, **limit) as one:
        yield one


@pytest.mark.reliability("R-036")
@pytest.mark.parametrize("kind", ["bodies", "heads", "silence"])
def test_a_crowd_that_dawdles_does_not_keep_others_waiting(small, kind):
    heads = {
        "bodies": request_head(small, CHAT.path, "Content-Length: 1000") + b"{",
        "heads": request_head(small, CHAT.path)[:-2] + b"X-Slow: ",
        "silence": b"",
    }
    with trickling(small, CROWD, heads[kind]), hostile.Prober(small) as prober:
        time.sleep(5.0)
    assert prober.asked > 3
    # Who waits for a seat until a body's time is up waits longer.
    assert prober.worst < BODY_TIMEOUT - 0.5
    assert "Traceback" not in small.log


@pytest.mark.reliability("R-036")
def test_a_slow_body_is_told_that_it_is_too_slow(small):
    head = request_head(small, CHAT.path, "Content-Length: 1000")
    with trickling(small, 3, head + b"{") as clients:
        for client in clients:
            received = read_to_end(client)
            assert hostile.statuses(received) == [408]
            assert b"Connection: close" in received


@pytest.mark.reliability("R-036")
def test_a_slow_head_is_cut_within_five_seconds(small):
    began = time.monotonic()
    with trickling(small, 1, b"GET /health HTTP/1.1\r\nHost: local") as (client,):
        assert read_to_end(client) == b""
    # A byte came each second, and a busy machine adds some.
    assert 4.0 < time.monotonic() - began < LIMIT


@pytest.mark.reliability("R-037")
def test_who_sends_too_much_still_reads_why(small):
    raw = b'{"model":"' + b"a" * (48 << 20) + b'"}'
    head = request_head(small, CHAT.path, f"Content-Length: {len(raw)}")
    with connect(small) as client:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            client.sendall(head + raw)
        received = read_to_end(client)
    assert hostile.statuses(received) == [413]


@pytest.mark.reliability("R-035")
@pytest.mark.parametrize(
    ("path", "host", "status"),
    [("/v1/nothing", "127.0.0.1", 404), (CHAT.path, "evil.example", 421)],
)
def test_an_answer_before_the_end_of_the_body_is_the_last(small, path, host, status):
    smuggled = b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {host}\r\n"
        f"Content-Length: {len(smuggled) + 5}\r\n\r\n"
    )
    with connect(small) as client:
        client.sendall(head.encode() + smuggled)
        received = read_to_end(client)
    assert hostile.statuses(received) == [status]
    assert b"Connection: close" in received


# -------------------------------------------------------------------- headers


UPSTREAMS_OWN = {
    "Connection": "keep-alive, X-Inner",
    "X-Inner": "secret-hop",
    "Keep-Alive": "timeout=99",
    "Set-Cookie": "session=upstream",
    "Server": "inner-server",
    "Access-Control-Allow-Origin": "*",
    "Strict-Transport-Security": "max-age=1",
    "Proxy-Authenticate": "Basic",
    "Upgrade": "h2c",
}
CARRIED = ["/v1/chat/completions", "/v1/embeddings", "/v1/files"]


@pytest.mark.reliability("R-040")
@pytest.mark.parametrize(
    "path", ["/v1/chat/completions", "/v1/embeddings", "/v1/files"]
)
def test_no_header_of_the_upstream_reaches_a_client(path):
    config = '[[backends]]\nname = "a"\nkind = "openai"\nurl = "{}"\n'
    config += 'models = ["tiny"]\nendpoints = ["files"]\n'
    with (
        FakeUpstream() as fake,
        running_gateway(config=config.format(fake.url)) as gateway,
    ):
        answer = {"data": [{"index": 0, "embedding": [0.5]}], "choices": []}
        for asked in CARRIED:
            fake.reply(200, answer, path=asked, headers=UPSTREAMS_OWN)
        body = {"model": "tiny", "input": "a", "messages": [{"role": "user"}]}
        reply = post(gateway, path, body)
    told = "\n".join(f"{name}: {value}" for name, value in reply.headers.items())
    assert fake.requests_to(path)
    for name, value in UPSTREAMS_OWN.items():
        assert name == "Connection" or value not in told, told
    assert "X-Inner" not in reply.headers


@pytest.mark.reliability("R-040")
@pytest.mark.parametrize("name", ["a\r\nX-Evil: 1", "a\nX-Evil: 1", "a\r\n\r\n{}"])
def test_nothing_reflected_breaks_a_header(gateway, upstream, name):
    reply = CHAT.post(gateway, model=name)
    assert "X-Evil" not in reply.headers


# ------------------------------------------------------------------ behind a proxy


def logged_client(gateway, said):
    """Ask as a proxy would; give the address in the log."""
    before = len(gateway.log)
    post(gateway, CHAT.path, CHAT.body(), {"X-Forwarded-For": said})
    assert reached(lambda: " client=" in gateway.log[before:])
    return gateway.log[before:].partition(" client=")[2].split()[0]


@pytest.mark.reliability("R-039")
def test_nobody_is_believed_about_where_a_request_came_from(gateway, upstream):
    assert logged_client(gateway, "192.0.2.7") == "127.0.0.1"


@pytest.mark.reliability("R-039")
def test_a_trusted_proxy_is(tmp_path):
    trusted = {"PROXYAPP_SERVER__TRUSTED_PROXIES": "127.0.0.0/8"}
    with FakeUpstream() as fake, running_gateway(fake.url, **trusted) as one:
        assert logged_client(one, "203.0.113.5, 192.0.2.7") == "192.0.2.7"


@pytest.mark.reliability("R-039")
def test_no_header_changes_the_scheme(gateway, upstream):
    headers = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "evil.example"}
    reply = requests.get(gateway.url + "/health", headers=headers, timeout=LIMIT)
    assert reply.status_code == 200
    assert "evil" not in str(reply.headers)


# ------------------------------------------------------------------------ pages


@pytest.mark.reliability("R-032")
@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "application/json"]
)
@pytest.mark.parametrize(
    "page",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"},
    ],
    ids=["origin", "null", "fetch"],
)
def test_no_page_from_elsewhere_reaches_the_upstream(gateway, upstream, kind, page):
    raw = json.dumps(CHAT.body()).encode()
    reply = post(gateway, CHAT.path, raw, {"Content-Type": kind, **page})
    assert reply.status_code == 403
    assert "Access-Control-Allow-Origin" not in reply.headers
    assert upstream.requests == []


@pytest.fixture
def many_files():
    """Let this process open as many files as the system allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 4096:
        pytest.skip("this system allows too few open files")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 4096), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.reliability("R-038")
def test_a_thousand_who_wait_and_two_hundred_who_listen(many_files):
    go = threading.Event()
    with contextlib.ExitStack() as stack:
        fake = stack.enter_context(FakeUpstream())
        gateway = stack.enter_context(running_gateway(fake.url))
        CHAT.post(gateway)
        fake.reset()
        fake.script(Text("Hel"), Wait(go), Text("lo"), Finish(), Usage(1, 2))
        asked = stream_request(gateway)
        listening = [stack.enter_context(connect(gateway)) for _ in range(200)]
        for client in listening:
            client.sendall(asked)
        assert reached(lambda: len(fake.generations) == 200)
        waiting = [stack.enter_context(connect(gateway)) for _ in range(1000)]
        with connect(gateway) as client:
            client.sendall(HEALTH)
            assert hostile.statuses(read_to_end(client)) == [200]
        (worker,) = gateway.worker_pids
        memory = memory_of(worker)
        go.set()
        for client in listening:
            received = b""
            while b"[DONE]" not in received:
                data = client.recv(65536)
                assert data
                received += data
            assert b"error" not in received
        assert len(waiting) == 1000
        assert memory < 300
