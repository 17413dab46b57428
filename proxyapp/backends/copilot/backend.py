"""GitHub Copilot as a backend: neutral requests out, neutral events in."""

from collections.abc import Generator
from collections.abc import Iterator
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from proxyapp.backends.base import Batch
from proxyapp.backends.base import Finding
from proxyapp.backends.base import Forwarded
from proxyapp.backends.base import ModelInfo
from proxyapp.backends.base import SILENCE
from proxyapp.backends.copilot.client import CopilotClient
from proxyapp.backends.copilot.context import encode_context
from proxyapp.backends.copilot.context import offered_tools
from proxyapp.backends.copilot.events import EventReader
from proxyapp.backends.copilot.failures import from_rpc
from proxyapp.backends.copilot.models import catalogued
from proxyapp.backends.copilot.models import CopilotModel
from proxyapp.backends.copilot.models import read_model
from proxyapp.backends.copilot.models import read_models
from proxyapp.backends.copilot.options import encode_options
from proxyapp.backends.copilot.options import encode_payload
from proxyapp.backends.copilot.premium import initiator_of
from proxyapp.backends.copilot.premium import PremiumBounds
from proxyapp.backends.copilot.rpc import Connection
from proxyapp.backends.copilot.rpc import ConnectionLost
from proxyapp.backends.copilot.rpc import TICK
from proxyapp.errors import BadRequest
from proxyapp.errors import NotSupported
from proxyapp.errors import ProxyError
from proxyapp.errors import Unauthorized
from proxyapp.errors import UpstreamError
from proxyapp.errors import UpstreamIncomplete
from proxyapp.neutral.record import Caller
from proxyapp.neutral.record import Record
from proxyapp.neutral.request import ChatRequest
from proxyapp.neutral.request import CompletionRequest
from proxyapp.neutral.request import EmbeddingRequest
from proxyapp.neutral.request import Embeddings
from proxyapp.runtime import Task
from proxyapp.settings.schema import CopilotSettings

Catalogue = Mapping[str, Mapping[str, Any]]

_LISTING = 20.0
"""Seconds that GitHub may take to list the models."""


