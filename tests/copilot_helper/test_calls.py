"""Calls that are cancelled, time out or are not read."""

import json
import socket
import time

import pytest

from tests.copilot_helper.process import asked
from tests.copilot_helper.process import Helper
from tests.copilot_helper.process import LIMIT
from tests.copilot_helper.process import RpcError
from tests.copilot_helper.process import Wire
from tests.copilot_helper.test_replies import each_model
from tests.fakes.copilot.steps import Hang
from tests.fakes.copilot.steps import Head
from tests.fakes.copilot.steps import Pause
from tests.fakes.copilot.steps import Text
from tests.measures import least

STALL = 500
"""Milliseconds."""


def until(condition):
    """Wait for something that happens elsewhere."""
    deadline = time.monotonic() + LIMIT
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


@pytest.fixture
def hanging(github):
    github.script(Text("Hel"), Hang(30))
    return github


@pytest.fixture
def wire(helper):
    with Wire(helper.socket) as wire:
        yield wire


def left(github):
    """Tell whether the last call was left before its end."""
    return github.generations[-1].closed_at is not None


@each_model
def test_closing_the_connection_closes_the_one_to_copilot(either, hanging, auth, model):
    with Wire(either.socket) as wire:
        wire.send("chat.stream", **asked(model=model, auth=auth))
        wire.event("text")
    until(lambda: left(hanging))
    until(lambda: either.call("stats")["calls"] == 0)


def test_closing_one_half_of_the_connection_is_enough(helper, wire, hanging, auth):
    wire.send("chat.stream", **asked(auth=auth))
    wire.event("text")
    wire.socket.shutdown(socket.SHUT_WR)
    until(lambda: left(hanging))
    while wire.line():
        pass


def test_a_call_is_cancelled_by_its_id(helper, wire, hanging, auth):
    number = wire.send("chat.stream", **asked(auth=auth))
    wire.event("text")
    cancel = {"jsonrpc": "2.0", "method": "chat.cancel", "params": {"id": number}}
    wire.raw(json.dumps(cancel).encode() + b"\n")
    with pytest.raises(RpcError) as caught:
        wire.result(number)
    error = caught.value
    assert (error.code, error.kind, error.data["partial"]) == (-32003, "aborted", True)
    until(lambda: left(hanging))


def test_a_call_is_cancelled_before_copilot_answers(helper, wire, github, auth):
    github.script(Pause(30), Text("late"))
    wire.send("chat.stream", **asked(auth=auth))
    until(lambda: github.generations)
    wire.close()
    until(lambda: left(github))


def test_a_call_that_is_over_cannot_be_cancelled_and_that_is_no_error(
    helper, wire, auth
):
    number = wire.send("chat.stream", **asked(auth=auth))
    wire.result(number)
    assert wire.call("chat.cancel", id=number) == {}
    assert wire.call("ping") == {}


@each_model
def test_silence_before_the_head_ends_a_call(either, github, auth, model):
    github.script(Pause(30), Text("late"))
    error = either.failure(model=model, auth=auth, timeouts={"connectMs": 1500})
    assert (error.kind, error.data["partial"]) == ("connect_timeout", False)
    until(lambda: left(github))


@each_model
def test_silence_after_the_head_ends_a_call(either, github, auth, model):
    github.script(Head(), Hang(30))
    error = either.failure(model=model, auth=auth, timeouts={"idleMs": 100})
    assert (error.kind, error.data["partial"]) == ("idle_timeout", False)
    assert [event["t"] for event in error.events] == ["start"]


@each_model
def test_silence_within_a_reply_ends_a_call(either, hanging, auth, model):
    error = either.failure(model=model, auth=auth, timeouts={"idleMs": 700})
    assert (error.kind, error.data["partial"]) == ("idle_timeout", True)


def test_bytes_that_say_nothing_are_no_silence(helper, github, auth):
    github.script(Text("a"), *[Pause(0.3), Text("b")] * 6)
    result, _ = helper.chat(auth=auth, timeouts={"idleMs": 1500})
    assert result["stopReason"] == "stop"


