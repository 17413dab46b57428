"""The sample site for nginx, before a real gateway."""

import contextlib
import http.client
import json
import os
import shutil
import socket
import subprocess
import threading
import time
from dataclasses import dataclass

import pytest

from tests.fakes.upstream import FakeUpstream
from tests.fakes.upstream import Finish
from tests.fakes.upstream import Text
from tests.fakes.upstream import Usage
from tests.fakes.upstream import Wait
from tests.live import hostile
from tests.live.clients import reached
from tests.servers import ROOT
from tests.servers import running_gateway

LIMIT = 20.0
HTTP = hostile.corpus("http")
# What never ends would be waited for too long here; sites wait a minute.
IMPATIENT = "client_header_timeout 1s; client_body_timeout 1s; keepalive_timeout 1s;"
# nginx reads these its own way and passes on a request that is in order.
PUT_RIGHT = {"te-lf", "rl-two-sp", "hd-no-colon", "hd-lf-inject", "hd-expect"}
SITE_NAME = "gateway.example.org"

NGINX = shutil.which("nginx", path=f"{os.environ.get('PATH')}:/usr/sbin")

pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(NGINX is None, reason="nginx is not installed"),
]


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def replaced(text, old, new):
    assert old in text
    return text.replace(old, new)


def lay_out(place, port, gateway_port):
    """Write a whole nginx configuration around the site, on free ports."""
    site = replaced(
        (ROOT / "config" / "nginx.conf").read_text("utf-8"),
        "listen 80",
        f"listen 127.0.0.1:{port}",
    )
    site = replaced(
        site, "server 127.0.0.1:11434;", f"server 127.0.0.1:{gateway_port};"
    )
    (place / "site.conf").write_text(site, "utf-8")
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    paths = "".join(f"{kind}_temp_path {place}/{kind};\n" for kind in kinds)
    (place / "nginx.conf").write_text(
        f"daemon off; master_process off; pid {place}/pid; error_log stderr;\n"
        "events {}\n"
        f"http {{ access_log off; {IMPATIENT} {paths} include {place}/site.conf; }}\n",
        "utf-8",
    )
    return [NGINX, "-p", str(place), "-c", str(place / "nginx.conf"), "-e", "stderr"]


@contextlib.contextmanager
def running_nginx(place, gateway_port):
    port = free_port()
    process = subprocess.Popen(
        lay_out(place, port, gateway_port), stderr=subprocess.PIPE
    )
    try:
        deadline = time.monotonic() + LIMIT
        while time.monotonic() < deadline and process.poll() is None:
            with (
                contextlib.suppress(OSError),
                socket.create_connection(("127.0.0.1", port), 1),
            ):
                break
            time.sleep(0.02)
        yield port
    finally:
        process.terminate()
        process.communicate(timeout=LIMIT)


def ask(port, host=SITE_NAME):
    body = {
        "model": "tiny",
        "messages": [{"role": "user", "content": "hi"}],
        "stream": True,
    }
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=LIMIT)
    headers = {"Host": host, "Content-Type": "application/json"}
    connection.request("POST", "/v1/chat/completions", json.dumps(body), headers)
    return connection


def test_nginx_accepts_the_site(tmp_path):
    command = [*lay_out(tmp_path, free_port(), free_port()), "-t"]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=LIMIT, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "warn" not in done.stderr


@pytest.fixture(scope="module")
def behind_nginx(tmp_path_factory):
    with (
        FakeUpstream() as fake,
        running_gateway(fake.url) as gateway,
        running_nginx(tmp_path_factory.mktemp("nginx"), gateway.port) as port,
    ):
        yield fake, port


def through_nginx(port, raw):
    """Send bytes on a connection of their own; give what comes back within a while."""
    received = b""
    with (
        contextlib.suppress(OSError),
        socket.create_connection(("127.0.0.1", port), LIMIT) as client,
    ):
        client.settimeout(0.5)
        client.sendall(raw)
        while data := client.recv(65536):
            received += data
    return received


