"""The gateway's own keys, known by their SHA-256 digests only."""

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from collections.abc import Sequence

from proxyapp.errors import Unauthorized

_PREFIX = "pxa-"


class KeyRing:
    """The keys that may call; an empty ring lets everyone in."""

    def __init__(self, digests: Sequence[str]) -> None:
        self._digests = tuple(digests)

    def check(self, headers: Mapping[str, str]) -> None:
        """Pass if a Bearer or x-api-key credential is on the ring.

        Both are looked at, on every route: clients of each dialect send either. An
        empty Bearer, which VS Code sends when it has no key, counts as none. Raises
        Unauthorized.
        """
        if not self._digests:
            return
        given = [key for key in _credentials(headers) if key]
        if any(self._knows(key) for key in given):
            return
        told = "The key is not known." if given else "A key is needed."
        raise Unauthorized(
            f"{told} Send one that the owner of this gateway gave you, as"
            " 'Authorization: Bearer KEY' or 'x-api-key: KEY'.",
            headers={"WWW-Authenticate": "Bearer"},
        )

    def _knows(self, key: str) -> bool:
        digest = key_digest(key)
        return any([hmac.compare_digest(digest, known) for known in self._digests])


def _credentials(headers: Mapping[str, str]) -> tuple[str, str]:
    scheme, _, token = headers.get("Authorization", "").partition(" ")
    bearer = token.strip() if scheme.lower() == "bearer" else ""
    return bearer, headers.get("x-api-key", "").strip()


def key_digest(key: str) -> str:
    """Give the digest under which a key is kept."""
    return hashlib.sha256(key.encode()).hexdigest()


def new_key() -> str:
    """Make a key of 256 random bits."""
    return _PREFIX + secrets.token_urlsafe(32)
