"""What a bounded key may send to endpoints whose requests no dialect reads."""

from typing import Any
from typing import Final

from proxyapp.errors import Forbidden
from proxyapp.neutral.scope import Access
from proxyapp.wire import jsons

_NAMING: Final = frozenset(
    {"audio", "images", "moderations", "rerank", "tokenize", "detokenize"}
)
"""Endpoints that use no other model than the one a request names."""


def body_for(access: Access, endpoint: str, backend: str, body: bytes) -> bytes:
    """Give the body to carry for a caller; raise Forbidden if none may be.

    Bounds on models are kept by reading the name, so only JSON that names a model is
    carried, and as it was read: a key that stands in it twice could be read otherwise
    upstream. Files, and the batches made of them, name models out of sight.
    """
    if not access.models:
        return body
    asked = _object(body) if endpoint in _NAMING else {}
    name = asked.get("model")
    if not isinstance(name, str) or not name:
        raise Forbidden(
            f"This key is bound to models, and here '{endpoint}' is served only to a"
            " JSON body that names its model.",
            param="model",
        )
    bare = name.removeprefix(f"{backend}/")
    if not access.admits((bare, f"{backend}/{bare}"), backend):
        raise Forbidden(f"You may not use the model '{name}' here.", param="model")
    return jsons.dumps(asked)


def _object(body: bytes) -> dict[str, Any]:
    try:
        value = jsons.loads(body)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
