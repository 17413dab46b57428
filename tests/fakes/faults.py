"""Ways an upstream goes wrong, by name, and what a client may then see.

    fault = FAULTS["die_mid_chunk"]
    up.answer(fault.make())
    ...
    assert outcome in fault.outcomes

``ok`` is a complete answer whose text is ``fault.text``; ``error_before`` an HTTP
error of the client's dialect, with one of ``fault.statuses``; ``error_in_stream`` the
dialect's own error after the first byte, and no success terminator. A client that did
not ask to stream sees every ``error_in_stream`` as an HTTP 502.
"""

from __future__ import annotations

import functools
import gzip
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.fakes.answers import Answer
from tests.fakes.answers import Plain
from tests.fakes.answers import Played
from tests.fakes.answers import Request
from tests.fakes.answers import Responder
from tests.fakes.answers import Script
from tests.fakes.bodies import whole
from tests.fakes.llama import compact
from tests.fakes.llama import Envelope
from tests.fakes.steps import Cut
from tests.fakes.steps import Done
from tests.fakes.steps import Error
from tests.fakes.steps import Finish
from tests.fakes.steps import Hang
from tests.fakes.steps import NoDone
from tests.fakes.steps import Pause
from tests.fakes.steps import Raw
from tests.fakes.steps import Step
from tests.fakes.steps import Text
from tests.fakes.steps import ToolCall
from tests.fakes.steps import Unframed
from tests.fakes.steps import Usage

WORDS = (
    "Hello ",
    "from ",
    "upstream: ",
    "h\u00e9llo ",
    "\u4f60\u597d ",
    "\U0001f680 ",
    "end.",
)
TEXT = "".join(WORDS)
GOOD: tuple[Step, ...] = (*map(Text, WORDS), Finish("stop"), Usage(3, 7))
BEGUN: tuple[Step, ...] = tuple(map(Text, WORDS[:3]))
LINES = "a\u2028b\u2029c\u0085d\x0b\x0ce"
OK = frozenset({"ok"})
BEFORE = frozenset({"error_before"})
STREAM = frozenset({"error_in_stream"})


@dataclass(frozen=True)
class Fault:
    """One way to go wrong. ``make`` gives a fresh answer; None means: go down."""

    make: Callable[[], Answer | Responder] | None
    outcomes: frozenset[str] = STREAM
    statuses: frozenset[int] = frozenset({502})
    text: str | None = TEXT
    retry_after: str | None = None


def ok(make: Callable[..., Any], *values: Any, **options: Any) -> Fault:
    """A fault that a gateway absorbs."""
    text = options.pop("text", TEXT)
    return Fault(functools.partial(make, *values, **options), OK, text=text)


def before(make: Callable[..., Any], *values: Any, **options: Any) -> Fault:
    """A fault that becomes an HTTP error."""
    statuses = frozenset(options.pop("statuses", (502,)))
    retry_after = options.pop("retry_after", None)
    making = functools.partial(make, *values, **options)
    return Fault(making, BEFORE, statuses, retry_after=retry_after)


def late(make: Callable[..., Any], *values: Any, **options: Any) -> Fault:
    """A fault that becomes an error within the stream."""
    return Fault(functools.partial(make, *values, **options), STREAM)


def either(fault: Fault, *outcomes: str, statuses: tuple[int, ...] = (502,)) -> Fault:
    """Allow other outcomes as well."""
    allowed = fault.outcomes | set(outcomes)
    return Fault(fault.make, allowed, frozenset(statuses), fault.text)


# ------------------------------------------------------------------- factories


def script(*steps: Step, **options: Any) -> Script:
    """Play steps."""
    return Script(steps, **options)


def bare(*acts: Any, **options: Any) -> Played:
    """Play bytes on the bare socket."""
    return Played(acts, **options)


def plain(status: int, body: Any, **options: Any) -> Plain:
    """Reply with a status and a body."""
    return Plain(status, body, **options)


def good_json() -> bytes:
    """Give a complete answer as one JSON body."""
    return compact(whole(GOOD, Envelope("chatcmpl-1", "tiny"))).encode()


