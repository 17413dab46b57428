"""A scripted OpenAI-compatible upstream on a real socket.

    with FakeUpstream() as up:
        up.script(Text("Hel"), Text("lo"), Finish("stop"), Usage(10, 2))
        ... let the gateway call up.url ...
        assert up.requests[0].json["stream"] is True

Each ``script``, ``reply``, ``play``, ``replay`` or ``respond`` answers at least one
request; the last one repeats. Without any, the upstream says a few words. It runs in
plain threads on 127.0.0.1 and closes everything when the ``with`` block ends.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.fakes.answers import Answer
from tests.fakes.answers import Plain
from tests.fakes.answers import Played
from tests.fakes.answers import Request
from tests.fakes.answers import Responder
from tests.fakes.answers import Script
from tests.fakes.bodies import embeddings
from tests.fakes.bodies import recorded
from tests.fakes.service import Service
from tests.fakes.steps import Chunk as Chunk
from tests.fakes.steps import Cut as Cut
from tests.fakes.steps import Delta as Delta
from tests.fakes.steps import Done as Done
from tests.fakes.steps import Endless as Endless
from tests.fakes.steps import Error as Error
from tests.fakes.steps import Finish as Finish
from tests.fakes.steps import Hang as Hang
from tests.fakes.steps import NoDone as NoDone
from tests.fakes.steps import NoRole as NoRole
from tests.fakes.steps import Pause as Pause
from tests.fakes.steps import Raw as Raw
from tests.fakes.steps import Reasoning as Reasoning
from tests.fakes.steps import Role as Role
from tests.fakes.steps import Step
from tests.fakes.steps import Text as Text
from tests.fakes.steps import Timings as Timings
from tests.fakes.steps import ToolCall as ToolCall
from tests.fakes.steps import Unframed as Unframed
from tests.fakes.steps import Usage as Usage
from tests.fakes.steps import Wait as Wait

GOLDEN = Path(__file__).parents[1] / "golden" / "llama"
GENERATION = ("/v1/chat/completions", "/v1/completions")
HELLO = Script((Text("Hello"), Text(" there."), Finish("stop"), Usage(10, 2)))
LOADING = Plain(
    503,
    {"error": {"message": "Loading model", "type": "unavailable_error", "code": 503}},
)
UNAUTHORIZED = Plain(
    401,
    {"error": {"message": "Invalid API Key", "type": "authentication_error"}},
)
NOT_FOUND = Plain(
    404,
    {"error": {"message": "File Not Found", "type": "not_found_error", "code": 404}},
)


class FakeUpstream(Service):
    """The upstream; ``url`` has no trailing slash and no ``/v1``.

    ``key`` is required as a bearer token or in ``x-api-key`` on all but the health
    paths. ``loading`` may be set and cleared at any time.
    """

    requests: list[Request]

    def __init__(self, *, key: str | None = None, loading: bool = False) -> None:
        super().__init__()
        self.key = key
        self.loading = loading
        self.models: Any = recorded("models")
        self.props: Any = recorded("props")
        self.health: Any = recorded("health")
        self.input_tokens = 30

    # ------------------------------------------------------------- answers

    def script(self, *steps: Step, path: str = "", **options: Any) -> None:
        """Answer with a script; ``options`` are the fields of ``Script``."""
        self.answer(Script(steps, **options), path)

    def reply(
        self, status: int, body: Any = "", *, path: str = "", **options: Any
    ) -> None:
        """Answer with a status and a body; ``options`` are the fields of ``Plain``."""
        self.answer(Plain(status, body, **options), path)

    def play(self, *acts: Any, path: str = "", **options: Any) -> None:
        """Answer with bytes on the bare socket; ``options`` as in ``Played``."""
        self.answer(Played(acts, **options), path)

    def replay(self, name: str, *, path: str = "", **options: Any) -> None:
        """Answer as a real llama-server once did: ``tests/golden/llama/<name>.json``.

        ``options`` are the fields of ``Script`` when the recording is a stream.
        """
        golden = json.loads((GOLDEN / f"{name}.json").read_text("utf-8"))
        kind = golden["headers"].get("Content-Type")
        if kind != "text/event-stream":
            reply = Plain(golden["status"], golden["body"], content_type=kind)
            self.answer(reply, path)
            return
        events = golden["body"].split("\n\n")[:-1]
        steps = [Raw(f"{one}\n\n".encode()) for one in events]
        self.answer(Script((*steps, NoDone()), **options), path)

    def respond(self, responder: Responder, *, path: str = "") -> None:
        """Answer with what a function of the request gives."""
        self.answer(responder, path)

    def answer(self, answer: Answer | Responder, path: str = "") -> None:
        """Queue an answer for a path; an empty path means both generation paths."""
        for each in (path,) if path else GENERATION:
            self._enqueue(each, answer)

    def requests_to(self, path: str) -> list[Request]:
        """Give the recorded requests of one path."""
        with self._lock:
            return [request for request in self.requests if request.path == path]

    @property
    def generations(self) -> list[Request]:
        """The recorded requests that asked for text, without probes."""
        with self._lock:
            return [r for r in self.requests if r.path in GENERATION]

    # ------------------------------------------------------------- serving

    def _choose(self, request: Request) -> Answer:
        """Pick the answer to a request."""
        if self.loading:
            return LOADING
        if not self._may(request):
            return UNAUTHORIZED
        queued = self._queued(request.path)
        if queued is None:
            return self._default(request)
        return queued if isinstance(queued, Answer) else queued(request)

    def _may(self, request: Request) -> bool:
        if self.key is None or request.path in ("/health", "/v1/health"):
            return True
        bearer = request.headers.get("authorization", "").removeprefix("Bearer ")
        return self.key in (bearer, request.headers.get("x-api-key"))

    def _default(self, request: Request) -> Answer:
        """Answer as llama-server does when nothing was scripted."""
        counted = {"input_tokens": self.input_tokens, "object": "response.input_tokens"}
        body = request.json if isinstance(request.json, dict) else {}
        table: dict[tuple[str, str], Answer] = {
            ("GET", "/v1/models"): Plain(200, self.models),
            ("GET", "/models"): Plain(200, self.models),
            ("GET", "/props"): Plain(200, self.props),
            ("GET", "/health"): Plain(200, self.health),
            ("GET", "/v1/health"): Plain(200, self.health),
            ("POST", "/v1/embeddings"): Plain(200, embeddings(body)),
            ("POST", "/v1/chat/completions/input_tokens"): Plain(200, counted),
            ("POST", "/v1/chat/completions"): HELLO,
            ("POST", "/v1/completions"): HELLO,
        }
        return table.get((request.method, request.path), NOT_FOUND)
