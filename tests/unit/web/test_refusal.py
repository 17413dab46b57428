import json
import socket

import pytest

from proxyapp.dialects.openai.errors import error_body
from proxyapp.web.refusal import refusal_writer


def refused(status, reason, message):
    ours, theirs = socket.socketpair()
    with ours, theirs:
        refusal_writer(error_body)(ours, status, reason, message)
        head, _, body = theirs.recv(65536).partition(b"\r\n\r\n")
    return head.decode("latin-1"), body


def test_a_refusal_is_json_and_ends_the_connection():
    head, body = refused(400, "Bad Request", "Invalid Header 'x'")
    assert head.startswith("HTTP/1.1 400 Bad Request\r\n")
    assert "Connection: close" in head
    assert "Content-Type: application/json" in head
    assert f"Content-Length: {len(body)}" in head
    assert json.loads(body)["error"]["message"] == "Invalid Header 'x'"


def test_a_refusal_without_words_gives_its_reason():
    _, body = refused(500, "Internal Server Error", "")
    assert json.loads(body)["error"]["message"] == "Internal Server Error."


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, "invalid_request_error"),
        (431, "invalid_request_error"),
        (501, "invalid_request_error"),
        (500, "server_error"),
    ],
)
def test_the_kind_of_error_follows_the_status(status, kind):
    _, body = refused(status, "Reason", "words")
    assert json.loads(body)["error"]["type"] == kind


def test_odd_bytes_of_the_client_are_quoted_safely():
    _, body = refused(400, "Bad Request", 'a"\x00\u00ff\r\nX: 1')
    assert json.loads(body)["error"]["message"] == 'a"\x00\u00ff\r\nX: 1'