class CopilotBackend:
    """The models of one GitHub account, or of each caller's own.

    ``store`` is the file the login is kept in. Without it, and unless callers bring
    their own tokens, there are no models, and the Node process is not started.
    """

    name = "copilot"

    def __init__(
        self,
        settings: CopilotSettings,
        client: CopilotClient,
        bounds: PremiumBounds,
        catalogue: Catalogue,
        store: Path,
    ) -> None:
        self.settings = settings
        self.client = client
        self._bounds = bounds
        self._catalogue = catalogue
        self._store = store
        self._managed = settings.auth == "managed"
        self._known = catalogued(catalogue, settings.models)
        self._unlisted = True

    def models(self) -> list[ModelInfo]:
        """List the account's models, or all that are known if callers have their own.

        A list that cannot be renewed stays as it was.
        """
        if self._managed:
            if not self._store.exists():
                return []
            try:
                self.subscription()
            except UpstreamError:
                if self._unlisted:
                    raise
        return [model.info(self.name) for model in self._known.values()]

    def subscription(self) -> list[CopilotModel]:
        """Ask for the models of the gateway's own login."""
        self._known = self._listed({"mode": "managed"})
        self._unlisted = False
        return list(self._known.values())

    def models_of(self, caller: Caller) -> list[ModelInfo]:
        """List the models of the account whose token the caller brought.

        What they brought may be no such token, and what they ask for another model.
        """
        if self._managed or not caller.credential:
            return []
        try:
            found = self._listed(self._auth(caller))
        except ProxyError:
            return []
        return [model.info(self.name) for model in found.values()]

    def model(self, name: str) -> ModelInfo:
        """Describe a model that only the account knows."""
        return self._model(name).info(self.name)

    def _listed(self, auth: dict[str, str]) -> dict[str, CopilotModel]:
        found = self.client.ask("models.list", {"auth": auth}, _LISTING)
        entries = found.get("models", []) if isinstance(found, dict) else []
        return read_models(entries, self._catalogue, self.settings.models)

    def _model(self, name: str) -> CopilotModel:
        known = self._known.get(name)
        return known or read_model({"id": name}, self._catalogue)

    def chat(
        self, model: ModelInfo, request: ChatRequest, record: Record
    ) -> Iterator[Batch]:
        """Continue a conversation."""
        known = self._model(model.upstream_id)
        context = encode_context(request, known)
        params = {
            "model": known.wire(),
            "context": context,
            "options": encode_options(request, known),
            "payloadPatch": encode_payload(request, known),
            "rawTools": offered_tools(request),
            "auth": self._auth(record.caller),
            "timeouts": {"idleMs": round(self.settings.idle_timeout * 1000)},
        }
        premium = self._bounds.admit(known, initiator_of(context))
        return self._read(params, EventReader(model.id, record, premium))

    def _read(
        self, params: dict[str, Any], reader: EventReader
    ) -> Generator[Batch, None, None]:
        """Read a reply; a call that died before it said anything is made once more."""
        try:
            yield from self._call(params, reader)
        except ConnectionLost as lost:
            if reader.heard:
                raise _broken(lost) from None
        else:
            return
        try:
            yield from self._call(params, reader)
        except ConnectionLost as lost:
            raise _broken(lost) from None

    def _call(
        self, params: dict[str, Any], reader: EventReader
    ) -> Generator[Batch, None, None]:
        connection = yield from self._connected()
        try:
            connection.send("chat.stream", params)
            for messages in connection.messages():
                if not messages:
                    self.client.feel_pulse()
                yield reader.feed(messages) if messages else SILENCE
                if reader.failure is not None:
                    name = params["model"]["id"]
                    raise from_rpc(reader.failure, name, managed=self._managed)
                if reader.done:
                    return
        finally:
            connection.close()

    def _connected(self) -> Generator[Batch, None, Connection]:
        """Open a connection, ticking: the process may have to be started first."""
        task = Task(self.client.connect, Connection.close)
        try:
            while not task.wait(TICK):
                yield SILENCE
        except BaseException:
            task.cancel()
            raise
        return task.result()

    def _auth(self, caller: Caller) -> dict[str, str]:
        if self._managed:
            return {"mode": "managed"}
        if not caller.credential:
            raise Unauthorized(
                "A GitHub Copilot token is needed: send yours as 'Authorization: Bearer"
                " TOKEN' or 'x-api-key: TOKEN'.",
                headers={"WWW-Authenticate": "Bearer"},
            )
        return {"mode": "token", "token": caller.credential}

    def complete(self, model: ModelInfo, request: CompletionRequest) -> Iterator[Batch]:
        """Refuse: Copilot's models hold conversations only."""
        raise BadRequest(
            f"'{model.id}' on GitHub Copilot does not continue bare text; use the chat"
            " endpoint.",
            param="model",
        )

    def embed(self, model: ModelInfo, request: EmbeddingRequest) -> Embeddings:
        """Refuse: pi-ai lists no model that could."""
        raise BadRequest(
            f"'{model.id}' on GitHub Copilot makes no embeddings; ask another model.",
            param="model",
        )

    def count(self, model: ModelInfo, request: ChatRequest) -> int | None:
        """Count nothing: Copilot has no endpoint for it."""
        return None

    def forward(
        self, endpoint: str, method: str, path: str, body: bytes, content_type: str
    ) -> Forwarded:
        """Refuse: Copilot has none of these endpoints."""
        raise NotSupported(f"GitHub Copilot has no {endpoint} endpoint.")

    def check(self) -> list[Finding]:
        """Look whether the login works; without one there is nothing to look at."""
        if not self._managed or not self._store.exists():
            return []
        try:
            models = self.models()
        except UpstreamError as error:
            remedy = "python -m proxyapp copilot status"
            return [Finding(False, self.name, error.message, remedy)]
        found = f"{len(models)} models of the subscription answer"
        return [Finding(True, self.name, found)]


def _broken(lost: ConnectionLost) -> UpstreamError:
    return UpstreamIncomplete(
        f"The GitHub Copilot helper broke off: {lost}. Send the request again; if this"
        " happens often, its log is in the state directory."
    )
