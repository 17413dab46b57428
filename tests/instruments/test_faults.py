"""Each fault goes wrong as its name says."""

import pytest
import requests

from tests import oracles
from tests.fakes.faults import Fault
from tests.fakes.faults import FAULTS
from tests.fakes.faults import TEXT
from tests.fakes.upstream import FakeUpstream

ASKED = {"model": "m", "messages": [], "stream": True}
# requests repairs these itself or hides them; the gateway's own reader must cope.
UNSEEN = {
    *("interim_100", "json_for_stream", "hang_after_done", "utf8_invalid"),
    *("prefill", "prefill_after_headers", "weird_json_dup", "cl_and_te", "echo"),
    *("stale_idle", "tool_split"),
}
# Legal line ends and lines that the strict reader of the oracles does not take.
UNUSUAL = {"crlf_sse", "cr_sse", "bom_comments", "multiline_data", "malformed_sse"}
ABSORBED = [n for n, fault in FAULTS.items() if fault.outcomes == {"ok"}]
STATUSES = {
    n: fault for n, fault in FAULTS.items() if n.startswith(("status", "html_5"))
}


def ask(up: FakeUpstream, patience: float = 20.0) -> requests.Response:
    url = up.url + "/v1/chat/completions"
    return requests.post(url, json=ASKED, timeout=patience, allow_redirects=False)


def prepared(up: FakeUpstream, fault: Fault) -> FakeUpstream:
    if fault.make is None:
        up.refuse()
    else:
        up.answer(fault.make())
    return up


@pytest.mark.parametrize("name", [n for n in ABSORBED if n not in UNSEEN | UNUSUAL])
def test_a_strange_but_whole_answer_reads_right(
    name: str, upstream: FakeUpstream
) -> None:
    answer = ask(prepared(upstream, FAULTS[name]))
    before_done, _, _ = answer.content.partition(b"data: [DONE]")
    assert oracles.text_of("openai", before_done) == FAULTS[name].text


@pytest.mark.parametrize("name", ["crlf_sse", "cr_sse"])
def test_other_line_ends_are_the_same_lines(name: str, upstream: FakeUpstream) -> None:
    raw = ask(prepared(upstream, FAULTS[name])).content
    lines = raw.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    assert oracles.text_of("openai", lines) == TEXT
    assert b"\r" in raw


@pytest.mark.parametrize(
    "name",
    [
        "refused",
        "close_before_headers",
        "rst_before_headers",
        "garbage",
        "bad_status_line",
        "cl_too_long",
        "gzip_corrupt",
        "hang_before_headers",
        "die_mid_chunk",
        "rst_mid_stream",
        "fin_on_chunk_boundary",
        "bad_chunk_size",
        "length_truncated",
        "tool_truncated",
        "hang_mid_stream",
    ],
)
def test_http_itself_breaks(name: str, upstream: FakeUpstream) -> None:
    with pytest.raises(requests.exceptions.RequestException):
        ask(prepared(upstream, FAULTS[name]), 0.3)


@pytest.mark.parametrize(
    "name",
    [
        "clean_end_no_done",
        "close_delimited_truncated",
        "error_mid_stream",
        "error_field_sse",
        "half_headers",
        "empty_200",
        "no_content",
        "html_200",
        "bad_json",
        "cl_too_short",
    ],
)
def test_http_is_fine_but_the_answer_is_not_complete(
    name: str, upstream: FakeUpstream
) -> None:
    answer = ask(prepared(upstream, FAULTS[name]))
    assert answer.status_code in (200, 204)
    assert b"[DONE]" not in answer.content


@pytest.mark.parametrize("name", STATUSES)
def test_statuses_are_what_the_name_says(name: str, upstream: FakeUpstream) -> None:
    answer = ask(prepared(upstream, FAULTS[name]))
    assert str(answer.status_code) in name


@pytest.mark.parametrize("name", ["stale_race", "stale_rst"])
def test_a_stale_connection_dies_on_its_second_request(
    name: str, upstream: FakeUpstream
) -> None:
    prepared(upstream, FAULTS[name])
    url = upstream.url + "/v1/chat/completions"
    with requests.Session() as session:
        assert session.post(url, json=ASKED, timeout=5).status_code == 200
        with pytest.raises(requests.exceptions.ConnectionError):
            session.post(url, json=ASKED, timeout=5)
    assert ask(upstream).status_code == 200


def test_a_rate_limit_tells_when_to_come_back(upstream: FakeUpstream) -> None:
    answer = ask(prepared(upstream, FAULTS["rate_429"]))
    assert answer.headers["Retry-After"] == FAULTS["rate_429"].retry_after == "7"


def test_a_giant_line_is_longer_than_eight_megabytes(upstream: FakeUpstream) -> None:
    raw = ask(prepared(upstream, FAULTS["giant_line"])).content
    assert max(map(len, raw.split(b"\n"))) > 8 * 2**20


@pytest.mark.parametrize("name", FAULTS)
def test_expectations_are_told_in_known_words(name: str) -> None:
    fault = FAULTS[name]
    assert fault.outcomes
    assert fault.outcomes <= {"ok", "error_before", "error_in_stream"}
    assert all(400 <= status < 600 for status in fault.statuses)
