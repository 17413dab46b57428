import time

import pytest

from proxyapp.neutral.record import Caller
from proxyapp.neutral.record import Record
from proxyapp.observe.journal import Journal
from proxyapp.observe.transcript import Transcript


class Kept(list):
    add = list.append


def closed(record, status=200, method="POST", path="/v1/x", transcript=None, **options):
    """Close one request; give the entries that were kept."""
    kept = Kept()
    environ = {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "REMOTE_ADDR": "10.0.0.1",
        "HTTP_USER_AGENT": "curl",
    }
    Journal(kept, **options).close(record, environ, status, transcript)
    return kept


def let_in(**fields):
    fields = {"dialect": "openai", "caller": Caller("a"), "id": "req_1"} | fields
    return Record(started=time.monotonic(), **fields)


@pytest.fixture
def logged(capsys):
    """Give the one line that was logged."""

    def read():
        (line,) = capsys.readouterr().err.splitlines()
        return line

    return read


def test_a_request_that_generates_is_kept_and_logged(logged):
    (entry,) = closed(let_in(ending="stop"))
    assert (entry.request, entry.key, entry.client) == ("req_1", "a", "10.0.0.1")
    assert entry.total_ms >= 0
    assert abs(entry.time - time.time()) < 60
    assert " INFO POST /v1/x 200 dialect=openai" in logged()


@pytest.mark.parametrize(
    "record",
    [Record(caller=Caller("a")), Record(dialect="openai")],
    ids=["generates nothing", "was not let in"],
)
def test_other_requests_are_logged_only(record, logged):
    assert closed(record, 401) == []
    assert " INFO POST /v1/x 401 " in logged()


@pytest.mark.parametrize(("verbose", "lines"), [(True, 1), (False, 0)])
def test_a_request_that_only_looks_is_left_to_a_verbose_log(capsys, verbose, lines):
    closed(Record(), method="GET", verbose=verbose)
    assert capsys.readouterr().err.count("GET /v1/x") == lines


@pytest.mark.parametrize(
    ("status", "method"), [(502, "POST"), (200, "POST"), (500, "GET")]
)
def test_a_failure_is_a_warning_with_its_words(logged, status, method):
    record = let_in()
    record.fail("upstream_busy", "The server is full.")
    closed(record, status, method)
    line = logged()
    assert f" WARNING {method} /v1/x {status} " in line
    assert " ending=upstream_busy " in line
    assert line.endswith(" error=The server is full.")


def test_a_mistake_of_the_client_is_information_and_not_repeated(logged):
    record = let_in()
    record.fail("invalid_request", "What you wrote: a secret plan")
    closed(record, 400)
    line = logged()
    assert " INFO POST /v1/x 400 " in line
    assert "secret plan" not in line


def test_a_client_that_left_is_information(logged):
    (entry,) = closed(let_in(), 499)
    assert entry.ending == "client_gone"
    assert not entry.failed
    assert " INFO POST /v1/x 499 " in logged()


@pytest.mark.reliability("R-041", "R-045")
def test_secrets_are_not_in_an_error(logged):
    record = let_in(caller=Caller(credential="opensesame"))
    record.fail("upstream_error", "It said: opensesame, or Bearer abc, or upstreams.")
    closed(record, 502, secrets=("upstreams",))
    assert logged().endswith(" error=It said: [hidden], or [hidden], or [hidden].")


def test_what_was_said_is_shown_by_a_verbose_log(logged):
    transcript = Transcript()
    transcript.asked(b'{"model": "a",\n "password": "p"}')
    list(transcript.told([b"He", b"llo"]))
    closed(let_in(), transcript=transcript, verbose=True)
    assert logged().endswith(
        r' request_body={"model": "a",\n "password": "[hidden]"} reply_body=Hello'
    )


def test_only_a_verbose_journal_listens():
    assert Journal(Kept()).transcript() is None
    assert Journal(Kept(), verbose=True).transcript() is not None
