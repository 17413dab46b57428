import pytest

from proxyapp.backends.copilot.failures import from_rpc
from proxyapp.backends.copilot.failures import withheld
from proxyapp.backends.copilot.rpc import RpcError
from proxyapp.errors import ContextOverflow


def failed(kind, message="no", code=-32000, **data):
    return RpcError({"code": code, "message": message, "data": {"kind": kind, **data}})


def told(error, managed=True):
    return from_rpc(error, "gpt-x", managed=managed)


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        ("forbidden", 403, "forbidden"),
        ("quota", 429, "insufficient_quota"),
        ("rate_limit", 429, "rate_limit_exceeded"),
        ("bad_request", 400, "invalid_request"),
        ("not_found", 404, "model_not_found"),
        ("too_large", 413, "request_too_large"),
        ("context_overflow", 400, "context_length_exceeded"),
        ("upstream", 502, "upstream_error"),
        ("network", 502, "upstream_unreachable"),
        ("idle_timeout", 504, "upstream_timeout"),
        ("connect_timeout", 504, "upstream_timeout"),
        ("incomplete", 502, "upstream_incomplete"),
        ("aborted", 502, "upstream_incomplete"),
        ("egress", 403, "forbidden"),
        ("internal", 502, "upstream_invalid"),
        ("of another kind", 502, "upstream_error"),
        (None, 502, "upstream_invalid"),
    ],
)
def test_each_kind_of_failure_has_a_status_and_a_code(kind, status, code):
    error = told(failed(kind))
    assert (error.status, error.code) == (status, code)


def test_a_refused_login_is_not_the_clients_fault():
    error = told(failed("auth", "bad credentials"))
    assert (error.status, error.code) == (502, "upstream_refused_key")
    assert "python -m proxyapp copilot login" in error.message
    assert "bad credentials" in error.message


def test_a_refused_token_is_the_callers():
    error = told(failed("auth"), managed=False)
    assert error.status == 401
    assert error.headers == {"WWW-Authenticate": "Bearer"}


def test_a_login_that_is_missing_says_how_to_make_one():
    assert "copilot login" in told(failed("auth", code=-32001)).message


def test_a_full_process_asks_for_patience():
    error = told(failed("busy", code=-32002))
    assert (error.status, error.retry_after) == (503, "1")


def test_retry_after_is_passed_on():
    assert told(failed("rate_limit", retryAfter="7")).retry_after == "7"


def test_a_used_up_allowance_is_not_worth_a_retry():
    assert not told(failed("quota")).retryable


def test_the_counts_of_an_overflow_are_read():
    words = "prompt token count of 74490 exceeds the limit of 72000"
    error = told(failed("context_overflow", words))
    assert isinstance(error, ContextOverflow)
    assert (error.tokens, error.limit) == (74490, 72000)


@pytest.mark.parametrize(
    ("kind", "ending"),
    [("refusal", True), ("content_filter", True), ("upstream", False)],
)
def test_an_answer_that_is_withheld_is_told_apart(kind, ending):
    assert withheld(failed(kind)) is ending
