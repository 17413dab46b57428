"""The answers of upstreams that go wrong; tests/fakes/faults.py gives them names."""

from __future__ import annotations

import functools
import gzip
import json
import zlib
from typing import Any

from tests.fakes.answers import Answer
from tests.fakes.answers import Plain
from tests.fakes.answers import Played
from tests.fakes.answers import Request
from tests.fakes.answers import Responder
from tests.fakes.answers import Script
from tests.fakes.bodies import recorded
from tests.fakes.bodies import whole
from tests.fakes.llama import compact
from tests.fakes.llama import event
from tests.fakes.steps import Cut
from tests.fakes.steps import Delta
from tests.fakes.steps import Done
from tests.fakes.steps import Endless
from tests.fakes.steps import Finish
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
MARKUP = "<img src=x onerror=alert(1)></script>\x1b[31m\r\nFAKE LINE {{7*7}}"
ARGUMENTS = {"filePath": "/home/u/x \u00e9\U0001f680", "content": 'print("hi")\n' * 3}
LOADING = '{"error":{"message":"Loading model","type":"unavailable_error","code":503}}'
LIMITED = {"error": {"message": "Rate limit", "type": "rate_limit_error"}}
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
INTERIM = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
MINE = "upstream-only"
"""Stands in every header and header value of an upstream that is its own affair."""


def script(*steps: Step, **options: Any) -> Script:
    """Play steps."""
    return Script(steps, **options)


def bare(*acts: Any, **options: Any) -> Played:
    """Play bytes on the bare socket."""
    return Played(acts, **options)


def plain(status: int, body: Any, **options: Any) -> Plain:
    """Reply with a status and a body."""
    return Plain(status, body, **options)


def good_json(request: Request) -> bytes:
    """Give a complete answer as one JSON body."""
    return compact(whole(GOOD, request.envelope("chatcmpl-1"))).encode()


def one_document() -> Responder:
    """Reply with one JSON body, whatever was asked for."""
    return lambda request: Plain(200, good_json(request))


def lying_length(offset: int) -> Responder:
    """Reply with a Content-Length that is wrong by so many bytes."""

    def answer(request: Request) -> Answer:
        body = good_json(request)
        length = {"Content-Length": str(len(body) + offset), "Connection": "close"}
        return Plain(200, body, length)

    return answer


def error_body(status: int) -> Plain:
    """Reply with an error of this status that names the inside."""
    inner = {"message": f"upstream says {status}", "type": "server_error"}
    return Plain(status, {"error": inner})


def with_bare_error(status: int) -> Plain:
    """Reply with an error that is a string."""
    return Plain(status, {"error": "plain string error"})


def gzipped() -> Script:
    """Play a good stream, compressed and flushed event by event."""
    packer = zlib.compressobj(6, zlib.DEFLATED, 31)

    def pack(data: bytes) -> bytes:
        return packer.compress(data) + packer.flush(zlib.Z_SYNC_FLUSH)

    return Script(GOOD, transform=pack, headers={"Content-Encoding": "gzip"})


def corrupt_gzip() -> Responder:
    """Reply with a compressed body whose data was damaged on the way."""

    def answer(request: Request) -> Answer:
        packed = bytearray(gzip.compress(good_json(request)))
        packed[10:40] = b"\xff" * 30
        return Plain(200, bytes(packed), {"Content-Encoding": "gzip"})

    return answer


