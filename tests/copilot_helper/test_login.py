"""Logins: the file that holds one, how it is renewed, and how a user makes one."""

import json
import os
import threading
import time

import pytest

from tests.copilot_helper.process import Helper
from tests.copilot_helper.process import LIMIT
from tests.copilot_helper.process import RpcError
from tests.copilot_helper.process import text_of
from tests.fakes.copilot.steps import Text
from tests.fakes.copilot.steps import ToolCall

MANAGED = {"mode": "managed"}
HOUR = 3_600_000


def now():
    return int(time.time() * 1000)


def credential(github, *, expires=HOUR, **more):
    """Give an entry of the store that still holds for so many milliseconds."""
    return {
        "type": "oauth",
        "refresh": github.github_token,
        "access": github.copilot_token(),
        "expires": now() + expires,
        **more,
    }


@pytest.fixture
def stored(helper, github):
    """Put a login into the store; give the helper."""
    helper.write_store({"github-copilot": credential(github)})
    return helper


def entry(helper):
    """Give what the store holds for Copilot."""
    return json.loads(helper.store.read_text("utf-8"))["github-copilot"]


# -------------------------------------------------------------------------- store


def test_a_stored_login_is_used_as_it_is(stored, github):
    result, _ = stored.chat(auth=MANAGED)
    assert result["stopReason"] == "stop"
    assert github.generations[-1].token == entry(stored)["access"]
    assert github.exchanges == 0


def test_without_a_login_a_call_is_refused(helper, github):
    error = helper.failure(auth=MANAGED)
    assert (error.code, error.kind) == (-32001, "auth")
    assert helper.call("auth.status") == {"loggedIn": False}
    assert github.requests == []


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o620, 0o602])
def test_a_store_that_others_can_touch_is_refused(stored, github, mode):
    stored.store.chmod(mode)
    error = stored.failure(auth=MANAGED)
    assert (error.kind, "chmod 600" in str(error)) == ("auth", True)
    assert github.requests == []


def test_a_store_behind_a_link_is_refused(stored, github):
    real = stored.store.rename(stored.folder / "real.json")
    stored.store.symlink_to(real)
    error = stored.failure(auth=MANAGED)
    assert (error.kind, "symbolic link" in str(error)) == ("auth", True)
    assert github.requests == []


@pytest.mark.parametrize("text", ["", "{", "[", "null", '"gho_secret00000"'])
def test_a_store_that_is_broken_is_refused_without_its_words(helper, text):
    helper.write_store(text)
    error = helper.failure(auth=MANAGED)
    assert error.kind == "auth"
    assert "secret" not in str(error)


def test_a_store_that_changed_is_read_again(stored, github):
    stored.chat(auth=MANAGED)
    fresh = credential(github, refresh="gho_another0000")
    stored.write_store({"github-copilot": fresh})
    stored.chat(auth=MANAGED)
    assert github.generations[-1].token == fresh["access"]


# ------------------------------------------------------------------------ renewal


@pytest.mark.parametrize("implementation", ["earendil", "mariozechner"])
def test_a_login_that_is_too_old_is_renewed_and_written(github, implementation):
    other = {"type": "api_key", "key": "kept"}
    with Helper(github.url, implementation=implementation) as helper:
        old = credential(github, expires=-1, login="octocat")
        helper.write_store({"github-copilot": old, "anthropic": other})
        helper.chat(auth=MANAGED)
        fresh = entry(helper)
        assert github.generations[-1].token == fresh["access"] != old["access"]
        assert fresh["expires"] > now()
        assert (fresh["refresh"], fresh["login"]) == (old["refresh"], "octocat")
        assert json.loads(helper.store.read_text("utf-8"))["anthropic"] == other
        assert helper.store.stat().st_mode & 0o777 == 0o600
        assert sorted(os.listdir(helper.folder)) == ["auth.json", "log", "s"]


def test_many_calls_share_one_renewal(helper, github):
    helper.write_store({"github-copilot": credential(github, expires=-1)})
    threads = [
        threading.Thread(target=helper.chat, kwargs={"auth": MANAGED})
        for _ in range(10)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LIMIT)
    assert len(github.generations) == 10
    assert github.exchanges == 1


def test_a_failed_renewal_does_not_stop_a_token_that_lives(helper, github):
    # Stored times are five minutes early, so this one has four left.
    helper.write_store({"github-copilot": credential(github, expires=-60_000)})
    github.fail_exchange(500)
    for _ in range(3):
        result, _ = helper.chat(auth=MANAGED)
        assert result["stopReason"] == "stop"
    assert github.exchanges == 1


def test_a_failed_renewal_is_the_failure_of_that_call_alone(helper, github):
    helper.write_store({"github-copilot": credential(github, expires=-HOUR)})
    github.fail_exchange(500)
    assert helper.failure(auth=MANAGED).kind == "upstream"
    result, _ = helper.chat(auth=MANAGED)
    assert result["stopReason"] == "stop"


