"""The head of an HTTP/1.1 reply, read from bytes that arrive in any portions."""

from dataclasses import dataclass

_MAX_HEAD = 65536
_MAX_FIELDS = 100
_MAX_INTERIM = 20


@dataclass(frozen=True, slots=True)
class ReplyHead:
    """Status line and fields; names are in lower case, a repeated one is joined."""

    status: int
    reason: str
    fields: dict[str, str]


class HeadReader:
    """Collect bytes until a final head is complete; interim ones (1xx) are skipped.

    ``rest`` holds what came behind the head. Raises ValueError when it is no HTTP.
    """

    def __init__(self) -> None:
        self.rest = b""
        self._buffer = b""
        self._interim = 0

    @property
    def begun(self) -> bool:
        """Whether any byte has come."""
        return bool(self._buffer or self._interim)

    def feed(self, data: bytes) -> ReplyHead | None:
        """Take more bytes; give the head once it is whole."""
        self._buffer += data
        while True:
            end, width = _end_of_head(self._buffer)
            if end < 0:
                self._check()
                return None
            head = _parsed(self._buffer[:end])
            self.rest = self._buffer = self._buffer[end + width :]
            if head.status >= 200 or head.status == 101:
                return head
            self._interim += 1
            if self._interim > _MAX_INTERIM:
                raise ValueError("interim answers do not end")

    def _check(self) -> None:
        if len(self._buffer) > _MAX_HEAD:
            raise ValueError("the head is too long")
        if not b"HTTP/1.".startswith(self._buffer[:7]):
            raise ValueError("the answer does not begin with HTTP/1")


def _end_of_head(data: bytes) -> tuple[int, int]:
    """Find the empty line; a server may write bare line feeds."""
    end = data.find(b"\r\n\r\n")
    return (end, 4) if end >= 0 else (data.find(b"\n\n"), 2)


def _parsed(data: bytes) -> ReplyHead:
    lines = data.decode("latin-1").split("\n")
    version, _, rest = lines[0].rstrip("\r").partition(" ")
    status, _, reason = rest.partition(" ")
    if version not in ("HTTP/1.1", "HTTP/1.0") or not _is_status(status):
        raise ValueError(f"not a status line: {lines[0][:60]!r}")
    if len(lines) > _MAX_FIELDS + 1:
        raise ValueError("the head has too many fields")
    fields: dict[str, str] = {}
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        if not colon or not name or name != name.strip():
            raise ValueError(f"not a header field: {line[:60]!r}")
        name, value = name.lower(), value.strip()
        fields[name] = f"{fields[name]}, {value}" if name in fields else value
    return ReplyHead(int(status), reason, fields)


def _is_status(text: str) -> bool:
    return len(text) == 3 and text.isascii() and text.isdigit() and text >= "100"
