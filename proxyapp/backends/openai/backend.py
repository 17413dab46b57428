"""llama-server, or any other server that speaks OpenAI's dialect."""

import base64
import contextlib
import struct
from array import array
from collections.abc import Generator
from collections.abc import Iterator
from typing import Any

from proxyapp.backends.base import Batch
from proxyapp.backends.base import Finding
from proxyapp.backends.base import Forwarded
from proxyapp.backends.base import ModelInfo
from proxyapp.backends.base import SILENCE
from proxyapp.backends.http import HttpClient
from proxyapp.backends.http import read_all
from proxyapp.backends.http import StreamResponse
from proxyapp.backends.openai.check import check_server
from proxyapp.backends.openai.decode import ReplyReader
from proxyapp.backends.openai.discover import model_info
from proxyapp.backends.openai.encode import encode_chat
from proxyapp.backends.openai.encode import encode_completion
from proxyapp.backends.openai.encode import filtered
from proxyapp.backends.openai.failures import from_response
from proxyapp.backends.openai.media import refuse_unread
from proxyapp.errors import BadRequest
from proxyapp.errors import NotSupported
from proxyapp.errors import ProxyError
from proxyapp.errors import UpstreamError
from proxyapp.errors import UpstreamInvalid
from proxyapp.neutral.record import Record
from proxyapp.neutral.request import ChatRequest
from proxyapp.neutral.request import CompletionRequest
from proxyapp.neutral.request import EmbeddingRequest
from proxyapp.neutral.request import Embeddings
from proxyapp.neutral.request import Vector
from proxyapp.settings.schema import BackendSettings
from proxyapp.settings.schema import UpstreamSettings
from proxyapp.wire import jsons

_ASK = 2.0
"""Seconds a question about the server itself may take."""
_COUNT = 10.0
"""Seconds the tokens of a prompt may take to be counted."""


class OpenAIBackend:
    """One server behind one URL; its quirks are the ``compat`` of its settings."""

    def __init__(self, settings: BackendSettings, upstream: UpstreamSettings) -> None:
        self.name = settings.name
        self._settings = settings
        self._compat = settings.compat
        headers = {"Authorization": f"Bearer {settings.key}"} if settings.key else {}
        self._http = HttpClient(
            settings.url,
            headers=headers,
            connect_timeout=upstream.connect_timeout,
            idle_timeout=upstream.idle_timeout,
        )

    @property
    def unavailable(self) -> bool:
        """Tell whether connections to the server keep failing."""
        return self._http.breaker.broken

    def models(self) -> list[ModelInfo]:
        """List the configured models, or those the server names."""
        if self._settings.models:
            entries: list[Any] = [{"id": name} for name in self._settings.models]
        else:
            entries = self._listed()
        props = self._props() if len(entries) == 1 else {}
        aliases = self._settings.aliases
        return [
            model_info(
                self.name,
                entry,
                props,
                tuple(alias for alias, name in aliases.items() if name == entry["id"]),
            )
            for entry in entries
        ]

    def _listed(self) -> list[dict[str, Any]]:
        listing = self._http.json("/v1/models", _ASK)
        data = listing.get("data") if isinstance(listing, dict) else None
        if not isinstance(data, list):
            raise UpstreamInvalid(f"{self._http.url}/v1/models lists no models.")
        return [e for e in data if isinstance(e, dict) and isinstance(e.get("id"), str)]

    def _props(self) -> dict[str, Any]:
        if not self._compat.llama_extensions:
            return {}
        try:
            props = self._http.json("/props", _ASK)
        except UpstreamError:
            return {}
        return props if isinstance(props, dict) else {}

    def chat(
        self, model: ModelInfo, request: ChatRequest, record: Record
    ) -> Iterator[Batch]:
        """Continue a conversation."""
        if request.n > 1 and not self._compat.supports_n:
            raise BadRequest("This backend makes one choice only.", param="n")
        refuse_unread(request.messages, self._compat)
        body = encode_chat(model.upstream_id, request, self._compat)
        reader = ReplyReader(model.id, choices=request.n)
        return self._read("/v1/chat/completions", body, reader)

    def complete(self, model: ModelInfo, request: CompletionRequest) -> Iterator[Batch]:
        """Continue bare text."""
        self._can("completions", self._compat.supports_completions)
        if request.suffix and not self._compat.supports_suffix:
            raise BadRequest(
                "This backend does not complete with a suffix.", param="suffix"
            )
        if request.echo and self._compat.llama_extensions:
            raise BadRequest("llama-server does not echo the prompt.", param="echo")
        body = encode_completion(model.upstream_id, request, self._compat)
        reader = ReplyReader(model.id, "text", request.choices)
        return self._read("/v1/completions", body, reader)

    def _read(
        self, path: str, body: dict[str, Any], reader: ReplyReader
    ) -> Generator[Batch, None, None]:
        payload = jsons.dumps(filtered(body, self._settings.filters))
        response = yield from _silently(self._http.opening("POST", path, payload))
        try:
            self._raise_for(response)
            portions = response.portions()
            for data in portions:
                yield reader.feed(data) if data else SILENCE
                if reader.failure is not None:
                    raise reader.failure
                if reader.done:
                    break
            yield reader.end()
            _finish(portions)
        except ProxyError as error:
            raise self._discreet(error) from None
        finally:
            response.close()

    def _discreet(self, error: ProxyError) -> ProxyError:
        """Take our key out of an upstream's words; some quote the one they refuse."""
        key = self._settings.key
        if key and key in error.message:
            error.message = error.message.replace(key, "***")
            error.args = (error.message,)
        return error

    def _raise_for(self, response: StreamResponse) -> None:
        if response.status_code == 200:
            return
        body = read_all(response)
        raise from_response(
            self._http.url,
            response.status_code,
            body,
            response.headers.get("Retry-After"),
        )

    def embed(self, model: ModelInfo, request: EmbeddingRequest) -> Embeddings:
        """Turn texts into vectors."""
        self._can("embeddings", self._compat.supports_embeddings)
        body = {
            "model": model.upstream_id,
            "input": list(request.inputs),
            "encoding_format": "float",
        }
        payload = jsons.dumps(filtered(body, self._settings.filters))
        response, data = self._http.document("POST", "/v1/embeddings", payload)
        if response.status_code != 200:
            error = from_response(
                self._http.url,
                response.status_code,
                data,
                response.headers.get("Retry-After"),
            )
            raise self._discreet(error)
        return _read_embeddings(data, len(request.inputs))

    def count(self, model: ModelInfo, request: ChatRequest) -> int | None:
        """Count with llama-server's own endpoint; other servers have none."""
        if not self._compat.llama_extensions:
            return None
        body = encode_chat(model.upstream_id, request, self._compat)
        response, data = self._http.document(
            "POST",
            "/v1/chat/completions/input_tokens",
            jsons.dumps(body),
            timeout=_COUNT,
        )
        return _read_count(data) if response.status_code == 200 else None

    def forward(
        self, endpoint: str, method: str, path: str, body: bytes, content_type: str
    ) -> Forwarded:
        """Carry an optional endpoint this backend is configured to have."""
        self._can(endpoint, endpoint in self._settings.endpoints)
        response, data = self._http.document(
            method, path, body or None, content_type=content_type
        )
        media_type = response.headers.get("Content-Type", "")
        if not (media_type.isascii() and media_type.isprintable() and media_type):
            media_type = "application/octet-stream"
        key = (self._settings.key or "").encode()
        if key and response.status_code != 200:
            data = data.replace(key, b"***")
        return Forwarded(response.status_code, media_type, data)

    def _can(self, what: str, supported: bool) -> None:
        if not supported:
            raise NotSupported(f"The backend '{self.name}' has no {what} endpoint.")

    def check(self) -> list[Finding]:
        """Examine the server as a user would."""
        return check_server(self.name, self._http, llama=self._compat.llama_extensions)


