"""Server-sent events, read by the standard's rules and written as clients need them."""

from proxyapp.wire.lines import LineSplitter
from proxyapp.wire.lines import MAX_LINE

_BOM = b"\xef\xbb\xbf"
_MAX_EVENT = 2 * MAX_LINE


class SseReader:
    """Turn a byte stream into the data of its events, in order.

    ``data:`` lines of one event are joined by LF; comments, names and ids are passed
    over. An ``error:`` line, which llama.cpp once sent in place of data, becomes the
    data ``{"error":...}``. A line, or an event of many lines, that does not end raises
    ValueError.
    """

    def __init__(self) -> None:
        self._lines = LineSplitter()
        self._data: list[bytes] = []
        self._held = 0
        self._head: bytes | None = b""

    @property
    def idle(self) -> bool:
        """Whether the next byte begins an event."""
        return self._head is None and not self._data and self._lines.empty

    def feed(self, chunk: bytes) -> list[bytes]:
        """Take more bytes; give the data of the events they complete."""
        if self._head is not None:
            chunk = self._head + chunk
            if len(chunk) < len(_BOM) and _BOM.startswith(chunk):
                self._head = chunk
                return []
            self._head = None
            chunk = chunk.removeprefix(_BOM)
        if not self._data and self._lines.empty:
            whole = _whole_events(chunk)
            if whole is not None:
                return whole
        events: list[bytes] = []
        for line in self._lines.feed(chunk):
            if line:
                self._field(line)
            elif self._data:
                events.append(b"\n".join(self._data))
                self._data, self._held = [], 0
        return events

    def _field(self, line: bytes) -> None:
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            self._data.append(value)
        elif name == b"error":
            self._data.append(b'{"error":' + value + b"}")
        # An empty line takes room in the list, too.
        self._held += len(line) + 64
        if self._held > _MAX_EVENT and self._data:
            raise ValueError(f"an event is longer than {_MAX_EVENT} bytes")


def _whole_events(chunk: bytes) -> list[bytes] | None:
    """Split a chunk of nothing but whole one-line data events, the usual case."""
    if not chunk.startswith(b"data: ") or not chunk.endswith(b"\n\n"):
        return None
    events = chunk[6:-2].split(b"\n\ndata: ")
    if chunk.count(b"\n") != 2 * len(events) or b"\r" in chunk:
        return None
    return events
