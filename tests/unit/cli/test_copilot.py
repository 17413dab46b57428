import io

import pytest

from proxyapp.backends.copilot.models import COMPLETIONS
from proxyapp.backends.copilot.models import CopilotModel
from proxyapp.cli import copilot
from proxyapp.cli.terminal import Terminal
from proxyapp.errors import UpstreamUnreachable
from proxyapp.settings.schema import CopilotSettings

STARTED = {
    "loginId": "1",
    "userCode": "AB-12",
    "verificationUri": "https://github.com/login/device",
    "interval": 0.01,
}
LOGGED_IN = {"loggedIn": True, "login": "octocat", "plan": "pro", "expires": 60_000}


class Account:
    """A backend and its client in one, answering from a script."""

    def __init__(self, status=LOGGED_IN, *polled):
        self.client = self
        self.settings = CopilotSettings(enterprise_domain="acme.ghe.com")
        self.asked = []
        self._status = status
        self._polled = iter(polled)

    def ask(self, method, params, seconds):
        self.asked.append((method, params))
        if method == "auth.login.start":
            return STARTED
        if method == "auth.login.poll":
            told = next(self._polled)
            if isinstance(told, BaseException):
                raise told
            return told
        return self._status if method == "auth.status" else {}

    def subscription(self):
        model = CopilotModel("gpt-x", COMPLETIONS, 128000, 4096, multiplier=0.33)
        return [model, CopilotModel("new", COMPLETIONS, images=False)]


@pytest.fixture
def terminal():
    return Terminal(io.StringIO(), io.StringIO(), {})


def said(terminal):
    return terminal._output.getvalue()


def test_a_login_shows_the_code_and_waits_for_it(terminal):
    pending = {"state": "pending"}
    account = Account(LOGGED_IN, pending, pending, {"state": "complete"})
    assert copilot.login(terminal, account) == 0
    assert "https://github.com/login/device\nand enter the code AB-12" in said(terminal)
    assert "Logged in to GitHub Copilot as octocat" in said(terminal)
    assert "gpt-x" in said(terminal)
    assert account.asked[0][1] == {"enterpriseDomain": "acme.ghe.com"}


def test_a_login_that_is_refused_says_why(terminal):
    account = Account(LOGGED_IN, {"state": "error", "message": "access denied"})
    assert copilot.login(terminal, account) == 1
    assert "access denied" in terminal._errors.getvalue()


def test_a_login_that_is_given_up_is_cancelled(terminal):
    account = Account(LOGGED_IN, KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        copilot.login(terminal, account)
    assert account.asked[-1] == ("auth.login.cancel", {"loginId": "1"})


@pytest.mark.parametrize(
    ("told", "code", "words"),
    [
        (LOGGED_IN, 0, "Plan: pro"),
        ({"loggedIn": False}, 1, "python -m proxyapp copilot login"),
    ],
)
def test_the_status_says_whether_there_is_a_login(terminal, told, code, words):
    assert copilot.status(terminal, Account(told)) == code
    assert words in said(terminal)


def test_models_are_listed_with_what_they_cost(terminal):
    assert copilot.models(terminal, Account()) == 0
    assert said(terminal).splitlines() == [
        "MODEL  CONTEXT  OUTPUT   PREMIUM  CAPABILITIES",
        "gpt-x  128,000  4,096    0.33     completion, tools, vision",
        "new    unknown  unknown  unknown  completion, tools",
    ]


def test_a_logout_forgets_the_login(terminal):
    account = Account()
    assert copilot.logout(terminal, account) == 0
    assert account.asked == [("auth.logout", {})]


def test_what_copilot_refuses_is_said_and_is_code_1(terminal, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))

    def fail(terminal, backend):
        raise UpstreamUnreachable("there is no 'node' on the PATH")

    assert copilot._run(fail, terminal) == 1
    assert "there is no 'node'" in terminal._errors.getvalue()