def _silently(
    opening: Generator[bytes, None, StreamResponse],
) -> Generator[Batch, None, StreamResponse]:
    """Wait for a reply's head, ticking."""
    try:
        while True:
            next(opening)
            yield SILENCE
    except StopIteration as opened:
        return opened.value  # type: ignore[no-any-return]
    finally:
        opening.close()


def _finish(portions: Iterator[bytes]) -> None:
    """Read the end of a body behind ``[DONE]``, so that its connection serves again.

    A server that holds it back is not waited for, and the reply is complete whatever
    comes.
    """
    with contextlib.suppress(UpstreamError):
        for data in portions:
            if not data:
                return


def _read_count(data: bytes) -> int | None:
    try:
        tokens = jsons.loads(data)["input_tokens"]
    except (ValueError, KeyError, TypeError):
        return None
    return tokens if isinstance(tokens, int) else None


def _read_embeddings(data: bytes, wanted: int) -> Embeddings:
    try:
        document = jsons.loads(data)
        entries = sorted(document["data"], key=lambda entry: int(entry["index"]))
        vectors = tuple(_vector(entry["embedding"]) for entry in entries)
        tokens = document.get("usage", {}).get("prompt_tokens", 0)
    except (ValueError, KeyError, TypeError, AttributeError, struct.error):
        raise UpstreamInvalid("The model server sent no readable embeddings.") from None
    if len(vectors) != wanted:
        raise UpstreamInvalid(
            f"The model server sent {len(vectors)} embeddings for {wanted} inputs."
        )
    return Embeddings(vectors, tokens if isinstance(tokens, int) else 0)


def _vector(value: Any) -> Vector:
    """Read a vector: numbers, or base64 of little-endian 32-bit floats.

    There may be millions of numbers, and in a list each takes four times the room.
    """
    if isinstance(value, str):
        raw = base64.b64decode(value, validate=True)
        value = struct.unpack(f"<{len(raw) // 4}f", raw)
    return array("d", value)
