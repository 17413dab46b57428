import flask
import pytest

from proxyapp.backends.base import Forwarded
from proxyapp.backends.base import ModelInfo
from proxyapp.backends.echo import EchoBackend
from proxyapp.errors import BadRequest
from proxyapp.errors import UpstreamBusy
from proxyapp.routing.registry import Target
from proxyapp.tools.record import Repair
from proxyapp.tools.repair import RepairedTools
from proxyapp.web.call import error_reply
from proxyapp.web.call import forwarded_reply
from proxyapp.web.call import json_reply
from proxyapp.web.call import request_id
from proxyapp.web.call import stream_reply
from proxyapp.web.call import told_by


def test_a_document_is_compact_json():
    reply = json_reply({"a": [1]}, 201)
    assert (reply.status_code, reply.get_data()) == (201, b'{"a":[1]}')


def test_a_stream_is_not_buffered_on_its_way():
    headers = stream_reply(iter([b"x"])).headers
    assert headers["X-Accel-Buffering"] == "no"
    assert headers["Cache-Control"] == "no-cache"
    assert headers["Content-Type"] == "text/event-stream; charset=utf-8"


def test_an_error_says_when_to_come_back():
    reply = error_reply({}, UpstreamBusy("later", retry_after="7"))
    assert (reply.status_code, reply.headers["Retry-After"]) == (503, "7")
    assert "x-should-retry" not in reply.headers


def test_a_lasting_error_is_not_retried():
    assert error_reply({}, BadRequest("no")).headers["x-should-retry"] == "false"


def test_a_status_may_differ_for_a_client_that_hides_it():
    assert error_reply({}, UpstreamBusy("later"), 424).status_code == 424


def test_a_forwarded_reply_keeps_status_type_and_body():
    reply = forwarded_reply(Forwarded(202, "audio/wav", b"RIFF"))
    assert (reply.status_code, reply.content_type, reply.get_data()) == (
        *(202, "audio/wav", b"RIFF"),
    )


@pytest.mark.parametrize(
    ("name", "told"), [("m", "m"), ("m\r\nX: y", "m??X: y"), ("h\u00e9", "h?")]
)
def test_headers_tell_who_served(name, told):
    target = Target(EchoBackend(), ModelInfo(name, "echo", name))
    assert told_by(json_reply({}), target).headers["x-proxyapp-model"] == told


def test_headers_tell_each_repair_once():
    repairs = (
        Repair("a", "one", "#"),
        Repair("b", "one", "#"),
        Repair("b", "two", "#"),
    )
    target = Target(EchoBackend(), ModelInfo("m", "echo", "m"))
    reply = told_by(json_reply({}), target, RepairedTools((), repairs, {}))
    assert reply.headers["x-proxyapp-repairs"] == "one, two"


def test_a_request_has_one_id():
    with flask.Flask("x").test_request_context():
        assert request_id() == request_id()
