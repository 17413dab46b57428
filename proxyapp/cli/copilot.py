"""``python -m proxyapp copilot``: log in to GitHub Copilot, look, log out."""

import time
from collections.abc import Callable
from collections.abc import Mapping
from datetime import datetime
from functools import partial
from types import MappingProxyType
from typing import Any
from typing import Final

from proxyapp.app import copilot_backend
from proxyapp.backends.copilot.backend import CopilotBackend
from proxyapp.backends.copilot.client import CopilotClient
from proxyapp.cli.command import Command
from proxyapp.cli.drawing import draw_table
from proxyapp.cli.models import tokens
from proxyapp.cli.terminal import Terminal
from proxyapp.errors import ProxyError
from proxyapp.settings.load import load_settings

_ASK: Final = 30.0
_HEADER: Final = ("MODEL", "CONTEXT", "OUTPUT", "PREMIUM", "CAPABILITIES")

Action = Callable[[Terminal, CopilotBackend], int]


def _run(action: Action, terminal: Terminal) -> int:
    """Do one of the actions; give 1 if Copilot or the login is not to be had."""
    try:
        return action(terminal, copilot_backend(load_settings(), float))
    except ProxyError as error:
        terminal.warn(error.message)
        return 1


def login(terminal: Terminal, backend: CopilotBackend) -> int:
    """Show a code and a link, and wait until the code has been entered there."""
    client, domain = backend.client, backend.settings.enterprise_domain
    params = {"enterpriseDomain": domain} if domain else {}
    asked = client.ask("auth.login.start", params, _ASK)
    terminal.say(
        f"Open {asked['verificationUri']}",
        f"and enter the code {asked['userCode']}",
        "",
        "Waiting for GitHub; Ctrl-C gives up.",
    )
    known = {"loginId": asked["loginId"]}
    try:
        outcome = _outcome(client, known, float(asked.get("interval") or 5))
    except KeyboardInterrupt:
        client.ask("auth.login.cancel", known, _ASK)
        raise
    if outcome["state"] != "complete":
        terminal.warn(f"The login failed: {outcome.get('message', 'no reason given')}")
        return 1
    terminal.say("", *_account(client))
    return models(terminal, backend)


def _outcome(
    client: CopilotClient, known: dict[str, str], interval: float
) -> dict[str, Any]:
    while True:
        outcome: dict[str, Any] = client.ask("auth.login.poll", known, _ASK)
        if outcome["state"] != "pending":
            return outcome
        time.sleep(min(interval, 2.0))


def status(terminal: Terminal, backend: CopilotBackend) -> int:
    """Say whether there is a login, and whose; give 1 if there is none."""
    lines = _account(backend.client)
    terminal.say(*lines)
    return 0 if len(lines) > 1 else 1


def _account(client: CopilotClient) -> list[str]:
    told = client.ask("auth.status", {}, _ASK)
    if not told.get("loggedIn"):
        return ["Not logged in to GitHub Copilot: python -m proxyapp copilot login"]
    who = f" as {told['login']}" if told.get("login") else ""
    lines = [f"Logged in to GitHub Copilot{who}, at {told.get('domain', 'github.com')}"]
    if told.get("plan"):
        lines.append(f"Plan: {told['plan']}")
    if told.get("expires"):
        until = datetime.fromtimestamp(told["expires"] / 1000).astimezone()
        lines.append(f"The present token is renewed before {until:%H:%M}")
    return lines


def models(terminal: Terminal, backend: CopilotBackend) -> int:
    """List the subscription's models."""
    rows = [
        (
            model.id,
            tokens(model.info("")),
            f"{model.output:,}" if model.output else "unknown",
            "unknown" if model.multiplier is None else f"{model.multiplier:g}",
            ", ".join(sorted(model.info("").capabilities)),
        )
        for model in backend.subscription()
    ]
    terminal.say(*draw_table([_HEADER, *rows]))
    return 0


def logout(terminal: Terminal, backend: CopilotBackend) -> int:
    """Forget the login."""
    backend.client.ask("auth.logout", {}, _ASK)
    terminal.say("Logged out of GitHub Copilot.")
    return 0


COMMANDS: Final[Mapping[str, Command]] = MappingProxyType(
    {
        "login": Command("log in with a code in the browser", partial(_run, login)),
        "status": Command("say whether there is a login", partial(_run, status)),
        "models": Command("list the subscription's models", partial(_run, models)),
        "logout": Command("forget the login", partial(_run, logout)),
    }
)
