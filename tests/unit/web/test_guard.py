import socket

import pytest

from proxyapp.errors import Forbidden
from proxyapp.errors import MisdirectedHost
from proxyapp.settings.schema import ServerSettings
from proxyapp.web.guard import CORS_HEADERS
from proxyapp.web.guard import Guard


@pytest.fixture
def guard():
    return Guard(
        ServerSettings(
            allowed_hosts=("Gateway.Example",),
            allowed_origins=("https://Chat.Example",),
        )
    )


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "LOCALHOST:11434",
        "127.0.0.1:11434",
        "127.1.2.3",
        "192.168.1.7:80",
        "[::1]:11434",
        "[fe80::1]",
        "host.docker.internal:11434",
        "any.localhost",
        "gateway.example",
        "GATEWAY.example:443",
        socket.gethostname(),
        "localhost:65535",
        "localhost:0",
    ],
)
def test_a_host_that_is_this_machine_may_be_asked(guard, host):
    guard.check({"Host": host})


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "evil-localhost",
        "evil.gateway.example",
        "2130706433",
        "0x7f.1",
        "127.0.0.1.",
        "[::1::1]",
    ],
)
def test_a_name_that_resolves_here_may_not(guard, host):
    with pytest.raises(MisdirectedHost, match="This gateway is not"):
        guard.check({"Host": host})


@pytest.mark.parametrize(
    "host",
    [
        "",
        " ",
        "localhost:",
        "localhost:port",
        "localhost:99999",
        "localhost:123456",
        "localhost/",
        "localhost@evil",
        "user@localhost",
        "::1",
        "[::1",
        "[::1%eth0]",
        "local host",
        "localhost\n",
        "localhost,evil",
        "l\u00f6calhost",
    ],
)
def test_a_malformed_host_is_refused(guard, host):
    with pytest.raises(MisdirectedHost, match="missing or malformed"):
        guard.check({"Host": host})


def test_a_missing_host_is_refused(guard):
    with pytest.raises(MisdirectedHost):
        guard.check({})


ALLOWED = [
    "http://localhost",
    "https://LOCALHOST:3000",
    "http://127.0.0.1:8080",
    "http://127.9.9.9",
    "http://[::1]:5173",
    "http://app.localhost:3000",
    "vscode-webview://0abc-def",
    "vscode-file://vscode-app",
    "app://obsidian.md",
    "tauri://localhost",
    "file://",
    "https://chat.example",
    "HTTPS://CHAT.EXAMPLE",
]
REFUSED = [
    "",
    "null",
    "http://evil.example",
    "http://localhost.evil.example",
    "http://127.0.0.1.evil.example",
    "http://localhost:3000@evil.example",
    "http://localhost:3000/path",
    "http://evil.example?http://localhost",
    "http://192.168.1.7",
    "http://chat.example",
    "https://chat.example:444",
    "https://x.chat.example",
    "ftp://localhost",
    "chrome-extension://abc",
    "app://a, http://evil.example",
    "http://localhost\nhttp://evil.example",
]


@pytest.mark.parametrize("origin", ALLOWED)
def test_pages_of_this_machine_and_of_the_owner_may_call(guard, origin):
    assert guard.allows(origin)
    guard.check({"Host": "localhost", "Origin": origin})


@pytest.mark.parametrize("origin", REFUSED)
def test_pages_from_elsewhere_may_not(guard, origin):
    assert not guard.allows(origin)
    with pytest.raises(Forbidden):
        guard.check({"Host": "localhost", "Origin": origin})


def test_without_an_origin_there_is_no_page(guard):
    guard.check({"Host": "localhost"})


def test_a_refusal_quotes_no_more_than_a_little(guard):
    with pytest.raises(Forbidden) as caught:
        guard.check({"Host": "localhost", "Origin": "x" * 5000})
    assert len(caught.value.message) < 300


@pytest.mark.parametrize("name", ["Authorization", "x-api-key", "anthropic-version"])
def test_the_headers_that_clients_send_are_allowed(name):
    assert name in CORS_HEADERS.split(", ")


CROSS = {"Host": "localhost", "Sec-Fetch-Site": "cross-site"}


@pytest.mark.reliability("R-032")
@pytest.mark.parametrize(
    "fetch",
    [
        {},
        {"Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"},
        {"Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "script"},
        {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"},
    ],
)
def test_what_a_page_from_elsewhere_embeds_is_refused(guard, fetch):
    with pytest.raises(Forbidden):
        guard.check(CROSS | fetch)


def test_a_link_from_elsewhere_may_be_followed(guard):
    guard.check(CROSS | {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"})


@pytest.mark.reliability("R-032")
@pytest.mark.parametrize(
    "origin", ["vscode-webview://0abc-def", "https://chat.example"]
)
def test_an_allowed_origin_is_cross_site_and_may_call(guard, origin):
    guard.check(CROSS | {"Origin": origin})


@pytest.mark.parametrize("site", ["same-origin", "same-site", "none"])
def test_what_is_not_cross_site_may_pass(guard, site):
    guard.check({"Host": "localhost", "Sec-Fetch-Site": site})
