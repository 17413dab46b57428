"""HTTP/1.1 chunked transfer coding, taken off a byte stream."""

_HEX = b"0123456789abcdefABCDEF"

_HEXADECIMAL = b"0123456789abcdefABCDEF"


class Dechunker:
    """Remove the chunk framing from bytes that arrive in any portions.

    ``done`` turns true at the last chunk, trailers included. ``failure`` says what is
    wrong once the framing is broken; the payload before that place is still given.
    """

    _MAX_SIZE_LINE = 4096

    def __init__(self) -> None:
        self.done = False
        self.failure = ""
        self._need = 0
        self._buffer = b""
        self._trailer = False

    def feed(self, data: bytes) -> bytes:
        """Take framed bytes; give all payload they hold, joined."""
        if not self._need and not self._buffer and not self._trailer:
            # Data that is exactly one chunk, as a token's mostly is.
            end = data.find(b"\r\n", 1, 10)
            framed = end > 0 and not data[:end].strip(_HEX) and data.endswith(b"\r\n")
            if framed and 0 < int(data[:end], 16) == len(data) - end - 4:
                return data[end + 2 : -2]
        if self._buffer:
            data, self._buffer = self._buffer + data, b""
        payload: list[bytes] = []
        position = 0
        while position < len(data) and not self.done and not self.failure:
            if self._need:
                position = self._take(data, position, payload)
            elif self._trailer:
                position = self._size_line(data, position)
            else:
                position = _whole_chunks(data, position, payload)
                if position < len(data):
                    position = self._size_line(data, position)
        return payload[0] if len(payload) == 1 else b"".join(payload)

    def _take(self, data: bytes, position: int, payload: list[bytes]) -> int:
        # The two bytes after the payload are its line end.
        end = position + self._need
        body = data[position : min(end - 2, len(data))] if self._need > 2 else b""
        if body:
            payload.append(body)
        self._need = max(end - len(data), 0)
        return min(end, len(data))

    def _size_line(self, data: bytes, position: int) -> int:
        end = data.find(b"\n", position)
        if end < 0:
            self._buffer = data[position:]
            if len(self._buffer) > self._MAX_SIZE_LINE:
                self.failure = "a chunk's size line does not end"
            return len(data)
        line = data[position:end].rstrip(b"\r")
        if self._trailer:
            self.done = not line
        else:
            self._begin_chunk(line)
        return end + 1

    def _begin_chunk(self, line: bytes) -> None:
        size = line.partition(b";")[0].strip()
        if not size or len(size) > 8 or size.strip(_HEXADECIMAL):
            self.failure = f"not a chunk size: {line[:40]!r}"
            return
        self._need = int(size, 16)
        self._trailer = not self._need
        self._need += 2 if self._need else 0


def _whole_chunks(data: bytes, position: int, payload: list[bytes]) -> int:
    """Take the chunks that have arrived whole, nearly all of them, in a tight loop."""
    size = len(data)
    while True:
        end = data.find(b"\r\n", position, position + 10)
        digits = data[position:end]
        if end <= position or digits.strip(_HEX):
            return position
        stop = end + 2 + int(digits, 16)
        if stop == end + 2 or stop + 2 > size:
            return position
        payload.append(data[end + 2 : stop])
        position = stop + 2
