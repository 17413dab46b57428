"""GitHub and Copilot on a loopback port: every host of theirs under one address.

    with FakeCopilot() as github:
        github.script(Text("Hel"), Text("lo"))
        ... whatever fetches https://HOST/PATH is told to fetch github.url/HOST/PATH ...
        assert github.generations[0].initiator == "user"

Scripts, replies and bytes are queued for a model, for words of the user's last
message, for a path, or for all; the first of these that has an answer gives it. Each
answers at least one call, the last one repeats. Without any, ``play NAME`` in the
user's message chooses a scenario, and else a few words are said.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable
from typing import Any

from tests.fakes.answers import Answer
from tests.fakes.answers import Plain
from tests.fakes.answers import Played
from tests.fakes.connection import Head
from tests.fakes.copilot import github as site
from tests.fakes.copilot import refusals
from tests.fakes.copilot.accounts import Account
from tests.fakes.copilot.answers import Scripted
from tests.fakes.copilot.answers import WRITERS
from tests.fakes.copilot.call import Call
from tests.fakes.copilot.models import all_models
from tests.fakes.copilot.models import Model
from tests.fakes.copilot.objections import objection
from tests.fakes.copilot.scenarios import wished
from tests.fakes.copilot.steps import Text
from tests.fakes.copilot.steps import Usage
from tests.fakes.service import Service

COPILOT = ".githubcopilot.com"
HELLO = Scripted((Text("Hello"), Text(" there."), Usage(10, 2)))
Responder = Callable[[Call], Answer]


class FakeCopilot(Service):
    """The services of one account; ``domains`` are those of enterprises.

    ``strict`` refuses what the real APIs refuse in a conversation. ``models_answer``
    replaces the list of models.
    """

    requests: list[Call]

    def __init__(self, *domains: str) -> None:
        super().__init__()
        self.domains = ["github.com", *(domains or ("acme.ghe.com",))]
        self.account = Account()
        self.models: dict[str, Model] = all_models()
        self.models_answer: Answer | None = None
        self.strict = True
        self._keys: list[tuple[str, str, str]] = []
        self._ids = itertools.count(1)

    # ------------------------------------------------------------- account

    @property
    def github_token(self) -> str:
        """A GitHub token that may be exchanged."""
        return sorted(self.account.github_tokens)[0]

    def copilot_token(self) -> str:
        """Give a fresh Copilot token."""
        return self.account.mint()

    def approve(self) -> None:
        """Let the user approve all open device logins."""
        self.account.settle("approved")

    def deny(self) -> None:
        """Let the user deny them."""
        self.account.settle("access_denied")

    def lapse(self) -> None:
        """Let them be too old."""
        self.account.settle("expired_token")

    def expire(self) -> None:
        """Let all present Copilot tokens be too old."""
        self.account.expire()

    def revoke(self) -> None:
        """Take all GitHub tokens back."""
        self.account.revoke()

    def fail_exchange(self, *statuses: int) -> None:
        """Answer the next exchanges with these statuses."""
        self.account.exchange_failures.extend(statuses)

    def exhaust(self, status: int = 402, code: str = "quota_exceeded") -> None:
        """Refuse premium models for want of quota."""
        self.account.quota.refusal = (status, code)

    # ------------------------------------------------------------- answers

    def script(
        self,
        *steps: Any,
        model: str = "",
        said: str = "",
        path: str = "",
        **options: Any,
    ) -> None:
        """Answer with a script; ``options`` are the fields of ``Scripted``."""
        self.answer(Scripted(steps, **options), model=model, said=said, path=path)

    def reply(self, status: int, body: Any = "", **where: Any) -> None:
        """Answer with a status and a body, and ``headers`` if given."""
        headers = {"Server": "github.com", **where.pop("headers", {})}
        kind = where.pop("content_type", refusals.JSON)
        self.answer(Plain(status, body, headers, kind), **where)

    def play(self, *acts: Any, **where: Any) -> None:
        """Answer with bytes on the bare socket."""
        self.answer(Played(acts), **where)

    def respond(self, responder: Responder, **where: Any) -> None:
        """Answer with what a function of the call gives."""
        self.answer(responder, **where)

    def answer(
        self,
        answer: Answer | Scripted | Responder,
        *,
        model: str = "",
        said: str = "",
        path: str = "",
    ) -> None:
        """Queue an answer of the generating endpoints."""
        key = (said, model, path)
        if key not in self._keys:
            # Words are closer to the call than its model, and that than its path.
            self._keys = sorted([*self._keys, key], key=lambda k: [not p for p in k])
        self._enqueue(key, answer)

    def requests_to(self, path: str) -> list[Call]:
        """Give the recorded calls of one path, on whatever host."""
        with self._lock:
            return [call for call in self.requests if call.path == path]

    @property
    def generations(self) -> list[Call]:
        """The recorded calls that asked for an answer."""
        with self._lock:
            return [call for call in self.requests if call.path in WRITERS]

    @property
    def exchanges(self) -> int:
        """How often a Copilot token was asked for."""
        return len(self.requests_to("/copilot_internal/v2/token"))

    # ------------------------------------------------------------- serving

    def _received(self, head: Head) -> Call:
        target, _, query = head.target.partition("?")
        _, host, path = [*target.split("/", 2), ""][:3]
        return Call(head.method, f"/{path}", query, head.headers, head.body, host=host)

    def _choose(self, call: Call) -> Any:
        route = self._route(call)
        if route is not None:
            return self._named(route)
        if call.host.endswith(COPILOT) or call.host in self._enterprise_hosts():
            return self._named(self._copilot(call))
        return self._named(refusals.not_found())

    def _route(self, call: Call) -> Any:
        """Answer for GitHub itself, if the host is its."""
        for domain in self.domains:
            routes = {domain: site.SITE, f"api.{domain}": site.API}.get(call.host)
            if routes is not None:
                route = routes.get((call.method, call.path))
                found = route(self.account, call, domain) if route else None
                return found or refusals.not_found()
        return None

    def _enterprise_hosts(self) -> set[str]:
        return {f"copilot-api.{domain}" for domain in self.domains[1:]}

    def _named(self, answer: Any) -> Any:
        """Give every reply an id of its own."""
        number = next(self._ids)
        named = {
            "X-Request-Id": f"00000000-0000-4000-8000-{number:012d}",
            "X-GitHub-Request-Id": f"FF66:27F1BF:167DDDF:1C4C340:{number:08X}",
        }
        if not isinstance(answer, Plain | Scripted):
            return answer
        return dataclasses.replace(answer, headers={**named, **answer.headers})

    def _copilot(self, call: Call) -> Any:
        """Answer for the service."""
        if not self.account.admits(call.token):
            return refusals.expired()
        if "editor-version" not in call.headers:
            return refusals.plain(400, refusals.EDITOR)
        if (call.method, call.path) == ("GET", "/models"):
            return self.models_answer or self._list()
        if call.path.startswith("/models/") and call.path.endswith("/policy"):
            return self._policy(call)
        if call.method != "POST" or call.path not in WRITERS:
            return refusals.not_found()
        return self._refused(call) or self._generate(call)

    def _list(self) -> Plain:
        listed = [model.entry() for model in self.models.values()]
        return refusals.reply(200, {"data": listed, "object": "list"})

    def _policy(self, call: Call) -> Plain:
        model = self.models.get(call.path.split("/")[2])
        if model is None:
            return refusals.not_found()
        if model.policy == "disabled":
            return refusals.plain(403, "policy is set by the organization\n")
        model.policy = str(call.fields.get("state", "enabled"))
        return refusals.reply(200, {"state": model.policy})

    def _refused(self, call: Call) -> Plain | None:
        """Give the reason why this call may not generate, if there is one."""
        model = self.models.get(call.model)
        if model is None or model.type != "chat":
            return refusals.unknown_model()
        if not model.serves(call.path):
            return refusals.wrong_endpoint(model.id, call.path)
        by_policy = {
            "disabled": refusals.shut_off,
            "unconfigured": lambda: refusals.terms_open(model.id),
        }
        if model.policy in by_policy:
            return by_policy[model.policy]()
        if call.images and call.headers.get("copilot-vision-request") != "true":
            return refusals.refusal(400, refusals.VISION, "invalid_request_body")
        quota = self.account.quota
        if quota.refusal and model.premium:
            return refusals.exhausted(*quota.refusal, quota.retry_after)
        wrong = objection(call) if self.strict else None
        return refusals.bad_request(wrong) if wrong else None

    def _generate(self, call: Call) -> Any:
        chosen = self._scripted(call)
        if callable(chosen) and not isinstance(chosen, Plain | Scripted | Played):
            chosen = chosen(call)
        if not isinstance(chosen, Scripted):
            return chosen
        model = self.models[call.model]
        if model.premium and call.initiator == "user":
            self.account.charge(model.multiplier)
        shown = {**self.account.quota.headers(), **chosen.headers}
        return dataclasses.replace(chosen, headers=shown)

    def _scripted(self, call: Call) -> Any:
        """Pick what to answer a call with."""
        for said, model, path in self._keys:
            fits = model in ("", call.model) and path in ("", call.path)
            if fits and said in call.said:
                found = self._queued((said, model, path))
                if found is not None:
                    return found
        return wished(call.said) or HELLO
