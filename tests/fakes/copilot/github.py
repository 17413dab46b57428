"""What github.com and its API answer, and those of an enterprise's own domain."""

from __future__ import annotations

import urllib.parse
from collections.abc import Callable
from typing import Any

from tests.fakes.answers import Answer
from tests.fakes.answers import Plain
from tests.fakes.copilot.accounts import Account
from tests.fakes.copilot.accounts import INDIVIDUAL
from tests.fakes.copilot.accounts import RESET
from tests.fakes.copilot.call import Call
from tests.fakes.copilot.refusals import bad_credentials
from tests.fakes.copilot.refusals import not_found
from tests.fakes.copilot.refusals import reply
from tests.fakes.copilot.refusals import SERVER

Route = Callable[[Account, Call, str], Answer]


def device_code(account: Account, call: Call, domain: str) -> Answer:
    """Begin a login."""
    if not call.form.get("client_id"):
        return not_found()
    return as_wished(call, account.begin(domain))


def access_token(account: Account, call: Call, domain: str) -> Answer:
    """Answer a poll of a login; errors come with status 200."""
    return as_wished(call, account.poll(call.form.get("device_code", "")))


def exchange(account: Account, call: Call, domain: str) -> Answer:
    """Give a Copilot token for a GitHub token."""
    if account.exchange_failures:
        return reply(account.exchange_failures.pop(0), {"message": "Server Error"})
    if call.token not in account.github_tokens:
        return bad_credentials()
    # An enterprise's own domain is not told in the token: its clients derive it.
    own = domain != "github.com"
    host = f"copilot-api.{domain}" if own else f"api.{INDIVIDUAL}"
    token = account.mint(None if own else f"proxy.{INDIVIDUAL}")
    body = {
        "annotations_enabled": True,
        "chat_enabled": True,
        "endpoints": {"api": f"https://{host}"},
        "expires_at": int(account.copilot_tokens[token]),
        "individual": not own,
        "limited_user_quotas": None,
        "limited_user_reset_date": None,
        "refresh_in": account.refresh_in,
        "sku": "monthly_subscriber_quota",
        "token": token,
        "tracking_id": "0" * 32,
    }
    return reply(200, body)


def user(account: Account, call: Call, domain: str) -> Answer:
    """Tell who the token belongs to."""
    if call.token not in account.github_tokens:
        return bad_credentials()
    address = f"https://{domain}/{account.login}"
    body = {"login": account.login, "id": 583231, "type": "User", "html_url": address}
    return reply(200, body, X_OAuth_Scopes="read:user")


def copilot_user(account: Account, call: Call, domain: str) -> Answer:
    """Tell the plan and what is left of it."""
    if call.token not in account.github_tokens:
        return bad_credentials()
    body = {
        "login": account.login,
        "access_type_sku": "monthly_subscriber_quota",
        "chat_enabled": True,
        "copilot_plan": account.plan,
        "quota_reset_date": RESET[:10],
        "quota_snapshots": account.quota.snapshots(),
    }
    return reply(200, body)


SITE: dict[tuple[str, str], Route] = {
    ("POST", "/login/device/code"): device_code,
    ("POST", "/login/oauth/access_token"): access_token,
}
API: dict[tuple[str, str], Route] = {
    ("GET", "/copilot_internal/v2/token"): exchange,
    ("GET", "/copilot_internal/user"): copilot_user,
    ("GET", "/user"): user,
}


def as_wished(call: Call, body: dict[str, Any]) -> Plain:
    """Give JSON to those who accept it, else a form, as GitHub's login does."""
    if "json" in call.headers.get("accept", ""):
        return reply(200, body)
    form = "application/x-www-form-urlencoded; charset=utf-8"
    return Plain(200, urllib.parse.urlencode(body), SERVER, form)