def lying_length(offset: int) -> Plain:
    """Reply with a Content-Length that is wrong by so many bytes."""
    body = good_json()
    length = {"Content-Length": str(len(body) + offset), "Connection": "close"}
    return Plain(200, body, length)


def error_body(status: int) -> Plain:
    """Reply with an error of this status that names the inside."""
    inner = {"message": f"upstream says {status}", "type": "server_error"}
    return Plain(status, {"error": inner})


def gzipped() -> Script:
    """Play a good stream, compressed and flushed event by event."""
    packer = zlib.compressobj(6, zlib.DEFLATED, 31)

    def pack(data: bytes) -> bytes:
        return packer.compress(data) + packer.flush(zlib.Z_SYNC_FLUSH)

    return Script(GOOD, transform=pack, headers={"Content-Encoding": "gzip"})


def corrupt_gzip() -> Plain:
    """Reply with a compressed body whose data was damaged on the way."""
    packed = bytearray(gzip.compress(good_json()))
    packed[10:40] = b"\xff" * 30
    return Plain(200, bytes(packed), {"Content-Encoding": "gzip"})


def giant_line(megabytes: int = 12) -> Script:
    """Play a good beginning, then one line longer than any sane limit."""
    opening = b'data: {"choices":[{"index":0,"delta":{"content":"'
    block = Raw(b"A" * 65536)
    return Script(
        (*BEGUN, Raw(opening), *[block] * (16 * megabytes), Raw(b'"}}]}\n\n'))
    )


def garbled(data: bytes) -> bytes:
    """Damage the event that carries the fourth word; leave the rest."""
    if WORDS[3].encode() not in data:
        return data
    return (
        b'data: {"id": broken\n\nnonsense without a colon\n\ndata: null\n\ndata: 42\n\n'
    )


def invalid_utf8(data: bytes) -> bytes:
    """Replace the fourth word by bytes that are not UTF-8."""
    return data.replace(WORDS[3].encode(), b"\xff\xfe\xc3\x28\xed\xa0\x80")


def two_lines(data: bytes) -> bytes:
    """Spread an event over two data lines."""
    return data.replace(b',"', b',\ndata: "', 1)


def commented(data: bytes) -> bytes:
    """Put a comment before an event and leave out the blank after the colon."""
    return b": ping\n\n" + data.replace(b"data: ", b"data:", 1)


def stale(cut: Cut) -> Responder:
    """Answer the first request of a connection, drop every later one unanswered."""

    def answer(request: Request) -> Answer:
        return Script(GOOD) if request.number == 1 else Played((cut,))

    return answer


