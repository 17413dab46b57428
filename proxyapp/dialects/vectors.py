"""What any dialect may do to a model's vectors."""

from proxyapp.errors import BadRequest
from proxyapp.neutral.request import Embeddings
from proxyapp.neutral.request import Vector
from proxyapp.runtime import breathe


def shortened(embeddings: Embeddings, dimensions: int | None) -> Embeddings:
    """Cut vectors to ``dimensions`` and bring them back to length 1.

    llama-server ignores the wish, so it is granted here. Raises BadRequest when the
    model's vectors are shorter.
    """
    if dimensions is None:
        return embeddings
    for vector in embeddings.vectors:
        if len(vector) < dimensions:
            raise BadRequest(
                f"'dimensions' is {dimensions}, but the model has {len(vector)}.",
                param="dimensions",
            )
    cut = tuple(_normal(vector[:dimensions]) for vector in embeddings.vectors)
    return Embeddings(cut, embeddings.tokens)


def _normal(vector: Vector) -> Vector:
    breathe()
    norm = sum(value * value for value in vector) ** 0.5
    return [value / norm for value in vector] if norm else vector
