"""What Copilot refuses, and what is told of it."""

import pytest

from tests.copilot_helper.test_replies import COMPLETIONS
from tests.copilot_helper.test_replies import each_model
from tests.fakes.steps import Cut

KINDS = [
    (400, "bad_request"),
    (402, "quota"),
    (403, "forbidden"),
    (404, "not_found"),
    (413, "too_large"),
    (422, "bad_request"),
    (429, "rate_limit"),
    (500, "upstream"),
    (502, "upstream"),
    (503, "upstream"),
    (529, "upstream"),
]


@each_model
@pytest.mark.parametrize(("status", "kind"), KINDS)
def test_a_status_has_a_kind_and_is_asked_for_once(
    helper, github, auth, model, status, kind
):
    error = helper.failure(said=f"play status {status}", model=model, auth=auth)
    assert (error.kind, error.data["httpStatus"]) == (kind, status)
    assert (error.code, error.data["partial"]) == (-32000, False)
    assert error.data["requestId"]
    assert len(github.generations) == 1


def test_the_older_library_does_not_try_again_either(either, github, auth):
    for status in (429, 500):
        either.failure(said=f"play status {status}", model=COMPLETIONS, auth=auth)
    assert len(github.generations) == 2


@each_model
def test_how_long_to_wait_is_told(either, auth, model):
    error = either.failure(said="play rate_limit", model=model, auth=auth)
    wait = error.data["retryAfter"], error.data["retryAfterMs"]
    assert (error.kind, wait) == ("rate_limit", ("7", 7000))
    assert str(error) == "Sorry, you have exceeded your rate limits."
    assert "user_model_rate_limited" in error.data["body"]


@each_model
def test_a_prompt_that_is_too_long_is_told_apart(either, auth, model):
    error = either.failure(said="play overflow", model=model, auth=auth)
    assert error.kind == "context_overflow"
    assert "999999" in str(error)


@pytest.mark.parametrize(("status", "code"), [(402, "quota_exceeded"), (429, "quota")])
def test_a_spent_quota_is_told_apart(helper, github, auth, status, code):
    github.exhaust(status, code)
    error = helper.failure(model="claude-haiku-4.5", auth=auth)
    assert (error.kind, error.data["retryAfterMs"]) == ("quota", 3_600_000)


def test_a_model_that_is_not_there_is_told_apart(helper, auth):
    assert helper.failure(model="gone-1", auth=auth).kind == "not_found"


@pytest.mark.parametrize("model", ["claude-opus-4.7", "grok-code-fast-1"])
def test_a_model_that_the_policy_forbids_is_told_apart(helper, auth, model):
    assert helper.failure(model=model, auth=auth).kind == "forbidden"


def test_a_page_of_html_is_not_repeated(helper, auth):
    error = helper.failure(said="play html", auth=auth)
    assert (error.kind, str(error)) == ("upstream", "status 502")


def test_of_a_long_body_the_beginning_is_told(helper, github, auth):
    github.reply(500, "words " * 100_000)
    error = helper.failure(auth=auth)
    assert len(error.data["body"]) == 4096
    assert len(str(error)) <= 300


@each_model
def test_no_secret_comes_back(helper, github, auth, model):
    token = github.copilot_token()
    said = f"gho_abcdef123456 ghp_x1 github_pat_11A_b Bearer abcdefghijk {token}"
    github.reply(400, {"error": {"message": said}})
    error = helper.failure(model=model, auth=auth)
    told = f"{error} {error.data}"
    for secret in ("abcdef123456", "ghp_x1", "11A_b", "abcdefghijk", token):
        assert secret not in told
    assert "gho_***" in str(error)


@each_model
def test_a_connection_that_breaks_before_the_head_is_the_networks(
    helper, github, auth, model
):
    helper.chat(model=model, auth=auth)
    github.play(Cut())
    error = helper.failure(model=model, auth=auth)
    assert (error.kind, error.data["partial"]) == ("network", False)


def test_a_server_that_is_down_is_the_networks(helper, github, auth):
    github.refuse()
    assert helper.failure(auth=auth).kind == "network"


@each_model
def test_garbage_is_no_answer(either, auth, model):
    error = either.failure(said="play garbage", model=model, auth=auth)
    assert error.kind in ("upstream", "incomplete")
    assert "not json" not in either.logged()