FAULTS: dict[str, Fault] = {
    # ------------------------------------------------ before any usable answer
    "refused": Fault(None, BEFORE),
    "close_before_headers": before(bare),
    "rst_before_headers": before(bare, Cut("rst")),
    "garbage": before(bare, bytes(range(256)) * 4),
    "bad_status_line": before(bare, b"HTCPCP/1.0 418 teapot\r\n\r\n"),
    "half_headers": before(bare, b"HTTP/1.1 200 OK\r\nContent-Type: text/ev"),
    "empty_200": before(plain, 200, b""),
    "no_content": before(bare, b"HTTP/1.1 204 No Content\r\n\r\n", keep=True),
    "html_200": before(
        plain, 200, "<!doctype html><p>Login to WiFi", content_type="text/html"
    ),
    "html_502": before(
        plain,
        502,
        "<html><script>alert(1)</script>inner-host-7</html>",
        content_type="text/html",
    ),
    "bad_json": before(plain, 200, b'{"id": "x", "choices": ['),
    "cl_too_long": before(lying_length, 100),
    "cl_too_short": before(lying_length, -10),
    "gzip_corrupt": either(before(corrupt_gzip), "error_in_stream"),
    "redirect_307": before(plain, 307, "", headers={"Location": "/v1/elsewhere"}),
    "rate_429": before(
        plain,
        429,
        {"error": {"message": "Rate limit", "type": "rate_limit_error"}},
        headers={"Retry-After": "7"},
        statuses=(429,),
        retry_after="7",
    ),
    "loading_503": before(
        plain,
        503,
        '{"error":{"message":"Loading model","type":"unavailable_error","code":503}}',
        statuses=(503,),
    ),
    "status_401": before(error_body, 401),
    "status_403": before(error_body, 403),
    "status_500": before(error_body, 500, statuses=(500, 502)),
    "status_502": before(error_body, 502),
    "status_503": before(error_body, 503, statuses=(502, 503)),
    "hang_before_headers": either(
        before(bare, Hang()), "error_in_stream", statuses=(504,)
    ),
    # ------------------------------------------------------ strange but whole
    "json_for_stream": either(ok(plain, 200, good_json()), "error_before"),
    "close_delimited": ok(script, *GOOD, chunked=False),
    "length_delimited": ok(script, *GOOD, chunked="length"),
    "utf8_split": ok(script, *GOOD, split=1),
    "slow_trickle": ok(script, *GOOD, split=29, gap=0.003),
    "crlf_sse": ok(script, *GOOD, transform=lambda d: d.replace(b"\n", b"\r\n")),
    "cr_sse": ok(script, *GOOD, transform=lambda d: d.replace(b"\n", b"\r")),
    "bom_comments": ok(
        script,
        Raw(b"\xef\xbb\xbf: hi\n\nretry: 10\nid: 1\n:\n\n"),
        *GOOD,
        transform=lambda d: d if d.startswith(b"\xef") else commented(d),
    ),
    "multiline_data": ok(script, *GOOD, transform=two_lines),
    "unicode_newlines": ok(script, Text(LINES), *GOOD, text=LINES + TEXT),
    "latin1_no_charset": ok(
        script, *GOOD, content_type="text/event-stream; charset=iso-8859-1"
    ),
    "malformed_sse": ok(
        script, *GOOD, transform=garbled, text=TEXT.replace(WORDS[3], "")
    ),
    "utf8_invalid": ok(script, *GOOD, transform=invalid_utf8, text=None),
    "gzip_sse": ok(gzipped),
    "interim_103": either(
        ok(
            script,
            *GOOD,
            preamble=b"HTTP/1.1 103 Early Hints\r\nLink: </x>; rel=preload\r\n\r\n",
        ),
        "error_before",
    ),
    "wrong_ctype": either(
        ok(script, *GOOD, content_type="application/json"), "error_before"
    ),
    "no_ctype": either(ok(script, *GOOD, content_type=None), "error_before"),
    "data_after_done": ok(script, *GOOD, Done(), Text("more"), Done()),
    "hang_after_done": ok(script, *GOOD, Done(), Hang()),
    "stale_keepalive_fin": ok(stale, Cut("fin")),
    "stale_keepalive_rst": ok(stale, Cut("rst")),
    # -------------------------------------------------------- cut or broken off
    "die_mid_chunk": late(script, *BEGUN, Cut("fin", mid_chunk=True)),
    # A reset may throw away what the gateway has not read yet.
    "rst_mid_stream": either(
        late(script, *BEGUN, Pause(0.1), Cut("rst")), "error_before"
    ),
    "fin_on_chunk_boundary": late(script, *BEGUN, Cut("fin")),
    "bad_chunk_size": late(
        script, *BEGUN, Unframed(b"zz\r\nhello\r\n0\r\n\r\n"), Cut("fin")
    ),
    "clean_end_no_done": late(script, *BEGUN, NoDone()),
    "close_delimited_truncated": late(
        script, *BEGUN, Cut("fin", mid_chunk=True), chunked=False
    ),
    "length_truncated": late(
        script, *BEGUN, Cut("fin"), chunked=None, headers={"Content-Length": "99999"}
    ),
    "giant_line": late(giant_line),
    "error_mid_stream": late(script, *BEGUN, Error()),
    "error_field_sse": late(
        script,
        *BEGUN,
        Raw(b'error: {"code":500,"message":"old style","type":"server_error"}\n\n'),
        NoDone(),
    ),
    "tool_truncated": late(
        script, *BEGUN, ToolCall("call_1", "create_file", '{"filePath": "/tm'), Cut()
    ),
    "tool_bad_json": either(
        late(
            script,
            *BEGUN,
            ToolCall("call_1", "create_file", '{"filePath": /home, }'),
            Finish("tool_calls"),
        ),
        "ok",
    ),
    "hang_mid_stream": late(script, *BEGUN, Hang()),
}
