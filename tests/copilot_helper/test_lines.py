"""What comes in on the socket, whatever it is."""

import json

import pytest

from tests.copilot_helper.process import asked
from tests.copilot_helper.process import GONE
from tests.copilot_helper.process import Helper
from tests.copilot_helper.process import RpcError
from tests.copilot_helper.process import text_of
from tests.copilot_helper.process import Wire
from tests.fakes.copilot.steps import Text


@pytest.fixture
def wire(helper):
    with Wire(helper.socket) as wire:
        yield wire


GARBAGE = [
    (b"not json\n", -32700),
    (b"\xff\xfe\x00{\n", -32700),
    (b'{"jsonrpc":"2.0","id":1\n', -32700),
    (b"[]\n", -32600),
    (b'[{"jsonrpc":"2.0","id":1,"method":"ping"}]\n', -32600),
    (b"null\n", -32600),
    (b"7\n", -32600),
    (b'{"id":1,"method":"ping"}\n', -32600),
    (b'{"jsonrpc":"2.0","id":1,"method":7}\n', -32600),
    (b'{"jsonrpc":"2.0","id":1,"method":"no.such"}\n', -32601),
    (b'{"jsonrpc":"2.0","id":1,"method":"constructor"}\n', -32601),
    (b'{"jsonrpc":"2.0","id":1,"method":"__proto__"}\n', -32601),
    (b'{"jsonrpc":"2.0","id":1,"method":"ping","params":[1]}\n', -32602),
    (b'{"jsonrpc":"2.0","id":1,"method":"chat.stream","params":{}}\n', -32602),
]


@pytest.mark.parametrize(("line", "code"), GARBAGE)
def test_garbage_is_answered_and_the_connection_lives(wire, line, code):
    wire.raw(line)
    assert wire.message()["error"]["code"] == code
    assert wire.call("ping") == {}


def test_empty_lines_and_ends_of_windows_are_passed_over(wire):
    wire.raw(b'\n\r\n{"jsonrpc":"2.0","id":9,"method":"ping"}\r\n')
    assert wire.message() == {"jsonrpc": "2.0", "id": 9, "result": {}}


def test_a_notification_has_no_answer(wire):
    wire.raw(b'{"jsonrpc":"2.0","method":"no.such"}\n')
    assert wire.call("ping") == {}


def test_requests_may_come_one_after_the_other(wire):
    numbers = [wire.send("ping") for _ in range(500)]
    assert [wire.message()["id"] for _ in numbers] == numbers


def test_a_request_may_come_in_pieces(wire):
    for byte in b'{"jsonrpc":"2.0","id":"x","method":"ping"}\n':
        wire.raw(bytes([byte]))
    assert wire.message()["id"] == "x"


def send_without_end(wire):
    for _ in range(100):
        wire.raw(b"x" * (1 << 20))


def test_a_line_that_never_ends_is_refused(helper, wire):
    with pytest.raises((BrokenPipeError, ConnectionResetError)):
        send_without_end(wire)
    assert helper.call("stats")["rss"] < 300e6


def test_the_refusal_of_a_long_line_is_told(github):
    with Helper(github.url, limits={"line": 1000}) as helper:
        with Wire(helper.socket) as wire:
            wire.raw(b"x" * 1001)
            assert wire.message()["error"]["code"] == -32600
            assert wire.line() == GONE
        assert helper.call("ping") == {}


def test_a_long_line_is_read(helper, github, auth):
    said = "long " * 2_000_000
    helper.chat(said=said, auth=auth)
    assert github.generations[-1].said == said


def test_lines_end_with_a_line_feed_alone(helper, github, auth):
    odd = "a\u2028b\u2029c\x85d\x0be\rf"
    github.script(Text(odd))
    _, events = helper.chat(said=odd, auth=auth)
    assert text_of(events) == odd
    assert github.generations[-1].said == odd


def test_names_of_the_language_pollute_nothing(helper, github, auth):
    evil = {"__proto__": {"polluted": "yes"}, "constructor": {"prototype": {"p": 1}}}
    call = {"type": "toolCall", "id": "c", "name": "look", "arguments": evil}
    back = {"role": "toolResult", "toolCallId": "c", "toolName": "look"}
    tool = {"name": "look", "description": "", "parameters": {"properties": evil}}
    messages = [
        {"role": "user", "content": "Look."},
        {"role": "assistant", "content": [call]},
        {**back, "content": [{"type": "text", "text": "A wall."}]},
    ]
    ask = asked(messages=messages, context={"tools": [tool]}, auth=auth)
    with Wire(helper.socket) as wire:
        request = {"jsonrpc": "2.0", "id": 1, "method": "chat.stream", "params": ask}
        request["__proto__"] = {"polluted": "yes"}
        wire.raw(json.dumps(request).encode() + b"\n")
        result, _ = wire.result(1)
    assert result["stopReason"] == "stop"
    assert "polluted" not in result
    (sent,) = github.generations[-1].fields["messages"][1]["tool_calls"]
    assert json.loads(sent["function"]["arguments"]) == evil
    _, events = helper.chat(auth=auth)
    assert all("polluted" not in event for event in events)


@pytest.mark.parametrize("other", [0, 2, "1", None])
def test_another_protocol_is_refused(wire, other):
    with pytest.raises(RpcError) as caught:
        wire.call("initialize", protocol=other, client="proxyapp 0")
    assert caught.value.code == -32010


def test_the_process_says_what_it_is(either):
    told = either.call("initialize", protocol=1, client="proxyapp 0")
    packages = {
        "earendil": ("@earendil-works/pi-ai", "0.87.1"),
        "mariozechner": ("@mariozechner/pi-ai", "0.73.1"),
    }
    name = told["implementation"]
    assert name == either.implementation
    assert (told["package"], told["packageVersion"]) == packages[name]
    assert (told["protocol"], told["pid"]) == (1, either.process.pid)
