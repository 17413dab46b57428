"""Answers by name, for a person at a keyboard as for a test.

The last message of the user chooses: ``play thinking``, ``play big_tool 64`` (a size
in KB), ``play status 503``. A number counts what the scenario says it counts.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from tests.fakes.answers import Answer
from tests.fakes.answers import Plain
from tests.fakes.copilot import steps as s
from tests.fakes.copilot.answers import Scripted
from tests.fakes.copilot.refusals import plain
from tests.fakes.copilot.refusals import refusal
from tests.fakes.llama import compact

WISH = re.compile(r"\bplay (\w+)(?: (\d+))?")
WORDS = "Hello from Copilot: h\u00e9llo \u4f60\u597d \U0001f680 end."
SUN = s.ToolCall("call_sun01", "get_weather", {"city": "Paris"}, fragments=3)
RAIN = s.ToolCall("call_rain1", "get_weather", {"city": "Oslo", "days": 2}, fragments=4)
THOUGHT = s.Thinking("First the weather, then the answer.", fragments=3)
DECLINED = "I cannot help with that."
HTML = "<!DOCTYPE html><html><body><h1>Unicorn!</h1></body></html>"
GARBAGE = b"event: \xff\xfe\ndata: {not json\n\n:\n\x00\x01\x02\n\n"


def script(*steps: object, **options: object) -> Scripted:
    """Give a script as an answer."""
    return Scripted(steps, **options)  # type: ignore[arg-type]


def text(count: int) -> Answer:
    """The words in so many deltas."""
    usage = s.Usage(21, 9, cached=5)
    return script(*s.words(WORDS, count or 8), s.Finish(), usage)


def big_tool(size: int) -> Answer:
    """One call whose arguments are so many KB, ten pieces to each."""
    size = size or 16
    content = {"path": "big.txt", "content": "0123456789abcde\n" * 64 * size}
    call = s.ToolCall("call_big001", "write_file", content, fragments=size * 10)
    return script(call)


def cut(count: int) -> Answer:
    """A connection that drops after so many events."""
    return script(*s.words(WORDS, 8), cut_after=count or 6)


def status(code: int) -> Answer:
    """An error of that status."""
    return refusal(code or 500, f"status {code} was asked for", "scripted")


SCENARIOS: dict[str, Callable[[int], Answer]] = {
    "text": text,
    "many": lambda n: script(*[s.Text(f"word{i} ") for i in range(n or 1000)]),
    "tool": lambda _: script(SUN),
    "tools": lambda _: script(s.Text("Let me look."), SUN, RAIN),
    "big_tool": big_tool,
    "thinking": lambda _: script(THOUGHT, *s.words(WORDS, 4), s.Usage(reasoning=3)),
    "redacted": lambda _: script(s.Redacted(), *s.words(WORDS, 4)),
    "thinking_tool": lambda _: script(THOUGHT, SUN),
    "slow": lambda ms: script(*s.words(WORDS, 8), every=(ms or 200) / 1000),
    "silent_head": lambda ms: script(s.Pause((ms or 3000) / 1000), s.Text("late")),
    "silent_body": lambda ms: script(s.Head(), s.Hang((ms or 20_000) / 1000)),
    "stall": lambda ms: script(s.Text("Then "), s.Hang((ms or 20_000) / 1000)),
    "cut": cut,
    "cut_mid": lambda _: script(s.Text("Hel"), s.Cut(mid_chunk=True)),
    "no_finish": lambda _: script(s.Text("Hel"), s.NoFinish()),
    "length": lambda _: script(s.Text("Once upon a"), s.Finish("length")),
    "cut_tool": lambda _: script(
        s.ToolCall("call_cut01", "get_weather", '{"city": "Par'), s.Finish("length")
    ),
    "refusal": lambda _: script(s.Refusal(DECLINED)),
    "content_filter": lambda _: script(s.Text("So "), s.Finish("content_filter")),
    "stop_sequence": lambda _: script(
        s.Text("one, two"), s.Finish("stop_sequence", "three")
    ),
    "fail": lambda _: script(s.Text("Hel"), s.Fail()),
    "failed": lambda _: script(s.Text("Hel"), s.Fail(failed=True)),
    "overloaded": lambda _: script(
        s.Text("Hel"), s.Fail("Overloaded", "overloaded_error")
    ),
    "garbage": lambda _: script(s.Begin(), s.Raw(GARBAGE), s.NoFinish()),
    "status": status,
    "rate_limit": lambda n: refusal(
        *(429, "Sorry, you have exceeded your rate limits.", "user_model_rate_limited"),
        headers={"Retry-After": str(n or 7)},
    ),
    "overflow": lambda _: refusal(
        *(400, "prompt token count of 999999 exceeds the limit of 128000"),
        code="model_max_prompt_tokens_exceeded",
    ),
    "unavailable": lambda _: plain(503, "upstream connect error\n", Retry_After="2"),
    "html": lambda _: Plain(502, HTML, {"Server": "github.com"}, "text/html"),
}


def wished(said: str) -> Answer | None:
    """Give the answer that the words of the user ask for by name, if they do."""
    wish = WISH.search(said)
    if wish is None or wish[1] not in SCENARIOS:
        return None
    return SCENARIOS[wish[1]](int(wish[2] or 0))


def anthropic_error(status: int, kind: str, message: str) -> Plain:
    """Give an error in the words of the Messages API."""
    body = {"type": "error", "error": {"type": kind, "message": message}}
    return Plain(status, compact(body), {"Server": "github.com"})
