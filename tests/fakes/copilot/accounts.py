"""The account at GitHub: device logins, tokens of both kinds, quota."""

from __future__ import annotations

import itertools
import threading
import time
from dataclasses import dataclass
from dataclasses import field
from typing import Any
from urllib.parse import quote

INDIVIDUAL = "individual.githubcopilot.com"
RESET = "2026-12-01T00:00:00Z"


@dataclass
class Quota:
    """The premium requests of the month; ``refusal`` (status, code) when exhausted."""

    entitlement: float = 300
    used: float = 0
    refusal: tuple[int, str] | None = None
    retry_after: str | None = "3600"

    def headers(self) -> dict[str, str]:
        """Give the headers that every successful reply carries."""
        left = self.entitlement - self.used
        ends = quote(RESET, safe="")
        free = f"ent=-1&ov=0.0&ovPerm=false&rem=100.0&rst={ends}&totRem=-1"
        shown = (
            f"ent={self.entitlement:g}&ov=0.0&ovPerm=false"
            f"&rem={100 * left / self.entitlement:.1f}&rst={ends}&totRem={left:.1f}"
        )
        return {
            "X-Quota-Snapshot-Chat": free,
            "X-Quota-Snapshot-Completions": free,
            "X-Quota-Snapshot-Premium_interactions": shown,
        }

    def snapshots(self) -> dict[str, Any]:
        """Give the same as GET /copilot_internal/user shows it."""
        left = self.entitlement - self.used
        shown = {
            "entitlement": self.entitlement,
            "overage_count": 0,
            "overage_permitted": False,
            "percent_remaining": round(100 * left / self.entitlement, 1),
            "quota_id": "premium_interactions",
            "quota_remaining": left,
            "remaining": int(left),
            "unlimited": False,
        }
        return {"premium_interactions": shown}


@dataclass
class Device:
    """One device login."""

    code: str
    user_code: str
    polls: int = 0
    state: str = "authorization_pending"


@dataclass
class Account:
    """All that the fake knows of one user; its fields may be set at any time.

    ``polls`` are error words to answer the next polls with; ``approve_after`` approves
    a login by itself at that poll. ``exchange_failures`` are statuses to answer the
    next exchanges with. ``token_life`` and ``refresh_in`` are seconds.
    """

    login: str = "octocat"
    plan: str = "individual_pro"
    interval: int = 1
    expires_in: int = 899
    approve_after: int | None = None
    polls: list[str] = field(default_factory=list)
    exchange_failures: list[int] = field(default_factory=list)
    token_life: int = 1800
    refresh_in: int = 1500
    quota: Quota = field(default_factory=Quota)
    github_tokens: set[str] = field(default_factory=lambda: {"gho_granted0000"})
    copilot_tokens: dict[str, float] = field(default_factory=dict)
    devices: dict[str, Device] = field(default_factory=dict)
    _numbers: Any = field(default_factory=lambda: itertools.count(1), repr=False)
    _lock: Any = field(default_factory=threading.Lock, repr=False)

    # ---------------------------------------------------------- device login

    def begin(self, domain: str) -> dict[str, Any]:
        """Begin a device login."""
        number = next(self._numbers)
        device = Device(f"device{number:034d}", f"WDJB-{number:04d}")
        self.devices[device.code] = device
        return {
            "device_code": device.code,
            "user_code": device.user_code,
            "verification_uri": f"https://{domain}/login/device",
            "expires_in": self.expires_in,
            "interval": self.interval,
        }

    def poll(self, code: str) -> dict[str, Any]:
        """Answer a poll of a device login."""
        device = self.devices.get(code)
        if device is None:
            return {"error": "incorrect_device_code"}
        device.polls += 1
        if device.polls == self.approve_after:
            device.state = "approved"
        word = self.polls.pop(0) if self.polls else device.state
        if word != "approved":
            slow = {"interval": self.interval} if word == "slow_down" else {}
            return {"error": word, "error_description": f"Said: {word}.", **slow}
        token = f"gho_granted{next(self._numbers):04d}"
        self.github_tokens.add(token)
        return {"access_token": token, "token_type": "bearer", "scope": "read:user"}

    def settle(self, state: str) -> None:
        """Let all open device logins be approved, denied or expired."""
        for device in self.devices.values():
            device.state = state

    # ---------------------------------------------------------------- tokens

    def mint(self, proxy: str | None = f"proxy.{INDIVIDUAL}") -> str:
        """Give a fresh Copilot token."""
        expires = time.time() + self.token_life
        number = next(self._numbers)
        place = f"proxy-ep={proxy};" if proxy else ""
        facts = f"sku=monthly_subscriber_quota;{place}st=dotcom;chat=1;rt=1"
        token = f"tid={number:032x};exp={int(expires)};{facts}:{number:064x}"
        with self._lock:
            self.copilot_tokens[token] = expires
        return token

    def admits(self, token: str) -> bool:
        """Tell whether a Copilot token is known and still good."""
        return self.copilot_tokens.get(token, 0) > time.time()

    def expire(self) -> None:
        """Let all present Copilot tokens be too old."""
        with self._lock:
            self.copilot_tokens = dict.fromkeys(self.copilot_tokens, 0.0)

    def revoke(self) -> None:
        """Take all GitHub tokens back; Copilot tokens live on."""
        self.github_tokens.clear()

    def charge(self, cost: float) -> None:
        """Count a turn of the user against the quota."""
        with self._lock:
            self.quota.used += cost
