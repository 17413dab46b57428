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
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.fakes.answers import Answer
from tests.fakes.answers import Responder
from tests.fakes.faulty import bare
from tests.fakes.faulty import BEGUN
from tests.fakes.faulty import bomb
from tests.fakes.faulty import commented
from tests.fakes.faulty import corrupt_gzip
from tests.fakes.faulty import endless_call
from tests.fakes.faulty import endless_document
from tests.fakes.faulty import endless_event
from tests.fakes.faulty import endless_text
from tests.fakes.faulty import error_body
from tests.fakes.faulty import flooded
from tests.fakes.faulty import garbled
from tests.fakes.faulty import GOOD as GOOD
from tests.fakes.faulty import gzipped
from tests.fakes.faulty import idle_close
from tests.fakes.faulty import injected
from tests.fakes.faulty import INTERIM
from tests.fakes.faulty import invalid_utf8
from tests.fakes.faulty import LIMITED
from tests.fakes.faulty import LINES as LINES
from tests.fakes.faulty import LOADING
from tests.fakes.faulty import loading_for
from tests.fakes.faulty import long_line
from tests.fakes.faulty import lying_length
from tests.fakes.faulty import MARKUP
from tests.fakes.faulty import model_list
from tests.fakes.faulty import ODD_DOCUMENTS
from tests.fakes.faulty import one_document
from tests.fakes.faulty import own_headers
from tests.fakes.faulty import plain
from tests.fakes.faulty import REPEATED_KEY
from tests.fakes.faulty import repeating
from tests.fakes.faulty import script
from tests.fakes.faulty import split_call
from tests.fakes.faulty import stale
from tests.fakes.faulty import TEXT as TEXT
from tests.fakes.faulty import two_lines
from tests.fakes.faulty import with_bare_error
from tests.fakes.faulty import WORDS
from tests.fakes.steps import Cut
from tests.fakes.steps import Done
from tests.fakes.steps import Error
from tests.fakes.steps import Finish
from tests.fakes.steps import Hang
from tests.fakes.steps import NoDone
from tests.fakes.steps import Pause
from tests.fakes.steps import Raw
from tests.fakes.steps import Role
from tests.fakes.steps import Text
from tests.fakes.steps import ToolCall
from tests.fakes.steps import Unframed

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


def redirected(status: int, target: str = "/v1/elsewhere") -> Fault:
    """Make a redirect, which is not followed."""
    return before(plain, status, "", headers={"Location": target})


def limited(retry_after: str) -> Fault:
    """Make a rate limit that says when to come back."""
    headers = {"Retry-After": retry_after}
    return before(
        plain,
        429,
        LIMITED,
        headers=headers,
        statuses=(429,),
        retry_after=retry_after,
    )


