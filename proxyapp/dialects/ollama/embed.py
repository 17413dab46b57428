"""Embeddings: today's request, the older one, and their replies."""

import re
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from proxyapp.dialects import fields
from proxyapp.errors import BadRequest
from proxyapp.errors import ContextOverflow
from proxyapp.neutral.request import EmbeddingRequest
from proxyapp.neutral.request import Embeddings
from proxyapp.wire import jsons

_ATTEMPTS = 4
_TOO_LARGE = re.compile(
    r"input \((\d+) tokens\) is too large to process\..*batch size: (\d+)"
)


def decode_embed(body: fields.Body) -> EmbeddingRequest:
    """Read a request of /api/embed; no input is no vectors. Raises BadRequest."""
    return EmbeddingRequest(
        model=fields.text(body, "model"),
        inputs=_inputs(body.get("input")),
        dimensions=fields.integer(body, "dimensions", low=1),
    )


def decode_embeddings(body: fields.Body) -> EmbeddingRequest:
    """Read a request of the older /api/embeddings: one prompt, or none."""
    prompt = fields.optional(body, "prompt", str)
    return EmbeddingRequest(
        model=fields.text(body, "model"), inputs=(prompt,) if prompt else ()
    )


def _inputs(value: Any) -> tuple[str, ...]:
    if value is None or value == "":
        return ()
    if isinstance(value, str):
        return (value,)
    if isinstance(value, list) and all(isinstance(text, str) for text in value):
        return tuple(value)
    raise BadRequest("'input' must be a text or a list of texts.", param="input")


def embedded(
    embed: Callable[[EmbeddingRequest], Embeddings],
    request: EmbeddingRequest,
    *,
    truncate: bool,
) -> Embeddings:
    """Make the vectors, of shorter texts where the server refuses long ones.

    Ollama cuts a text to what the model holds unless told otherwise, and those who
    index documents count on it. llama-server refuses, and says by how much.
    """
    for _ in range(_ATTEMPTS):
        try:
            return embed(request)
        except BadRequest as error:
            share = _share_that_fits(error)
            if not truncate or share is None:
                raise
            longest = max(len(text) for text in request.inputs)
            kept = max(1, int(longest * share))
            cut = tuple(text[:kept] for text in request.inputs)
            request = replace(request, inputs=cut)
    return embed(request)


def _share_that_fits(error: BadRequest) -> float | None:
    """Tell how much of a text that was too long may stay, with a little to spare."""
    match = _TOO_LARGE.search(error.message)
    tokens, limit = map(int, match.groups()) if match else (0, 0)
    if isinstance(error, ContextOverflow):
        tokens, limit = error.tokens, error.limit
    return 0.95 * limit / tokens if tokens > limit > 0 else None


def encode_embed(model: str, embeddings: Embeddings, begun: int) -> jsons.Pieces:
    """Write the vectors; ``begun`` is a reading of ``time.monotonic_ns``."""
    envelope = {
        "model": model,
        "total_duration": time.monotonic_ns() - begun,
        "load_duration": 0,
        "prompt_eval_count": embeddings.tokens,
    }
    return jsons.in_pieces(envelope, "embeddings", map(list, embeddings.vectors))


def encode_embeddings(embeddings: Embeddings) -> dict[str, Any]:
    """Write the one vector; without a prompt it is empty."""
    return {"embedding": list(embeddings.vectors[0]) if embeddings.vectors else []}
