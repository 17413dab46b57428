"""What a request costs of the subscription, and the owner's bounds on it.

GitHub counts turns that a user began, each by the multiplier of its model; what an
agent goes on with by itself is not counted. The last message decides who began it, as
it does for pi-ai.
"""

import datetime
import fcntl
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from proxyapp.backends.copilot.failures import QuotaSpent
from proxyapp.backends.copilot.models import CopilotModel
from proxyapp.errors import UpstreamRateLimited

_UNKNOWN = 1.0


def initiator_of(context: dict[str, Any]) -> str:
    """Tell who began the turn: ``user``, unless something else was said last."""
    messages = context["messages"]
    last = messages[-1]["role"] if messages else "user"
    return "user" if last == "user" else "agent"


class PremiumBounds:
    """The owner's daily budget, and the least time between two requests that cost.

    ``spent_today`` tells what was spent since midnight, in premium requests. The
    stamp is one file for all workers, by the machine's own clock.
    """

    def __init__(
        self,
        budget: float,
        spacing: float,
        spent_today: Callable[[], float],
        stamp: Path,
    ) -> None:
        self._budget = budget
        self._spacing = spacing
        self._spent_today = spent_today
        self._stamp = stamp

    def admit(self, model: CopilotModel, initiator: str) -> float:
        """Give what the request will cost; raise if the owner's bounds forbid it."""
        multiplier = _UNKNOWN if model.multiplier is None else model.multiplier
        cost = multiplier if initiator == "user" else 0.0
        if cost and self._budget:
            self._keep_budget(cost)
        if cost and self._spacing:
            self._keep_distance()
        return cost

    def _keep_budget(self, cost: float) -> None:
        spent = self._spent_today()
        if spent + cost > self._budget:
            raise QuotaSpent(
                f"This request would cost {cost:g} premium requests, {spent:g} were"
                f" spent today, and the owner allows {self._budget:g} a day"
                " (copilot.daily_budget). The count starts anew at midnight.",
                retry_after=str(_until_midnight()),
            )

    def _keep_distance(self) -> None:
        stamp = os.open(self._stamp, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            wait = self._wait(stamp)
        finally:
            os.close(stamp)
        if wait > 0:
            raise UpstreamRateLimited(
                f"Premium requests are kept {self._spacing:g} s apart"
                " (copilot.spacing); ask again in a moment.",
                retry_after=str(max(1, round(wait))),
            )

    def _wait(self, stamp: int) -> float:
        """Give the seconds still to wait; if there are none, this is the last one."""
        try:
            fcntl.flock(stamp, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return self._spacing
        now = time.monotonic()
        written = os.read(stamp, 32)
        passed = now - float(written) if written else self._spacing
        # A stamp from before the machine was started lies in the future.
        if 0 <= passed < self._spacing:
            return self._spacing - passed
        os.ftruncate(stamp, 0)
        os.pwrite(stamp, str(now).encode(), 0)
        return 0.0


def _until_midnight() -> int:
    now = datetime.datetime.now().astimezone()
    tomorrow = now.date() + datetime.timedelta(days=1)
    midnight = datetime.datetime.combine(tomorrow, datetime.time()).astimezone()
    return max(1, round((midnight - now).total_seconds()))
