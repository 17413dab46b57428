"""Every way an upstream goes wrong, seen from every dialect, streamed and whole."""

import pytest

from tests import page
from tests.fakes.faults import FAULTS
from tests.fakes.faulty import ARGUMENTS
from tests.fakes.faulty import GOOD
from tests.fakes.faulty import MINE
from tests.fakes.faulty import TEXT
from tests.fakes.upstream import Finish
from tests.fakes.upstream import Text
from tests.fakes.upstream import Usage
from tests.live import contract
from tests.speakers import CHATS

pytestmark = pytest.mark.live

INSIDE = ("<html", "<!doctype", "inner-host-7", MINE, "169.254")
EVERY = {**FAULTS, **contract.WHOLE_ONLY}


@pytest.fixture
def faulty(gateway, upstream):
    """Let the upstream misbehave in one way while the test lasts."""

    down = []

    def begin(fault):
        if fault.make is None:
            down.append(True)
            upstream.refuse()
        else:
            upstream.answer(fault.make())

    yield begin
    if down:
        upstream.accept()


WAYS = [
    pytest.param(
        name,
        speaker,
        stream,
        id=f"{name}-{speaker.name}-{'stream' if stream else 'whole'}",
        marks=pytest.mark.reliability(*contract.numbers(name)),
    )
    for name in EVERY
    for speaker, stream in contract.ways(name)
]


@pytest.mark.parametrize(("name", "speaker", "stream"), WAYS)
def test_a_fault_has_its_outcome(gateway, upstream, faulty, name, speaker, stream):
    fault = EVERY[name]
    faulty(fault)
    reply = speaker.post(gateway, "hi", contract.TOOLS, stream=stream)
    outcomes, statuses = contract.wanted(fault, stream)
    told = contract.seen(speaker, reply, stream)
    assert told.outcome in outcomes
    if name != "echo":
        shown = (reply.text + str(reply.headers)).lower()
        assert [mark for mark in INSIDE if mark in shown] == []
    if told.outcome == "error_before":
        assert reply.status_code in statuses
        if fault.retry_after:
            assert reply.headers["Retry-After"] == fault.retry_after
    if told.outcome == "ok" and fault.text is not None:
        answer = reply.content if stream else reply.json()
        assert speaker.view(answer).text == fault.text


@pytest.mark.parametrize("speaker", CHATS, ids=lambda speaker: speaker.name)
@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
@pytest.mark.reliability("R-005")
def test_arguments_in_many_pieces_are_those_that_were_sent(
    gateway, upstream, faulty, speaker, stream
):
    faulty(FAULTS["tool_split"])
    reply = speaker.post(gateway, "hi", contract.TOOLS, stream=stream)
    answer = reply.content if stream else reply.json()
    (call,) = speaker.view(answer).calls
    assert (call.name, call.arguments) == ("create_file", ARGUMENTS)


def test_the_page_names_every_fault():
    told = page.section("reliability", "faults")
    assert [name for name in EVERY if f"`{name}`" not in told] == []


@pytest.mark.reliability("R-009")
@pytest.mark.parametrize("name", [n for n in FAULTS if n.startswith("redirect")])
def test_a_redirect_is_not_followed(gateway, upstream, faulty, name):
    faulty(FAULTS[name])
    CHATS[0].post(gateway)
    assert [request.path for request in upstream.generations] == [CHATS[0].path]
    assert len(upstream.requests) == 1


# ------------------------------------------------------------- connections that died


@pytest.mark.reliability("R-010")
@pytest.mark.parametrize("name", ["stale_race", "stale_rst"])
@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
def test_a_connection_that_died_in_the_pool_is_never_noticed(
    gateway, upstream, faulty, name, stream
):
    faulty(FAULTS[name])
    speaker = CHATS[0]
    replies = [speaker.post(gateway, stream=stream) for _ in range(20)]
    assert [reply.status_code for reply in replies] == [200] * 20
    for reply in replies:
        answer = reply.content if stream else reply.json()
        assert speaker.view(answer).text == TEXT
    # Each was asked twice at most, and some were, or the test tests nothing.
    assert 20 < len(upstream.generations) <= 40


@pytest.mark.reliability("R-010")
@pytest.mark.parametrize(
    "name", ["close_before_headers", "rst_before_headers", "garbage", "half_headers"]
)
def test_a_failure_on_a_new_connection_is_asked_once(gateway, upstream, faulty, name):
    upstream.refuse()
    upstream.accept()
    faulty(FAULTS[name])
    assert CHATS[0].post(gateway).status_code == 502
    assert len(upstream.generations) == 1


@pytest.mark.reliability("R-019")
@pytest.mark.parametrize("name", ["die_mid_chunk", "clean_end_no_done", "empty_200"])
def test_a_failure_after_the_first_byte_is_asked_once(gateway, upstream, faulty, name):
    faulty(FAULTS[name])
    assert CHATS[0].post(gateway).status_code == 502
    assert len(upstream.generations) == 1


def test_after_every_fault_the_gateway_serves(gateway, upstream):
    pids = gateway.worker_pids
    for name in ("garbage", "giant_line", "gzip_corrupt", "bad_chunk_size"):
        upstream.reset()
        upstream.answer(FAULTS[name].make())
        CHATS[0].post(gateway, stream=True)
    upstream.reset()
    upstream.script(*GOOD)
    assert CHATS[0].view(CHATS[0].post(gateway).json()).text == TEXT
    assert gateway.worker_pids == pids


def test_no_failure_of_an_upstream_is_an_unexpected_one(gateway, upstream):
    upstream.script(Text("a"), Finish(), Usage(1, 1))
    CHATS[0].post(gateway)
    assert "Traceback" not in gateway.log
