"""Lines out of bytes that arrive in any portions."""

MAX_LINE = 8 << 20


class LineSplitter:
    r"""Split a byte stream at LF, CRLF or CR, in time linear in its length.

    Only these three end a line: U+2028 and its kin stand inside JSON strings, and
    ``str.splitlines`` would cut there. A line over ``limit`` bytes raises ValueError.
    """

    def __init__(self, limit: int = MAX_LINE) -> None:
        self._limit = limit
        self._parts: list[bytes] = []
        self._held = 0
        self._after_cr = False

    @property
    def empty(self) -> bool:
        """Whether no part of a line is waiting for its end."""
        return not self._parts and not self._after_cr

    def feed(self, data: bytes) -> list[bytes]:
        """Take more bytes; give the lines they complete, without their ends."""
        if b"\r" in data or self._after_cr:
            data = self._with_line_feeds(data)
        lines = data.split(b"\n")
        rest = lines.pop()
        if lines and self._parts:
            self._parts.append(lines[0])
            lines[0] = b"".join(self._parts)
            self._parts, self._held = [], 0
        if rest:
            self._parts.append(rest)
            self._held += len(rest)
            if self._held > self._limit:
                raise ValueError(f"a line is longer than {self._limit} bytes")
        return lines

    def _with_line_feeds(self, data: bytes) -> bytes:
        if self._after_cr and data.startswith(b"\n"):
            data = data[1:]
            self._after_cr = False
        if data:
            self._after_cr = data.endswith(b"\r")
        return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
