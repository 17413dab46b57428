"""Request bodies, read under a size and a time limit."""

import zlib
from collections.abc import Callable
from typing import Any

import zstandard
from gunicorn.http.errors import ParseException

from proxyapp.errors import BadRequest
from proxyapp.errors import BodyTimeout
from proxyapp.errors import BodyTooLarge
from proxyapp.errors import UnsupportedEncoding
from proxyapp.runtime import Arrival
from proxyapp.runtime import breathe
from proxyapp.settings.schema import ServerSettings
from proxyapp.wire import jsons

_SMALL = 1 << 19
"""Bytes; no body of this size holds enough of anything to stall a worker."""

_MAX_NESTED = 300_000
_MAX_VALUES = 1_000_000
_MAX_KEYS = 300_000
"""More than so many take the parser longer than others may wait: an array costs it
0.3 us, a key 0.3 us, a text 0.1 us. A prompt's own marks count as well, each about a
token: such a text is longer than any model reads."""

_KEY_ENDS = (b'":', b" :", b"\t:", b"\n:", b"\r:")
_MAX_ITEMS = 1 << 18
"""Of a list, such as a prompt's tokens."""

_MAX_ENTRIES = 20_000
"""Messages, their parts and their calls; each costs more than reading it."""


def read_body(environ: dict[str, Any], settings: ServerSettings) -> bytes:
    """Read a request's body, decompressed.

    Raises BodyTooLarge, BodyTimeout, UnsupportedEncoding, or BadRequest when the
    client's framing is broken.
    """
    limit = settings.max_body_mb << 20
    late = BodyTimeout(
        f"The request body took longer than {settings.body_timeout:g} s to arrive."
    )
    try:
        with Arrival(environ.get("gunicorn.socket"), settings.body_timeout, late):
            raw = _raw(environ, limit)
    except (OSError, ParseException) as error:
        raise BadRequest(f"The request body could not be read: {error}") from None
    if len(raw) > limit:
        raise _too_large(limit)
    return _decoded(raw, environ.get("HTTP_CONTENT_ENCODING", ""), limit)


def _raw(environ: dict[str, Any], limit: int) -> bytes:
    length = environ.get("CONTENT_LENGTH") or ""
    stream = environ["wsgi.input"]
    if length.isdecimal():
        if int(length) > limit:
            raise _too_large(limit)
        return bytes(stream.read(int(length)))
    # Only a server that ends the input by itself may be read without a length.
    return (
        bytes(stream.read(limit + 1)) if environ.get("wsgi.input_terminated") else b""
    )


def _too_large(limit: int) -> BodyTooLarge:
    return BodyTooLarge(
        f"The request body is larger than {limit >> 20} MiB; raise server.max_body_mb"
        " if that is meant."
    )


def _decoded(raw: bytes, encoding: str, limit: int) -> bytes:
    decode = _DECODERS.get(encoding.strip().lower())
    if decode is None:
        raise UnsupportedEncoding(
            f"Content-Encoding '{encoding[:40]}' is not read here; send the body as it"
            " is, or with gzip or zstd."
        )
    try:
        body = decode(raw, limit + 1)
    except (zlib.error, zstandard.ZstdError, EOFError):
        raise BadRequest(f"The request body is not valid {encoding}.") from None
    if len(body) > limit:
        raise _too_large(limit)
    return body


def _gunzip(raw: bytes, limit: int) -> bytes:
    inflate = zlib.decompressobj(47)
    body = inflate.decompress(raw, limit)
    if not inflate.eof and len(body) < limit:
        raise EOFError
    return body


def _unzstd(raw: bytes, limit: int) -> bytes:
    with zstandard.ZstdDecompressor().stream_reader(raw) as reader:
        return bytes(reader.read(limit))


_DECODERS: dict[str, Callable[[bytes, int], bytes]] = {
    "": lambda raw, limit: raw,
    "identity": lambda raw, limit: raw,
    "gzip": _gunzip,
    "x-gzip": _gunzip,
    "deflate": _gunzip,
    "zstd": _unzstd,
}


def read_object(body: bytes) -> dict[str, Any]:
    """Read a body as one strict JSON object; raise BadRequest saying what it is."""
    large = len(body) > _SMALL
    if large:
        _refuse_many_values(body)
        breathe()
    try:
        value = jsons.loads(body)
    except ValueError as error:
        told = f": {error}" if body.strip() else ": it is empty"
        raise BadRequest(f"The request body is not valid JSON{told}.") from None
    if not isinstance(value, dict):
        raise BadRequest(
            f"The request body must be a JSON object, not {_KINDS[type(value)]}."
        )
    if large:
        breathe()
        _refuse_crowds(value)
    return value


def _refuse_many_values(body: bytes) -> None:
    """Raise BadRequest for what would take too long to read; strings count as well."""
    if body.count(b"[") + body.count(b"{") > _MAX_NESTED:
        raise _too_many("arrays and objects", _MAX_NESTED)
    if body.count(b",") > _MAX_VALUES:
        raise _too_many("values", _MAX_VALUES)
    # Counting one character is much faster than counting two.
    if body.count(b":") > _MAX_KEYS and sum(map(body.count, _KEY_ENDS)) > _MAX_KEYS:
        raise _too_many("keys", _MAX_KEYS)


def _too_many(things: str, most: int) -> BadRequest:
    return BadRequest(
        f"The request body holds too many {things}: more than {most}, those within its"
        " texts included."
    )


def _refuse_crowds(body: dict[str, Any]) -> None:
    """Raise BadRequest for what would take too long to work through once it is read."""
    for name, entries in body.items():
        if isinstance(entries, list):
            if len(entries) > _MAX_ITEMS:
                raise BadRequest(
                    f"'{name}' holds {len(entries)} items; at most {_MAX_ITEMS} are"
                    " read.",
                    param=name,
                )
            count = sum(map(_weight, entries))
            if count > _MAX_ENTRIES:
                raise BadRequest(
                    f"'{name}' holds {count} entries; at most {_MAX_ENTRIES} are read.",
                    param=name,
                )


def _weight(entry: Any) -> int:
    if isinstance(entry, dict):
        return 1 + sum(len(v) for v in entry.values() if isinstance(v, list))
    return int(entry is None or isinstance(entry, list))


_KINDS = {
    list: "an array",
    str: "a string",
    int: "a number",
    float: "a number",
    bool: "true or false",
    type(None): "null",
}
