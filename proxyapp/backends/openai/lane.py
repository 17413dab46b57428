"""The fast lane: recognise the next text chunk of a stream without parsing it."""

import re

from proxyapp.wire import jsons

# A JSON string literal; possessive, so it never backtracks. Escaped surrogates go the
# long way, where one without its other half is replaced.
LITERAL = re.compile(
    rb'"(?:[^"\\\x00-\x1f]++|\\(?:["\\/bfnrt]|u(?![dD][89a-fA-F])[0-9a-fA-F]{4}))*+"'
)


class Lane:
    """The bytes around the text in the chunks of one stream.

    A server writes every text chunk of a stream alike but for the text itself (and,
    in llama-server, a timestamp once a second). Once one such chunk was parsed, the
    next ones are known by their first and last bytes, and the literal between them
    is checked to be one whole string; anything else goes the long way.
    """

    __slots__ = ("_marker", "_prefix", "_suffix")

    def __init__(self, field: bytes) -> None:
        self._marker = b'"' + field + b'":"'
        self._prefix = self._suffix = b""

    def learn(self, chunk: bytes, text: str) -> None:
        """Take the shape of a chunk that holds ``text`` in this field, and no news."""
        start = chunk.find(self._marker)
        if start < 0 or chunk.find(self._marker, start + 1) >= 0:
            return
        start += len(self._marker) - 1
        literal = LITERAL.match(chunk, start)
        if literal is None or not _is_utf8(literal[0]):
            return
        if jsons.loads(literal[0]) == text:
            self._prefix, self._suffix = chunk[:start], chunk[literal.end() :]

    def close(self) -> None:
        """Forget the shape: what comes from now on means something else."""
        self._prefix = self._suffix = b""

    def literal(self, chunk: bytes) -> bytes | None:
        """Give the text of a chunk of the learned shape, quotes included, or None."""
        prefix, suffix = self._prefix, self._suffix
        if not prefix or not chunk.startswith(prefix) or not chunk.endswith(suffix):
            return None
        end = len(chunk) - len(suffix)
        # An empty text opens no block, so it goes the long way.
        if end < len(prefix) + 3 or LITERAL.fullmatch(chunk, len(prefix), end) is None:
            return None
        literal = chunk[len(prefix) : end]
        return literal if literal.isascii() or _is_utf8(literal) else None


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
