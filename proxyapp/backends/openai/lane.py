"""The fast lane: recognise the next text of a stream without parsing it."""

import re

from proxyapp.wire import jsons

# What may stand between the quotes of a JSON string; possessive, so it never
# backtracks. Escaped surrogates go the long way, where one without its other half is
# replaced.
_INNER = rb'(?:[^"\\\x00-\x1f]++|\\(?:["\\/bfnrt]|u(?![dD][89a-fA-F])[0-9a-fA-F]{4}))'
_TEXT = re.compile(_INNER + rb"++")
_LITERAL = re.compile(b'"' + _INNER + rb'*+"')


class Lane:
    """The bytes around the text in the events of one stream.

    A server writes every text event of a stream alike but for the text itself (and,
    in llama-server, a timestamp once a second). Once one such event was parsed, the
    next ones are known by their first and last bytes, and what stands between is
    checked to be the inside of one string; anything else goes the long way. Several
    events that arrived together are one text.
    """

    __slots__ = ("_field", "_head", "_joint", "_tail")

    def __init__(self, field: bytes) -> None:
        self._field = b'"' + field + b'":"'
        self._head = self._tail = self._joint = b""

    def learn(self, data: bytes, text: str) -> None:
        """Take the shape of an event's data that holds ``text``, and no news."""
        start = data.find(self._field)
        if start < 0 or data.find(self._field, start + 1) >= 0:
            return
        start += len(self._field) - 1
        literal = _LITERAL.match(data, start)
        if literal is None or not _is_utf8(literal[0]):
            return
        if jsons.loads(literal[0]) == text:
            self._head = b"data: " + data[: start + 1]
            self._tail = data[literal.end() - 1 :] + b"\n\n"
            self._joint = self._tail + self._head

    def close(self) -> None:
        """Forget the shape: what comes from now on means something else."""
        self._head = self._tail = self._joint = b""

    def text(self, events: bytes) -> bytes | None:
        """Give the joined text of whole events of the learned shape, as a literal.

        None when anything else stands there: another field, a broken string, the
        beginning of a further event.
        """
        head, tail = self._head, self._tail
        if not head or not events.startswith(head) or not events.endswith(tail):
            return None
        inner = events[len(head) : -len(tail)]
        if len(inner) > len(self._joint):
            inner = inner.replace(self._joint, b"")
        # No line end can stand in a string, so what is left of one fails here too.
        if _TEXT.fullmatch(inner) is None:
            return None
        return b'"%b"' % inner if inner.isascii() or _is_utf8(inner) else None


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
