"""What was said in one request, as far as a verbose log shows it."""

from collections.abc import Iterable
from collections.abc import Iterator
from typing import Final

from proxyapp.observe.redact import redact
from proxyapp.observe.redact import shorten

_KEPT: Final = 1 << 16
"""Bytes of each side that are kept, until an image's are shortened."""

_SEARCHED: Final = 1 << 14
"""Characters that are searched for secrets, which takes up to 10 ms."""

_SHOWN: Final = 4096
_BETWEEN_WORDS: Final = ' \n",'


class Transcript:
    """The beginnings of a request's body and of its reply."""

    def __init__(self) -> None:
        self._request = b""
        self._reply: list[bytes] = []

    def asked(self, body: bytes) -> None:
        """Keep the beginning of the request's body, once it is decompressed."""
        self._request = body[: _KEPT + 1]

    def told(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        """Pass a reply on, and keep its beginning."""
        room = _KEPT + 1
        for piece in pieces:
            if room > 0:
                self._reply.append(piece[:room])
                room -= len(piece)
            yield piece

    def shown(self, secrets: Iterable[str]) -> dict[str, str]:
        """Give both sides without secrets, and not too long."""
        known = tuple(secrets)
        sides = {"request_body": self._request, "reply_body": b"".join(self._reply)}
        return {name: _fit(side, known) for name, side in sides.items() if side}


def _fit(side: bytes, secrets: tuple[str, ...]) -> str:
    text = shorten(side[:_KEPT].decode("utf-8", "replace"))
    if len(side) > _KEPT or len(text) > _SEARCHED:
        text = text[:_SEARCHED]
        # A secret that was cut in two may not look like one.
        text = text[: max(text.rfind(mark) for mark in _BETWEEN_WORDS) + 1]
    text = redact(text, secrets)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