def test_a_login_that_was_revoked_is_told(helper, github):
    helper.write_store({"github-copilot": credential(github, expires=-HOUR)})
    github.revoke()
    error = helper.failure(auth=MANAGED)
    assert (error.code, error.kind, error.data["httpStatus"]) == (-32001, "auth", 401)


def test_a_token_that_is_refused_is_renewed_once(stored, github):
    github.expire()
    result, events = stored.chat(auth=MANAGED)
    assert result["stopReason"] == "stop"
    assert [event["t"] for event in events][:2] == ["start", "text"]
    assert (github.exchanges, len(github.generations)) == (1, 2)


def test_a_token_that_is_refused_again_is_a_failure(stored, github):
    github.reply(401, "no\n")
    error = stored.failure(auth=MANAGED)
    assert (error.kind, error.data["httpStatus"]) == ("auth", 401)
    assert (github.exchanges, len(github.generations)) == (1, 2)


def test_a_renewal_can_be_asked_for(stored, github):
    assert stored.call("auth.refresh")["expires"] > now()
    assert github.exchanges == 1
    assert entry(stored)["access"] in github.account.copilot_tokens


def test_a_logout_during_a_renewal_stays_one(helper, github):
    helper.write_store({"github-copilot": credential(github, expires=-HOUR)})
    began, goes_on = threading.Event(), threading.Event()
    account = github.account
    mint = account.mint

    def slowly(*proxy):
        began.set()
        goes_on.wait(LIMIT)
        return mint(*proxy)

    account.mint = slowly
    thread = threading.Thread(target=helper.chat, kwargs={"auth": MANAGED})
    thread.start()
    assert began.wait(LIMIT)
    helper.call("auth.logout")
    goes_on.set()
    thread.join(LIMIT)
    assert len(github.generations) == 1
    assert not helper.store.exists()


def test_another_account_has_its_own_models(stored, github):
    stored.call("models.list", auth=MANAGED)
    github.account.github_tokens.add("gho_zother0000")
    other = credential(github, refresh="gho_zother0000")
    stored.write_store({"github-copilot": other})
    stored.call("models.list", auth=MANAGED)
    first, second = (call.token for call in github.requests_to("/models"))
    assert first != second == other["access"]


# ---------------------------------------------------------------------- pass-through


def test_a_token_of_github_is_traded_once(helper, github, auth):
    for _ in range(3):
        helper.chat(auth=auth)
    assert github.exchanges == 1
    assert not helper.store.exists()


def test_a_token_of_copilot_is_used_as_it_is(helper, github):
    token = github.copilot_token()
    helper.chat(auth={"mode": "token", "token": token})
    assert (github.exchanges, github.generations[-1].token) == (0, token)


def test_a_traded_token_that_is_refused_is_renewed_once(helper, github, auth):
    helper.chat(auth=auth)
    github.expire()
    result, _ = helper.chat(auth=auth)
    assert (result["stopReason"], github.exchanges) == ("stop", 2)


def test_a_token_of_copilot_that_is_refused_is_a_failure(helper, github):
    token = github.copilot_token()
    github.expire()
    error = helper.failure(auth={"mode": "token", "token": token})
    assert (error.kind, github.exchanges, len(github.generations)) == ("auth", 0, 1)


def test_tokens_of_two_users_are_kept_apart(helper, github, auth):
    github.account.github_tokens.add("gho_other00000")
    helper.chat(auth=auth)
    helper.chat(auth={"mode": "token", "token": "gho_other00000"})
    one, two = (call.token for call in github.generations)
    assert one != two


@pytest.mark.parametrize(
    "token", ["", "sk-something", "ghx_1", "gho_a b", "gho_\u2028"]
)
def test_what_is_no_token_goes_nowhere(helper, github, token):
    error = helper.failure(auth={"mode": "token", "token": token})
    assert (error.code, error.kind) == (-32001, "auth")
    assert github.requests == []


@pytest.mark.parametrize(
    "auth", [None, {}, {"mode": "x"}, {"mode": "token", "token": 1}]
)
def test_a_call_without_a_way_to_log_in_is_refused(helper, github, auth):
    assert helper.failure(auth=auth).code in (-32001, -32602)
    assert github.requests == []


# -------------------------------------------------------------------------- login


def poll(helper, login):
    """Poll until the login is over; give its end."""
    deadline = time.monotonic() + LIMIT
    while True:
        told = helper.call("auth.login.poll", loginId=login["loginId"])
        if told["state"] != "pending":
            return told
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_user_logs_in_with_a_code(either, github):
    login = either.call("auth.login.start")
    assert login["userCode"].startswith("WDJB-")
    assert login["verificationUri"] == "https://github.com/login/device"
    assert login["expiresAt"] > now()
    assert login["interval"] >= 1
    told = either.call("auth.login.poll", loginId=login["loginId"])
    assert told == {"state": "pending"}
    github.approve()
    assert poll(either, login) == {"state": "complete"}
    status = either.call("auth.status")
    whose = (status["loggedIn"], status["domain"], status["login"], status["plan"])
    assert whose == (True, "github.com", "octocat", "individual_pro")
    assert either.store.stat().st_mode & 0o777 == 0o600
    assert entry(either)["type"] == "oauth"
    result, _ = either.chat(auth=MANAGED)
    assert result["stopReason"] == "stop"


