import os
import socket

import pytest

from proxyapp.backends.copilot.rpc import ask
from proxyapp.backends.copilot.rpc import Connection
from proxyapp.backends.copilot.rpc import ConnectionLost
from proxyapp.backends.copilot.rpc import result_of
from proxyapp.backends.copilot.rpc import RpcError


@pytest.fixture
def pair():
    ours, theirs = socket.socketpair(socket.AF_UNIX)
    connection = Connection(ours)
    theirs.settimeout(5)
    yield connection, theirs
    connection.close()
    theirs.close()


@pytest.mark.reliability("R-059")
def test_a_call_is_one_line_whatever_it_holds(pair):
    connection, theirs = pair
    connection.send("m", {"text": "a\nb\u2028c\r\u0085", "__proto__": {"x": 1}})
    line = theirs.recv(4096)
    assert line.count(b"\n") == 1
    assert "\u2028c\\r\u0085" in line.decode()


def test_a_result_is_given(pair):
    connection, theirs = pair
    theirs.sendall(
        b'{"method":"note"}\n{"id":2,"result":0}\n{"id":1,"result":{"a":1}}\n'
    )
    assert ask(connection, "m", {}, 5) == {"a": 1}


def test_messages_that_arrive_together_are_given_together(pair):
    connection, theirs = pair
    messages = connection.messages()
    theirs.sendall(b'{"a":1}\n{"b":2}\n{"c"')
    assert next(messages) == [{"a": 1}, {"b": 2}]
    theirs.sendall(b":3}\n")
    assert next(messages) == [{"c": 3}]


def test_silence_ticks(pair):
    connection, _ = pair
    assert next(connection.messages()) == []


def test_an_error_carries_its_code_and_data(pair):
    connection, theirs = pair
    theirs.sendall(
        b'{"id":1,"error":{"code":-32000,"message":"no","data":{"kind":"x"}}}\n'
    )
    with pytest.raises(RpcError, match="no") as failed:
        ask(connection, "m", {}, 5)
    assert (failed.value.code, failed.value.data) == (-32000, {"kind": "x"})


@pytest.mark.parametrize("error", [{}, {"data": 5}, {"message": None, "data": []}])
def test_an_error_without_details_is_one_all_the_same(error):
    with pytest.raises(RpcError) as failed:
        result_of({"id": 1, "error": error})
    assert failed.value.data == {}


@pytest.mark.parametrize("line", [b"{{{\n", b"\xff\n", b"[1]\n", b"5\n", b"\n"])
def test_what_is_no_message_ends_the_connection(pair, line):
    connection, theirs = pair
    theirs.sendall(line)
    with pytest.raises(ConnectionLost):
        list(connection.messages())


def test_the_end_of_a_connection_is_no_end_of_a_reply(pair):
    connection, theirs = pair
    theirs.close()
    with pytest.raises(ConnectionLost):
        ask(connection, "m", {}, 5)


def test_a_question_is_not_waited_for_for_ever(pair):
    connection, _ = pair
    with pytest.raises(TimeoutError, match="m was not answered"):
        ask(connection, "m", {}, 0.1)


def test_the_kernel_says_who_is_at_the_other_end(pair):
    assert pair[0].pid == os.getpid()