BEFORE_ANY_ANSWER: dict[str, Fault] = {
    "refused": Fault(None, BEFORE),
    "close_before_headers": before(bare),
    "rst_before_headers": before(bare, Cut("rst")),
    "garbage": before(bare, bytes(range(256)) * 4),
    "bad_status_line": before(bare, b"HTCPCP/1.0 418 teapot\r\n\r\n"),
    "half_headers": before(bare, b"HTTP/1.1 200 OK\r\nContent-Type: text/ev"),
    "header_flood": before(flooded, 150, 1),
    "long_header": before(flooded, 1, 70_000),
    "header_inject": before(injected),
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
    **{
        f"weird_json_{name}": before(plain, 200, document)
        for name, document in ODD_DOCUMENTS.items()
    },
    "models": before(model_list),
    "cl_too_long": before(lying_length, 100),
    "cl_too_short": before(lying_length, -10),
    "gzip_corrupt": either(before(corrupt_gzip), "error_in_stream"),
    # To inflate them takes a moment, and a slow machine promises a stream meanwhile.
    "gzip_bomb": either(before(bomb, b"", 500), "error_in_stream"),
    "gzip_bomb_document": either(before(bomb, b'{"id":"', 500), "error_in_stream"),
    "endless_document": either(before(endless_document), "error_in_stream"),
    "redirect_302": redirected(302),
    "redirect_307": redirected(307),
    "redirect_308": redirected(308, "http://169.254.169.254/latest/meta-data"),
    "redirect_loop": redirected(307, "/v1/chat/completions"),
    "rate_429": limited("7"),
    "rate_429_date": limited("Wed, 21 Oct 2099 07:28:00 GMT"),
    "loading_503": before(plain, 503, LOADING, statuses=(503,)),
    "loading_then_ok": before(loading_for, 1, statuses=(503,)),
    "error_string": before(with_bare_error, 400, statuses=(400,)),
    "status_400": before(error_body, 400, statuses=(400,)),
    "status_401": before(error_body, 401),
    "status_403": before(error_body, 403),
    "status_404": before(error_body, 404),
    "status_500": before(error_body, 500, statuses=(500, 502)),
    "status_502": before(error_body, 502),
    "status_503": before(error_body, 503, statuses=(502, 503)),
    "status_504": before(error_body, 504, statuses=(504,)),
    "status_529": before(error_body, 529),
    "hang_before_headers": either(
        before(bare, Hang()), "error_in_stream", statuses=(504,)
    ),
}
STRANGE_BUT_WHOLE: dict[str, Fault] = {
    "ok": ok(script, *GOOD),
    "prefill": ok(script, Pause(0.7), *GOOD),
    "prefill_after_headers": ok(script, Role(), Pause(0.7), *GOOD),
    "slow_headers": ok(script, *GOOD, head_gap=0.002),
    "json_for_stream": either(ok(one_document), "error_before"),
    "sse_for_json": ok(script, *GOOD, headers={"Cache-Control": "no-cache"}),
    "weird_json_dup": either(
        ok(plain, 200, REPEATED_KEY, text="second"), "error_before"
    ),
    "close_delimited": ok(script, *GOOD, chunked=False),
    "length_delimited": ok(script, *GOOD, chunked="length"),
    "cl_and_te": either(
        ok(script, *GOOD, headers={"Content-Length": "5"}), "error_before"
    ),
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
    "interim_100": either(ok(script, *GOOD, preamble=INTERIM), "error_before"),
    "wrong_ctype": either(
        ok(script, *GOOD, content_type="application/json"), "error_before"
    ),
    "no_ctype": either(ok(script, *GOOD, content_type=None), "error_before"),
    "hop_headers": ok(own_headers),
    "xss_text": ok(script, Text(MARKUP), *GOOD, text=MARKUP + TEXT),
    "echo": ok(repeating, text=None),
    "tool_split": ok(split_call, text=""),
    "data_after_done": ok(script, *GOOD, Done(), Text("more"), Done()),
    "hang_after_done": ok(script, *GOOD, Done(), Hang()),
    "stale_idle": ok(idle_close, 0.02),
    "stale_race": ok(stale, Cut("fin")),
    "stale_rst": ok(stale, Cut("rst")),
}
BROKEN_OFF: dict[str, Fault] = {
    "die_mid_chunk": late(script, *BEGUN, Cut("fin", mid_chunk=True)),
    # A reset may throw away what the gateway has not read yet.
    "rst_mid_stream": either(
        late(script, *BEGUN, Pause(0.1), Cut("rst")), "error_before"
    ),
    "fin_on_chunk_boundary": late(script, *BEGUN, Cut("fin")),
    **{
        name: late(script, *BEGUN, Unframed(size + b"\r\nhello\r\n"), Cut("fin"))
        for name, size in (
            ("bad_chunk_size", b"zz"),
            ("neg_chunk_size", b"-5"),
            ("huge_chunk_size", b"ffffffffffffffff"),
        )
    },
    "clean_end_no_done": late(script, *BEGUN, NoDone()),
    "close_delimited_truncated": late(
        script, *BEGUN, Cut("fin", mid_chunk=True), chunked=False
    ),
    "length_truncated": late(
        script, *BEGUN, Cut("fin"), chunked=None, headers={"Content-Length": "99999"}
    ),
    "giant_line": late(long_line, 12),
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
    "endless_event": late(endless_event),
    "endless_call": late(endless_call),
}
FAULTS = {**BEFORE_ANY_ANSWER, **STRANGE_BUT_WHOLE, **BROKEN_OFF}
INFINITE_STREAM = late(endless_text)
"""Whoever streams may read it for as long as they like."""
TOOL_FAULTS = frozenset(
    {"tool_split", "tool_truncated", "tool_bad_json", "endless_call"}
)
"""Those that only a dialect with tool calls can tell of."""
