"""Embeddings: the request decoded, the reply encoded."""

import base64
import struct
from typing import Any

from proxyapp.dialects import fields
from proxyapp.errors import BadRequest
from proxyapp.neutral.request import EmbeddingRequest
from proxyapp.neutral.request import Embeddings
from proxyapp.neutral.request import Vector
from proxyapp.wire import jsons

_FORMATS = ("float", "base64")


def decode_embeddings(body: fields.Body) -> EmbeddingRequest:
    """Read a request; raises BadRequest."""
    wanted = body.get("encoding_format")
    if wanted is not None and wanted not in _FORMATS:
        raise BadRequest(
            "'encoding_format' must be float or base64.", param="encoding_format"
        )
    return EmbeddingRequest(
        model=fields.text(body, "model"),
        inputs=_inputs(body.get("input")),
        dimensions=fields.integer(body, "dimensions", low=1),
    )


def _inputs(value: Any) -> tuple[str | list[int], ...]:
    if isinstance(value, str) and value:
        return (value,)
    if isinstance(value, list) and value:
        if all(_is_token(item) for item in value):
            return (value,)
        if all(isinstance(item, str) and item for item in value):
            return tuple(value)
        if all(isinstance(i, list) and i and all(map(_is_token, i)) for i in value):
            return tuple(value)
    raise BadRequest(
        "'input' must be a text or tokens, or a list of them, none empty.",
        param="input",
    )


def _is_token(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def encode_embeddings(
    model: str, embeddings: Embeddings, encoding_format: Any
) -> jsons.Pieces:
    """Write the vectors as numbers, or as base64 of little-endian 32-bit floats."""
    as_base64 = encoding_format == "base64"
    data = (
        {
            "object": "embedding",
            "index": position,
            "embedding": _packed(vector) if as_base64 else list(vector),
        }
        for position, vector in enumerate(embeddings.vectors)
    )
    tokens = embeddings.tokens
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    envelope = {"object": "list", "model": model, "usage": usage}
    return jsons.in_pieces(envelope, "data", data)


def _packed(vector: Vector) -> str:
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