def test_a_call_has_a_limit_altogether(helper, github, auth):
    github.script(*[Text("a")] * 400, every=0.05)
    error = helper.failure(auth=auth, timeouts={"totalMs": 1500})
    assert (error.kind, error.data["partial"]) == ("total_timeout", True)


@pytest.mark.parametrize("limit", [0, -1, "soon", None, 1e15, {}])
def test_a_limit_that_means_nothing_ends_no_call(helper, github, auth, limit):
    names = ("connectMs", "idleMs", "totalMs")
    github.script(Text("a"), Pause(0.1), Text("b"))
    result, _ = helper.chat(auth=auth, timeouts=dict.fromkeys(names, limit))
    assert result["stopReason"] == "stop"


def test_silence_becomes_heartbeats(github, auth):
    github.script(Head(), Pause(0.6), Text("late"))
    with Helper(github.url, limits={"heartbeatMs": 100}) as helper:
        _, events = helper.chat(auth=auth)
    kinds = [event["t"] for event in events]
    assert kinds[-1] == "text"
    assert kinds.count("heartbeat") >= 2
    # A busy machine may be silent before the start as well.
    assert [kind for kind in kinds if kind != "heartbeat"] == ["start", "text"]


def test_there_is_room_for_so_many_calls(github, auth):
    github.script(Text("Hel"), Hang(30))
    with (
        Helper(github.url, limits={"streams": 1}) as helper,
        Wire(helper.socket) as one,
    ):
        one.send("chat.stream", **asked(auth=auth))
        one.event("text")
        error = helper.failure(auth=auth)
        assert (error.code, error.kind) == (-32002, "busy")
        one.close()
        until(lambda: helper.call("stats")["calls"] == 0)
        github.script(Text("There."), said="again")
        assert helper.chat(said="again", auth=auth)


def test_a_connection_carries_one_call_at_a_time(helper, wire, hanging, auth):
    wire.send("chat.stream", **asked(auth=auth))
    wire.event("text")
    with pytest.raises(RpcError) as caught:
        wire.call("chat.stream", **asked(auth=auth))
    assert caught.value.code == -32600


# ------------------------------------------------------------------ slow readers

FLOOD = ["x" * 1000] * 20_000


def test_a_reader_that_pauses_slows_copilot_and_loses_nothing(github, auth):
    github.script(*map(Text, FLOOD))
    with Helper(github.url) as helper, Wire(helper.socket) as wire:
        number = wire.send("chat.stream", **asked(auth=auth))
        wire.event("text")
        time.sleep(0.5)
        assert helper.call("stats")["rss"] < 200e6
        assert not github.generations[-1].completed.is_set()
        result, events = wire.result(number)
    assert result["stopReason"] == "stop"
    assert len(events) == len(FLOOD) - 1


def test_a_reader_that_stopped_is_left(github, auth):
    github.script(*map(Text, FLOOD))
    with Helper(github.url, limits={"stallMs": 200}) as helper:
        with Wire(helper.socket) as wire:
            wire.send("chat.stream", **asked(auth=auth))
            wire.event("text")
            until(lambda: left(github))
            until(lambda: helper.call("stats")["calls"] == 0)
        assert "does not read" in helper.logged()


def test_a_slow_reader_holds_up_nobody_else(github, auth):
    github.script(*map(Text, FLOOD), said="flood")
    with Helper(github.url) as helper, Wire(helper.socket) as wire:
        wire.send("chat.stream", **asked(said="flood", auth=auth))
        wire.event("text")
        result, _ = helper.chat(said="play text", auth=auth)
        assert result["stopReason"] == "stop"


def test_a_big_call_does_not_hold_up_the_others(either, auth):
    either.chat(said="play text", auth=auth)

    def delay():
        either.call("stats")
        _, events = either.chat(said="play big_tool 43", auth=auth)
        assert len(events) > 400
        return either.call("stats")["loopDelayMs"]["max"]

    assert least(delay, STALL) <= STALL