@pytest.mark.reliability("R-035")
@pytest.mark.parametrize(
    "case", hostile.corpus("http"), ids=[c["name"] for c in hostile.corpus("http")]
)
def test_a_request_that_parsers_disagree_on_is_harmless_behind_nginx(
    behind_nginx, case
):
    fake, port = behind_nginx
    fake.reset()
    raw = hostile.joined(case["send"]).encode("latin-1")
    received = through_nginx(port, raw.replace(b"127.0.0.1", SITE_NAME.encode()))
    found = hostile.statuses(received)
    assert b"smuggled" not in received
    # nginx may mend what the gateway would refuse, but adds no request of its own.
    assert len(found) <= max(1, raw.count(b" HTTP/1."))
    assert fake.generations == []
    # Whoever comes next on nginx's connections to the gateway gets an own answer.
    clean = f"GET /health HTTP/1.0\r\nHost: {SITE_NAME}\r\n\r\n".encode()
    for _ in range(3):
        answer = through_nginx(port, clean)
        assert hostile.statuses(answer) == [200]
        assert answer.count(b"proxyapp") == 1


@pytest.mark.reliability("R-039")
def test_the_log_knows_the_client_behind_a_trusted_nginx(tmp_path):
    trusted = {"PROXYAPP_SERVER__TRUSTED_PROXIES": "127.0.0.1"}
    with (
        FakeUpstream() as fake,
        running_gateway(fake.url, **trusted) as gateway,
        running_nginx(tmp_path, gateway.port) as port,
    ):
        with contextlib.closing(ask(port)) as connection:
            connection.getresponse().read()
        assert reached(lambda: " client=127.0.0.1" in gateway.log)


@pytest.mark.reliability("R-011")
def test_the_first_token_passes_nginx_before_the_second_is_made(behind_nginx):
    fake, port = behind_nginx
    more = threading.Event()
    usage = Usage(1, 2)
    fake.script(Text("first"), Wait(more, LIMIT), Text("second"), Finish("stop"), usage)
    with contextlib.closing(ask(port)) as connection:
        response = connection.getresponse()
        seen = b""
        while b"first" not in seen:
            seen += response.read1()
        more.set()
        rest = response.read()
    assert b"second" not in seen
    assert b"second" in rest
    assert rest.endswith(b"data: [DONE]\n\n")


@pytest.mark.reliability("R-001")
def test_a_client_that_leaves_nginx_ends_the_work_upstream(behind_nginx):
    fake, port = behind_nginx
    fake.reset()
    never = threading.Event()
    fake.script(Text("first"), Wait(never, LIMIT))
    with contextlib.closing(ask(port)) as connection:
        response = connection.getresponse()
        response.read1()
        response.close()
    assert fake.generations[0].wait_closed(20) is not None


@pytest.mark.reliability("R-031")
def test_nginx_answers_to_no_other_name(behind_nginx):
    _, port = behind_nginx
    connection = ask(port, host="evil.example.net")
    with (
        contextlib.closing(connection),
        pytest.raises(ConnectionResetError),
    ):
        connection.getresponse()


@pytest.mark.reliability("R-035")
@pytest.mark.parametrize("case", HTTP, ids=[case["name"] for case in HTTP])
def test_what_parsers_disagree_on_is_harmless_behind_nginx(behind_nginx, case):
    fake, port = behind_nginx
    fake.reset()
    raw = hostile.joined(case["send"]).encode("latin-1")
    raw = raw.replace(b"Host: 127.0.0.1", f"Host: {SITE_NAME}".encode())
    received = hostile.exchange(Port(port), raw)
    found = hostile.statuses(received)
    assert all(status < 500 or status == 501 for status in found)
    if case["expect"] == "reject" and case["name"] not in PUT_RIGHT:
        assert not any(status < 300 for status in found)
    if case["expect"] == "one":
        assert len(found) <= 1
    assert fake.generations == []


@dataclass(frozen=True)
class Port:
    """Something to connect to."""

    port: int
