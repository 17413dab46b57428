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
import socket
import threading
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.fakes.answers import Answer
from tests.fakes.answers import Plain
from tests.fakes.answers import Played
from tests.fakes.answers import Request
from tests.fakes.answers import Responder
from tests.fakes.answers import Script
from tests.fakes.bodies import embeddings
from tests.fakes.bodies import recorded
from tests.fakes.connection import Connection
from tests.fakes.connection import PeerGone
from tests.fakes.steps import Chunk as Chunk
from tests.fakes.steps import Cut as Cut
from tests.fakes.steps import Delta as Delta
from tests.fakes.steps import Done as Done
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


class FakeUpstream:
    """The upstream; ``url`` has no trailing slash and no ``/v1``.

    ``key`` is required as a bearer token or in ``x-api-key`` on all but the health
    paths. ``loading`` may be set and cleared at any time.
    """

    def __init__(self, *, key: str | None = None, loading: bool = False) -> None:
        self.key = key
        self.loading = loading
        self.models: Any = recorded("models")
        self.props: Any = recorded("props")
        self.health: Any = recorded("health")
        self.input_tokens = 30
        self.requests: list[Request] = []
        self.errors: list[BaseException] = []
        self.connections = 0
        self._answers: dict[str, list[list[Any]]] = {}
        self._live: dict[int, Connection] = {}
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()
        self._listener: socket.socket | None = None
        self.port = 0

    # ------------------------------------------------------------ lifetime

    def __enter__(self) -> FakeUpstream:
        self.accept()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.refuse()
        for thread in self._threads:
            thread.join(5)
        if kind is None and self.errors:
            raise self.errors[0]

    @property
    def url(self) -> str:
        """The base URL."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def active(self) -> int:
        """How many connections are open now."""
        with self._lock:
            return len(self._live)

    def accept(self) -> None:
        """Listen; after ``refuse`` on the same port again."""
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self.port))
        listener.listen(256)
        self.port = listener.getsockname()[1]
        self._listener = listener
        self._start(self._accept_all, listener)

    def refuse(self) -> None:
        """Go down: refuse connections and drop the open ones."""
        listener, self._listener = self._listener, None
        if listener is None:
            return
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        with self._lock:
            live = list(self._live.values())
        for connection in live:
            connection.interrupt()

    def _start(self, target: Any, *arguments: Any) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

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
        with self._lock:
            for each in (path,) if path else GENERATION:
                self._answers.setdefault(each, []).append([answer, 0])

    def reset(self) -> None:
        """Forget queued answers and recorded requests."""
        with self._lock:
            self._answers.clear()
            self.requests.clear()

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

    def _accept_all(self, listener: socket.socket) -> None:
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            with self._lock:
                self.connections += 1
                number = self.connections
                connection = Connection(sock)
                self._live[number] = connection
            if self._listener is not listener:
                connection.interrupt()
            self._start(self._serve, connection, number)

    def _serve(self, connection: Connection, number: int) -> None:
        last: Request | None = None
        count = 0
        try:
            while connection.open and self._listener is not None:
                head = connection.read_request()
                if head is None:
                    break
                count += 1
                path, _, query = head.target.partition("?")
                last = Request(head.method, path, query, head.headers, head.body)
                last.number, last.connection = count, number
                with self._lock:
                    self.requests.append(last)
                self._choose(last).send(connection, last)
                last.completed.set()
        except PeerGone:
            pass
        except Exception as error:  # noqa: BLE001 (a broken script must fail the test)
            self.errors.append(error)
        finally:
            # What this side closed is not the peer's leaving.
            if last is not None and connection.open:
                last.mark_closed()
            connection.close()
            with self._lock:
                del self._live[number]

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

    def _queued(self, path: str) -> Answer | Responder | None:
        with self._lock:
            queue = self._answers.get(path, [])
            if len(queue) > 1 and queue[0][1]:
                queue.pop(0)
            if not queue:
                return None
            queue[0][1] += 1
            chosen: Answer | Responder = queue[0][0]
            return chosen

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