@pytest.mark.parametrize(("act", "word"), [("deny", "denied"), ("lapse", "expired")])
def test_a_login_that_fails_says_why(helper, github, act, word):
    login = helper.call("auth.login.start")
    getattr(github, act)()
    told = poll(helper, login)
    assert (told["state"], word in told["message"]) == ("error", True)
    assert not helper.store.exists()


def test_a_login_can_be_given_up(helper, github):
    login = helper.call("auth.login.start")
    assert helper.call("auth.login.cancel", loginId=login["loginId"]) == {}
    github.approve()
    with pytest.raises(RpcError):
        helper.call("auth.login.poll", loginId=login["loginId"])
    time.sleep(1.2)
    assert helper.call("auth.status") == {"loggedIn": False}


def test_an_enterprise_has_its_own_domain(github):
    with Helper(github.url, hosts=["acme.ghe.com"]) as helper:
        login = helper.call("auth.login.start", enterpriseDomain="acme.ghe.com")
        assert login["verificationUri"] == "https://acme.ghe.com/login/device"
        github.approve()
        assert poll(helper, login) == {"state": "complete"}
        assert helper.call("auth.status")["domain"] == "acme.ghe.com"
        helper.chat(auth=MANAGED)
        assert github.generations[-1].host == "copilot-api.acme.ghe.com"


@pytest.mark.parametrize("domain", ["evil.example", "acme.ghe.com", "a b", "x/../y"])
def test_a_domain_that_is_not_allowed_is_asked_for_nothing(helper, github, domain):
    with pytest.raises(RpcError):
        helper.call("auth.login.start", enterpriseDomain=domain)
    assert github.requests == []


def test_a_user_logs_out(stored, github):
    assert stored.call("auth.logout") == {}
    assert stored.call("auth.status") == {"loggedIn": False}
    assert stored.failure(auth=MANAGED).kind == "auth"
    assert not stored.store.exists()
    assert stored.call("auth.logout") == {}


# ------------------------------------------------------------------------- egress


def copilot_token(proxy):
    return {"mode": "token", "token": f"tid=1;exp=9999999999;proxy-ep={proxy};x=1"}


HOSTS = [
    "evil.example",
    "proxy.evil.example",
    "githubcopilot.com.evil.example",
    "evilgithubcopilot.com",
    "127.0.0.1",
    "localhost:8080",
    "user@api.github.com",
    "api.githubcopilot.com?x",
]


@pytest.mark.parametrize("host", HOSTS)
def test_a_token_cannot_send_a_call_elsewhere(helper, github, host):
    error = helper.failure(auth=copilot_token(host))
    assert error.kind == "egress"
    assert github.requests == []


@pytest.mark.parametrize("model", ["gpt-4.1", "gpt-5.3-codex", "claude-haiku-4.5"])
def test_a_redirect_is_not_followed(either, github, auth, model):
    github.reply(307, "", headers={"Location": "https://api.github.com/user"})
    assert either.failure(model=model, auth=auth).kind == "egress"
    assert github.requests_to("/user") == []


# ------------------------------------------------------------------------ secrets


def test_the_environment_lends_no_key(github):
    names = ("OPENAI_API_KEY", "GITHUB_TOKEN", "GH_TOKEN", "COPILOT_GITHUB_TOKEN")
    lent = dict.fromkeys((*names, "ANTHROPIC_API_KEY"), "gho_fromoutside")
    for implementation in ("earendil", "mariozechner"):
        with Helper(
            github.url, implementation=implementation, environment=lent
        ) as helper:
            for auth in (MANAGED, None, {"mode": "token", "token": ""}):
                helper.failure(auth=auth)
    assert github.requests == []


def test_the_log_holds_no_secret_and_no_word_of_a_prompt(helper, github, auth):
    github.script(Text("answerword"), ToolCall("c", "look", '{"argumentword'))
    helper.chat(said="promptword", auth=auth)
    github.expire()
    helper.failure(auth={"mode": "token", "token": github.copilot_token() + "x"})
    login = helper.call("auth.login.start")
    github.approve()
    poll(helper, login)
    helper.call("auth.logout")
    logged = helper.logged()
    for word in ("answerword", "promptword", "argumentword", "gho_", "tid=", "device0"):
        assert word not in logged


def test_a_reply_goes_on_while_another_user_logs_in(helper, github, auth):
    github.script(*[Text("a")] * 10, every=0.02)
    helper.call("auth.login.start")
    _, events = helper.chat(auth=auth)
    assert text_of(events) == "a" * 10
