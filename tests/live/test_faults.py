"""Every way an upstream goes wrong, seen from every dialect, streamed and whole."""

import pytest

from tests.fakes.faults import FAULTS
from tests.fakes.faults import GOOD
from tests.fakes.faults import TEXT
from tests.fakes.upstream import Finish
from tests.fakes.upstream import Text
from tests.fakes.upstream import Usage
from tests.speakers import CHATS

pytestmark = pytest.mark.live

# Anthropic has a status of its own for a server that is not ready.
DIALECT_STATUSES = {503: {503, 529}}
INSIDE = ("<html", "<script", "<!doctype", "inner-host-7")


def wanted(fault, stream):
    """Give the outcomes and statuses that are right for one way of asking."""
    statuses = {s for one in fault.statuses for s in DIALECT_STATUSES.get(one, {one})}
    if stream or "error_in_stream" not in fault.outcomes:
        return fault.outcomes, statuses
    outcomes = (fault.outcomes - {"error_in_stream"}) | {"error_before"}
    # Cut within the body, where the true status is the gateway's own.
    return outcomes, statuses if "error_before" in fault.outcomes else {502, 504}


def outcome(speaker, reply, stream):
    """Name what a reply is, once it was found to be a good one of its kind."""
    if reply.status_code != 200:
        assert speaker.error_violations(reply.status_code, reply.json()) == []
        return "error_before"
    if not stream:
        assert speaker.whole_violations(reply.json()) == []
        return "ok"
    failed = speaker.view(reply.content).failure is not None
    assert speaker.stream_violations(reply.content, failed=failed) == []
    return "error_in_stream" if failed else "ok"


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


# Whole replies are collected alike for all dialects; two of them stand for the rest.
WAYS = [
    pytest.param(
        speaker, stream, id=f"{speaker.name}-{'stream' if stream else 'whole'}"
    )
    for speaker in CHATS
    for stream in (True, False)
    if stream or speaker.name in ("openai", "ollama")
]


@pytest.mark.parametrize(("speaker", "stream"), WAYS)
@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_has_its_outcome(gateway, upstream, faulty, name, speaker, stream):
    fault = FAULTS[name]
    faulty(fault)
    reply = speaker.post(gateway, stream=stream)
    outcomes, statuses = wanted(fault, stream)
    found = outcome(speaker, reply, stream)
    assert found in outcomes
    assert not any(mark in reply.text.lower() for mark in INSIDE)
    if found == "error_before":
        assert reply.status_code in statuses
        if fault.retry_after:
            assert reply.headers["Retry-After"] == fault.retry_after
    if found == "ok" and fault.text is not None:
        answer = reply.content if stream else reply.json()
        assert speaker.view(answer).text == fault.text


@pytest.mark.reliability("R-009")
def test_a_redirect_is_not_followed(gateway, upstream, faulty):
    faulty(FAULTS["redirect_307"])
    CHATS[0].post(gateway)
    assert [request.path for request in upstream.generations] == [CHATS[0].path]


# ------------------------------------------------------------- connections that died


@pytest.mark.reliability("R-010")
@pytest.mark.parametrize("name", ["stale_keepalive_fin", "stale_keepalive_rst"])
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
