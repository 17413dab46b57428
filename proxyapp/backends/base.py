"""What a backend is to the rest of the house."""

from collections.abc import Iterator
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field
from typing import Literal
from typing import Protocol

from proxyapp.neutral.events import Event
from proxyapp.neutral.record import Caller
from proxyapp.neutral.record import Record
from proxyapp.neutral.request import ChatRequest
from proxyapp.neutral.request import CompletionRequest
from proxyapp.neutral.request import EmbeddingRequest
from proxyapp.neutral.request import Embeddings

Capability = Literal[
    "completion", "tools", "vision", "thinking", "embedding", "insert", "audio"
]

Batch = Sequence[Event]
"""Events that arrived together; an empty batch says: still waiting."""

SILENCE: Batch = ()


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """One model a backend serves.

    ``id`` is the friendly name clients see, ``upstream_id`` what the backend calls
    it. ``aliases`` are the owner's further names for it, which are listed too;
    ``also_known`` are names the server itself goes by, such as a path, which are
    accepted but not shown. ``context_length`` is what one request may use, and
    ``max_output`` what one reply may hold, in tokens, if it is known.
    """

    id: str
    backend: str
    upstream_id: str
    aliases: tuple[str, ...] = ()
    also_known: tuple[str, ...] = ()
    context_length: int | None = None
    max_output: int | None = None
    capabilities: frozenset[Capability] = frozenset({"completion"})
    family: str = "unknown"
    parameter_size: str = ""
    quantization: str = ""
    size: int = 0
    created: int = 0
    owned_by: str = "proxyapp"

    @property
    def names(self) -> tuple[str, ...]:
        """Every name that leads here."""
        return (self.id, *self.aliases, *self.also_known)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing a check found: its ``remedy`` is what to do, empty if all is well."""

    ok: bool
    subject: str
    message: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Forwarded:
    """A reply carried as it is: status, media type and whole body."""

    status: int
    content_type: str
    body: bytes = field(repr=False)


class Personal(Protocol):
    """A backend whose callers may each have models of their own."""

    name: str

    def models_of(self, caller: Caller) -> list[ModelInfo]:
        """List what this caller is served; nothing if all see the same."""

    def model(self, name: str) -> ModelInfo:
        """Describe a model that no list need hold."""


class Backend(Protocol):
    """A server that answers.

    The iterators tick: they yield an empty batch at least every quarter second while
    nothing arrives, so that whoever reads can keep its own client alive. They raise
    UpstreamError or BadRequest, and closing them ends the work upstream.
    """

    name: str

    def models(self) -> list[ModelInfo]:
        """List what is served now; raise UpstreamError when that cannot be told."""

    def chat(
        self, model: ModelInfo, request: ChatRequest, record: Record
    ) -> Iterator[Batch]:
        """Continue a conversation; ``record`` tells who asks for it."""

    def complete(self, model: ModelInfo, request: CompletionRequest) -> Iterator[Batch]:
        """Continue bare text."""

    def embed(self, model: ModelInfo, request: EmbeddingRequest) -> Embeddings:
        """Turn texts into vectors."""

    def count(self, model: ModelInfo, request: ChatRequest) -> int | None:
        """Count a prompt's tokens, or None where the backend cannot."""

    def forward(
        self, endpoint: str, method: str, path: str, body: bytes, content_type: str
    ) -> Forwarded:
        """Carry one of the optional OpenAI endpoints; raise NotSupported without it."""

    def check(self) -> list[Finding]:
        """Examine the server as a user would, and name what is wrong."""