@functools.cache
def bomb(opening: bytes, megabytes: int) -> Plain:
    """Reply with a small body that swells to so many megabytes of blanks."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    packed = [packer.compress(opening)]
    packed += [packer.compress(b" " * (1 << 20)) for _ in range(megabytes)]
    body = b"".join([*packed, packer.flush()])
    return Plain(200, body, {"Content-Encoding": "gzip"})


def long_line(megabytes: float, *after: Step) -> Script:
    """Play one event with a text of so many megabytes."""
    opening = b'data: {"choices":[{"index":0,"delta":{"content":"'
    block = Raw(b"A" * 65536)
    blocks = [block] * int(16 * megabytes)
    closing = b'"},"text":"","finish_reason":null}]}\n\n'
    return Script((*BEGUN, Raw(opening), *blocks, Raw(closing), *after))


def endless(data: bytes, *first: Step) -> Script:
    """Play a good beginning, then the same bytes for ever."""
    many = data * max(1, 16384 // len(data))
    return Script((*BEGUN, *first, Endless(b"%x\r\n%b\r\n" % (len(many), many))))


def endless_text() -> Script:
    """Play text without an end."""
    text = "word " * 800
    choice = {"index": 0, "delta": {"content": text}, "text": text}
    return endless(event({"choices": [{**choice, "finish_reason": None}]}))


def endless_call() -> Script:
    """Play a tool call whose arguments do not end."""
    function = {"name": "create_file", "arguments": '{"content":"'}
    call = {"index": 0, "id": "call_1", "type": "function", "function": function}
    more = {"index": 0, "function": {"arguments": "word " * 800}}
    choice = {"index": 0, "delta": {"tool_calls": [more]}, "finish_reason": None}
    opening = Delta({"tool_calls": [call]})
    return endless(event({"choices": [choice]}), opening)


def endless_event() -> Script:
    """Play one event whose lines do not end."""
    return endless(b"data: " + b"word " * 800 + b"\n")


def endless_document() -> Played:
    """Reply with one JSON document that does not end."""
    opening = b'{"choices":[{"index":0,"message":{"content":"'
    return Played((HEAD + b"\r\n" + opening, Endless(b"word " * 4096)))


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


def idle_close(seconds: float) -> Script:
    """Answer well, and close the connection after so many seconds of idleness."""
    end = Unframed(b"0\r\n\r\n")
    return Script((*GOOD, Done(), end, Pause(seconds), Cut("fin")))


def loading_for(times: int) -> Responder:
    """Be loading for so many requests, and then answer."""
    left = [times]

    def answer(request: Request) -> Answer:
        left[0] -= 1
        return Plain(503, LOADING) if left[0] >= 0 else Script(GOOD)

    return answer


def flooded(fields: int, length: int) -> Plain:
    """Reply with so many header fields, each of so many bytes."""
    return Plain(200, "{}", {f"X-{n}": "y" * length for n in range(fields)})


def injected() -> Played:
    """Reply with a header that a bare line feed breaks in two."""
    fields = f"x-request-id: a\nSet-Cookie: {MINE}=1\r\nContent-Length: 2\r\n\r\n"
    return Played((HEAD + fields.encode() + b"{}",))


def own_headers() -> Script:
    """Answer well, with headers that are none of the client's business."""
    fields = {
        "Connection": "close, X-Secret-Hop",
        "X-Secret-Hop": MINE,
        "Keep-Alive": "timeout=5",
        "Proxy-Authenticate": f"Basic realm={MINE}",
        "Set-Cookie": f"sid={MINE}; Path=/",
        "Server": f"{MINE}/1.0",
        "Access-Control-Allow-Origin": "*",
        "Strict-Transport-Security": "max-age=1",
        "X-Request-Id": MINE,
    }
    return Script(GOOD, headers=fields)


def split_call() -> Script:
    """Play a tool call whose arguments come three characters at a time."""
    text = json.dumps(ARGUMENTS)
    call = ToolCall("call_1", "create_file", text, fragments=len(text) // 3)
    return Script((call, Finish("tool_calls"), Usage(3, 7)))


def repeating() -> Responder:
    """Answer with all that the request held."""

    def answer(request: Request) -> Answer:
        told = json.dumps([request.headers, request.body.decode("utf-8", "replace")])
        return Script((Text(told), Finish("stop"), Usage(3, 7)))

    return answer


def model_list() -> Plain:
    """Reply with a list of models to a question for text."""
    return Plain(200, recorded("models"))


EMPTY_CHOICE = b'"index":0,"finish_reason":"stop"'
ODD_DOCUMENTS = {
    "null": b"null",
    "list": b"[]",
    "text": b'"hi"',
    "nan": b'{"choices":[{"message":{"content":"x"},"text":"x",%b}],"usage":'
    b'{"prompt_tokens":NaN}}' % EMPTY_CHOICE,
    "no_choices": b'{"choices":[]}',
    "null_message": b'{"choices":[{"message":null}]}',
    "deep": b"[" * 200_000 + b"]" * 200_000,
    "big_number": b'{"created":' + b"9" * 5000 + b',"choices":[]}',
}
TWICE = (
    b'{"choices":[],"choices":[{"message":{"content":"second"},"text":"second",%b}]}'
)
REPEATED_KEY = TWICE % EMPTY_CHOICE
