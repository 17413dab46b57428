"""How the process starts and ends."""

import contextlib
import os
import shutil
import signal
import stat
import time

import pytest

from tests.copilot_helper.process import asked
from tests.copilot_helper.process import GONE
from tests.copilot_helper.process import Helper
from tests.copilot_helper.process import RpcError
from tests.copilot_helper.process import Wire
from tests.fakes.copilot.steps import Hang
from tests.fakes.copilot.steps import Pause
from tests.fakes.copilot.steps import Text


@contextlib.contextmanager
def running(helper, auth):
    """Give a connection with a call that is being answered, and its number."""
    with Wire(helper.socket) as wire:
        number = wire.send("chat.stream", **asked(auth=auth))
        wire.event("text")
        yield wire, number


def test_the_socket_is_the_owners_alone(helper):
    mode = os.stat(helper.socket).st_mode
    assert stat.S_ISSOCK(mode)
    assert mode & 0o777 == 0o600


def test_it_ends_when_nobody_is_connected(github):
    with Helper(github.url, linger=0.2) as helper:
        time.sleep(0.5)
        assert helper.call("ping") == {}
        helper.control.close()
        assert helper.exited() == 0
        assert not os.path.exists(helper.socket)


def test_a_new_connection_keeps_it_alive(github):
    with Helper(github.url, linger=0.5) as helper:
        helper.control.close()
        helper.control = helper.connected()
        time.sleep(0.8)
        assert helper.call("ping") == {}


def test_it_ends_when_its_starter_was_killed_before_connecting(github):
    with Helper(github.url, linger=0.2) as helper:
        helper.control.close()
        assert helper.exited() == 0


def test_a_shutdown_lets_calls_end(helper, github, auth):
    github.script(Text("Hel"), Pause(0.3), Text("lo"))
    with running(helper, auth) as (wire, number):
        assert helper.call("shutdown", graceMs=10_000) == {}
        result, _ = wire.result(number)
    assert result["stopReason"] == "stop"
    assert helper.exited() == 0


def test_a_shutdown_cancels_what_takes_longer(helper, github, auth):
    github.script(Text("Hel"), Hang(30))
    with running(helper, auth) as (wire, number):
        helper.call("shutdown", graceMs=50)
        with pytest.raises(RpcError) as caught:
            wire.result(number)
    assert (caught.value.kind, helper.exited()) == ("aborted", 0)


def test_a_signal_ends_it_in_order(helper, github, auth):
    github.script(Text("Hel"), Hang(30))
    with running(helper, auth) as (wire, number):
        helper.process.send_signal(signal.SIGTERM)
        with pytest.raises(RpcError) as caught:
            wire.result(number)
        assert wire.line() == GONE
    assert (caught.value.kind, helper.exited()) == ("aborted", 0)


def test_a_kill_is_seen_at_once(helper, github, auth):
    github.script(Text("Hel"), Hang(30))
    with running(helper, auth) as (wire, _):
        helper.process.kill()
        assert wire.line() == GONE
    assert helper.exited() == -signal.SIGKILL


def test_it_leaves_no_process_behind(helper):
    group = helper.process.pid
    helper.process.kill()
    helper.exited()
    with pytest.raises(ProcessLookupError):
        os.killpg(group, 0)


WRONG = [
    {"COPILOT_HELPER_OPTIONS": ""},
    {"COPILOT_HELPER_OPTIONS": "{"},
    {"COPILOT_HELPER_OPTIONS": "{}"},
    {"COPILOT_HELPER_OPTIONS": '{"socket": "relative", "store": "/x"}'},
    {"PI_AI_IMPL": "constructor"},
]


@pytest.mark.parametrize("environment", WRONG)
def test_wrong_options_are_told_in_one_line(environment):
    helper = Helper(environment=environment)
    with pytest.raises(AssertionError), helper:
        pass
    assert helper.process.wait() == 64
    assert len(helper.logged().splitlines()) == 1
    shutil.rmtree(helper.folder)


def test_it_measures_itself(helper):
    stats = helper.call("stats")
    assert 20e6 < stats["rss"] < 150e6
    assert stats["calls"] == 0
    assert set(stats["loopDelayMs"]) == {"p50", "p99", "max"}
    assert stats["uptime"] > 0


def test_twenty_streams_stay_small(helper, github, auth):
    github.script(*[Text("word ")] * 500)
    wires = [Wire(helper.socket) for _ in range(20)]
    numbers = [wire.send("chat.stream", **asked(auth=auth)) for wire in wires]
    for wire, number in zip(wires, numbers, strict=True):
        result, events = wire.result(number)
        assert (result["stopReason"], len(events)) == ("stop", 501)
        wire.close()
    assert helper.call("stats")["rss"] < 300e6
