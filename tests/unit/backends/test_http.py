import contextlib
import os
import socket

import pytest
import responses

from proxyapp.backends.http import HttpClient
from proxyapp.backends.http import MAX_DOCUMENT
from proxyapp.backends.http import read_all
from proxyapp.errors import UpstreamInvalid
from proxyapp.errors import UpstreamUnavailable
from proxyapp.errors import UpstreamUnreachable
from tests.fakes.faults import FAULTS

URL = "http://127.0.0.1:9"


@responses.activate
def test_a_document_is_status_and_body():
    responses.post(f"{URL}/x", body=b"made", status=201, headers={"A": "b"})
    reply, body = HttpClient(URL).document("POST", "/x", b"{}")
    assert (reply.status_code, body, reply.headers["a"]) == (201, b"made", "b")


@responses.activate
def test_a_request_says_what_it_carries():
    responses.post(f"{URL}/x")
    HttpClient(URL, headers={"Authorization": "Bearer k"}).document("POST", "/x", b"{}")
    sent = responses.calls[0].request
    assert sent.body == b"{}"
    assert sent.headers["Content-Length"] == "2"
    assert sent.headers["Authorization"] == "Bearer k"
    assert sent.headers["Accept-Encoding"] == "identity"


@responses.activate
def test_json_is_read():
    responses.get(f"{URL}/x", json={"a": 1})
    assert HttpClient(URL).json("/x", 1.0) == {"a": 1}


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [(500, b"{}", "status_500"), (200, b"<html>", "upstream_invalid")],
)
@responses.activate
def test_what_is_no_json_is_an_error(status, body, code):
    responses.get(f"{URL}/x", body=body, status=status)
    with pytest.raises(UpstreamInvalid) as error:
        HttpClient(URL).json("/x", 1.0)
    assert error.value.code == code


@responses.activate
def test_a_document_has_a_largest_size():
    responses.get(f"{URL}/x", body=b"x" * (MAX_DOCUMENT + 1))
    with pytest.raises(UpstreamInvalid, match="too large"):
        HttpClient(URL).document("GET", "/x")


def test_a_server_that_is_not_there_is_told_in_words(upstream):
    upstream.refuse()
    with pytest.raises(UpstreamUnreachable, match=r"refused the connection.*doctor"):
        HttpClient(upstream.url).json("/v1/models", 2.0)


def test_a_host_nobody_knows_is_told_in_words():
    with pytest.raises(UpstreamUnreachable, match="host name is unknown"):
        HttpClient("http://no-such-host.invalid").json("/", 2.0)


def test_a_path_stands_behind_the_base_path(upstream):
    HttpClient(f"{upstream.url}/base/").document("GET", "/v1/models")
    assert upstream.requests[0].path == "/base/v1/models"


def test_connections_are_used_again(upstream):
    client = HttpClient(upstream.url)
    client.json("/v1/models", 2.0)
    client.json("/v1/models", 2.0)
    assert upstream.connections == 1


@pytest.mark.parametrize("fault", ["stale_race", "stale_rst"])
def test_a_connection_that_died_unused_is_replaced_once(upstream, fault):
    upstream.answer(FAULTS[fault].make())
    client = HttpClient(upstream.url)
    path = "/v1/chat/completions"
    statuses = [client.document("POST", path, b"{}")[0].status_code for _ in "123"]
    assert statuses == [200, 200, 200]


@pytest.mark.parametrize("fault", ["close_before_headers", "rst_before_headers"])
def test_a_failure_on_a_fresh_connection_is_not_repeated(upstream, fault):
    upstream.answer(FAULTS[fault].make())
    with pytest.raises(UpstreamUnreachable):
        HttpClient(upstream.url).document("POST", "/v1/chat/completions", b"{}")
    assert len(upstream.generations) == 1


@pytest.mark.reliability("R-010")
def test_the_second_try_is_made_on_a_new_connection(upstream):
    client, path = HttpClient(upstream.url), "/v1/chat/completions"
    openings = [client.opening("POST", path, b"{}") for _ in "123"]
    responses = [opened(opening) for opening in openings]
    for response in responses:
        assert b"choices" in read_all(response)
    upstream.reset()
    upstream.answer(FAULTS["close_before_headers"].make())
    with pytest.raises(UpstreamUnreachable):
        client.document("POST", path, b"{}")
    first, second = upstream.generations
    assert (first.number, second.number) == (2, 1)


def opened(opening):
    """Wait for the head of a reply."""
    while True:
        try:
            next(opening)
        except StopIteration as end:
            return end.value


def test_a_redirect_is_an_answer(upstream):
    upstream.reply(307, b"", headers={"Location": f"{upstream.url}/elsewhere"})
    reply, _ = HttpClient(upstream.url).document("POST", "/v1/completions", b"{}")
    assert reply.status_code == 307
    assert [request.path for request in upstream.requests] == ["/v1/completions"]


def test_neither_proxies_nor_netrc_have_a_say(upstream, monkeypatch, tmp_path):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("HOME", str(tmp_path))
    netrc = tmp_path / ".netrc"
    netrc.write_text("machine 127.0.0.1 login a password b")
    os.chmod(netrc, 0o600)
    HttpClient(upstream.url).json("/v1/models", 2.0)
    assert "authorization" not in upstream.requests[0].headers


@pytest.fixture
def silent():
    """Give the URL of a listener whose queue is full: nobody gets in."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        address = listener.getsockname()
        for _ in range(3):
            one = stack.enter_context(socket.socket())
            one.setblocking(False)
            one.connect_ex(address)
        yield f"http://127.0.0.1:{address[1]}"


def test_who_cannot_be_connected_to_is_left_alone_for_a_moment(silent):
    client = HttpClient(silent, connect_timeout=0.3)
    for _ in range(5):
        with pytest.raises(UpstreamUnreachable, match="in time") as caught:
            client.document("GET", "/")
        assert caught.value.status == 502
    with pytest.raises(UpstreamUnavailable, match="next try is in 1 s") as caught:
        client.document("GET", "/")
    assert (caught.value.status, caught.value.retry_after) == (503, "1")


def test_a_server_that_refused_serves_as_soon_as_it_is_there(upstream):
    client = HttpClient(upstream.url)
    upstream.refuse()
    for _ in range(20):
        with pytest.raises(UpstreamUnreachable):
            client.document("GET", "/v1/models")
    upstream.accept()
    assert client.document("GET", "/v1/models")[0].status_code == 200


def test_an_error_of_the_server_breaks_no_connection(upstream):
    upstream.reply(500, {}, path="/v1/models")
    client = HttpClient(upstream.url)
    for _ in range(10):
        assert client.document("GET", "/v1/models")[0].status_code == 500
    assert not client.breaker.broken
