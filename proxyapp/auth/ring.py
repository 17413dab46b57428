"""Who calls: the gateway's keys, known by their SHA-256 digests only."""

import hashlib
import secrets
from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Final

from proxyapp.auth.key import Key
from proxyapp.auth.keyfile import KeyFile
from proxyapp.errors import Unauthorized
from proxyapp.neutral.record import Caller
from proxyapp.runtime import unix_time
from proxyapp.settings.schema import Required

_PREFIX: Final = "pxa-"
_SHOWN: Final = 10


class KeyRing:
    """The keys that may call: those of the settings, and those of a file.

    Unless the owner says otherwise, keys are needed as soon as there are any, and as
    long as the file is there: whoever revokes the last one does not mean everyone.
    """

    def __init__(
        self,
        digests: Sequence[str],
        file: KeyFile | None = None,
        required: Required = "auto",
        now: Callable[[], float] = unix_time,
    ) -> None:
        self._own = {digest: Key("", digest) for digest in digests}
        self._file = file
        self._required = required
        self._now = now

    def check(self, headers: Mapping[str, str]) -> Caller:
        """Tell who calls, if a Bearer or x-api-key credential is on the ring.

        Both are looked at, on every route: clients of each dialect send either. An
        empty Bearer, which VS Code sends when it has no key, counts as none. What was
        not made here may be meant for a backend. Raises Unauthorized, and
        KeysUnreadable.
        """
        given = [key for key in dict.fromkeys(_credentials(headers)) if key]
        found = {key: self._find(key) for key in given}
        other = next((key for key in given if found[key] is None), "")
        if other.startswith(_PREFIX):
            # One that was ours once, or is while keys are switched off.
            other = ""
        for key in found.values():
            if key is not None:
                return Caller(key.name, scope=key.scope, credential=other)
        if not self._needed():
            return Caller(credential=other)
        told = "The key is not known." if given else "A key is needed."
        raise Unauthorized(
            f"{told} Send one that the owner of this gateway gave you, as"
            " 'Authorization: Bearer KEY' or 'x-api-key: KEY'.",
            headers={"WWW-Authenticate": "Bearer"},
        )

    def _needed(self) -> bool:
        if self._required != "auto":
            return self._required == "always"
        return bool(self._own) or (
            self._file is not None and self._file.current() is not None
        )

    def _find(self, key: str) -> Key | None:
        """Look a key up by its digest; one that has expired is unknown.

        The time a lookup takes tells of digests, not of keys: to learn from it one
        would have to choose digests, and so to break SHA-256.
        """
        if self._required == "never":
            return None
        digest = key_digest(key)
        named = (self._file.current() if self._file is not None else None) or {}
        found = self._own.get(digest) or named.get(digest)
        expired = found is not None and 0 < found.expires <= self._now()
        return None if expired else found


def _credentials(headers: Mapping[str, str]) -> tuple[str, str]:
    scheme, _, token = headers.get("Authorization", "").partition(" ")
    bearer = token.strip() if scheme.lower() == "bearer" else ""
    return bearer, headers.get("x-api-key", "").strip()


def key_digest(key: str) -> str:
    """Give the digest under which a key is kept."""
    return hashlib.sha256(key.encode()).hexdigest()


def key_prefix(key: str) -> str:
    """Give as much of a key as may be shown: too little to guess the rest."""
    return key[:_SHOWN]


def new_key() -> str:
    """Make a key of 256 random bits."""
    return _PREFIX + secrets.token_urlsafe(32)
