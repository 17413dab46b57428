"""The fast lane: recognise the next text of a stream without parsing it."""

import re

from proxyapp.wire import jsons

# What may stand between the quotes of a JSON string; possessive, so it never
# backtracks. Escaped surrogates go the long way, where one without its other half is
# replaced.
_INNER = rb'(?:[^"\\\x00-\x1f]++|\\(?:["\\/bfnrt]|u(?![dD][89a-fA-F])[0-9a-fA-F]{4}))'
_TEXT = re.compile(_INNER + rb"++")
_TEXTS = re.compile(rb"(?:" + _INNER + rb"|\n)*+")
_LITERAL = re.compile(b'"' + _INNER + rb'*+"')


class Lane:
    """The bytes around the text in the events of one stream.

    A server writes every text event of a stream alike but for the text itself (and,
    in llama-server, a timestamp once a second). Once one such event was parsed, the
    next ones are known by their first and last bytes, and what stands between is
    checked to be the inside of strings; anything else goes the long way. Several events
    that arrived together are one text.
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

    def run(self, events: bytes, start: int = 0) -> tuple[bytes, int] | None:
        """Give the text of the events that begin at a place, joined, as a literal.

        With it comes where they end: at an event of another shape, at one that is not
        complete, or at a string in doubt. None when the first is such a one.
        """
        head, tail = self._head, self._tail
        if not head or not events.startswith(head, start):
            return None
        begin = start + len(head)
        if events.endswith(tail) and _TEXT.fullmatch(
            events, begin, len(events) - len(tail)
        ):
            text, count = events[begin : -len(tail)], 1
        else:
            text, count = self._joined(events[begin:])
        if not text or not (text.isascii() or _is_utf8(text)):
            return None
        return b'"%b"' % text, start + len(text) + count * len(self._joint)

    def _joined(self, events: bytes) -> tuple[bytes, int]:
        """Join the texts of events, from behind the first one's head; count them."""
        *texts, last = events.split(self._joint)
        end = last.find(self._tail)
        if end >= 0:
            texts.append(last[:end])
        # No line end may stand in a string: it keeps apart what is joined, so that no
        # escape sequence is made of two halves.
        text = b"\n".join(texts)
        if text.count(b"\n") >= len(texts):
            return b"", 0
        good = _TEXTS.match(text)
        if good is not None and good.end() < len(text):
            text = text[: max(text.rfind(b"\n", 0, good.end()), 0)]
        return text.replace(b"\n", b""), text.count(b"\n") + 1


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
