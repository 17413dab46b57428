"""Embeddings: today's request, the older one, and their replies."""

import time
from typing import Any

from proxyapp.dialects import fields
from proxyapp.errors import BadRequest
from proxyapp.neutral.request import EmbeddingRequest
from proxyapp.neutral.request import Embeddings


def decode_embed(body: fields.Body) -> EmbeddingRequest:
    """Read a request of /api/embed; no input is no vectors. Raises BadRequest.

    ``truncate`` is checked only: what is too long for the model server it refuses.
    """
    fields.flag(body, "truncate")
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


def encode_embed(model: str, embeddings: Embeddings, begun: int) -> dict[str, Any]:
    """Write the vectors; ``begun`` is a reading of ``time.monotonic_ns``."""
    return {
        "model": model,
        "embeddings": embeddings.vectors,
        "total_duration": time.monotonic_ns() - begun,
        "load_duration": 0,
        "prompt_eval_count": embeddings.tokens,
    }


def encode_embeddings(embeddings: Embeddings) -> dict[str, Any]:
    """Write the one vector; without a prompt it is empty."""
    return {"embedding": embeddings.vectors[0] if embeddings.vectors else []}
