"""The gateway's own keys, known by their SHA-256 digests only."""

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from collections.abc import Sequence

from proxyapp.errors import Unauthorized
from proxyapp.neutral.record import Caller

_PREFIX = "pxa-"


class KeyRing:
    """The keys that may call; an empty ring lets everyone in."""

    def __init__(self, digests: Sequence[str]) -> None:
        self._digests = tuple(digests)

    def check(self, headers: Mapping[str, str]) -> Caller:
        """Tell who calls, if a Bearer or x-api-key credential is on the ring.

        Both are looked at, on every route: clients of each dialect send either. An
        empty Bearer, which VS Code sends when it has no key, counts as none. What is
        not on the ring may be meant for a backend. Raises Unauthorized.
        """
        given = [key for key in _credentials(headers) if key]
        other = [key for key in given if not self._knows(key)]
        if len(other) < len(given) or not self._digests:
            return Caller(credential=other[0] if other else "")
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
