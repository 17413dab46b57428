"""What a client gets for each fault of an upstream, and what is right.

    python -m tests.live.contract

asks in every dialect, whole and streamed, for each fault, and writes what came back
into docs/reliability.md.
"""

import contextlib
import sys
from collections.abc import Iterator
from dataclasses import dataclass

import requests

from tests.fakes.faults import BEFORE_ANY_ANSWER
from tests.fakes.faults import BROKEN_OFF
from tests.fakes.faults import Fault
from tests.fakes.faults import FAULTS
from tests.fakes.faults import INFINITE_STREAM
from tests.fakes.faults import TOOL_FAULTS
from tests.fakes.upstream import FakeUpstream
from tests.live.conftest import HURRIED
from tests.page import write_section
from tests.servers import running_gateway
from tests.servers import RunningGateway
from tests.speakers import Speaker
from tests.speakers import SPEAKERS

# Anthropic has a status of its own for a server that is not ready.
DIALECT_STATUSES = {503: {503, 529}}
WHOLE_ONLY = {"infinite_stream": INFINITE_STREAM}
TOOLS = {"create_file": {"type": "object", "properties": {}}}
WORDS = {"ok": "the whole answer", "error_in_stream": "what had come, then the error"}


@dataclass(frozen=True)
class Seen:
    """What a client got: a kind of outcome, and the status and code of the error."""

    outcome: str
    status: int
    code: str = ""


def ways(name: str) -> Iterator[tuple[Speaker, bool]]:
    """Yield who may ask, and whether they stream."""
    for speaker in SPEAKERS:
        if speaker.calls or name not in TOOL_FAULTS:
            yield speaker, False
            if name not in WHOLE_ONLY:
                yield speaker, True


def wanted(fault: Fault, stream: bool) -> tuple[frozenset[str], set[int]]:
    """Give the outcomes and statuses that are right for one way of asking."""
    statuses = {s for one in fault.statuses for s in DIALECT_STATUSES.get(one, {one})}
    if stream or "error_in_stream" not in fault.outcomes:
        return fault.outcomes, statuses
    outcomes = (fault.outcomes - {"error_in_stream"}) | {"error_before"}
    # Cut within the body, where the true status is the gateway's own.
    return outcomes, statuses if "error_before" in fault.outcomes else {502, 504}


def seen(speaker: Speaker, reply: requests.Response, stream: bool) -> Seen:
    """Name what a reply is, once it was found to be a good one of its kind."""
    if reply.status_code != 200:
        document = reply.json()
        assert speaker.error_violations(reply.status_code, document) == []
        return Seen("error_before", reply.status_code, code_of(document))
    if not stream:
        assert speaker.whole_violations(reply.json()) == []
        return Seen("ok", 200)
    failure = speaker.view(reply.content).failure
    failed = failure is not None
    assert speaker.stream_violations(reply.content, failed=failed) == []
    return Seen("error_in_stream" if failed else "ok", 200, code_of(failure))


def code_of(told: object) -> str:
    """Give the code of an OpenAI error; other dialects have none."""
    error = told.get("error", told) if isinstance(told, dict) else {}
    return str(error.get("code") or "") if isinstance(error, dict) else ""


@contextlib.contextmanager
def misbehaving(upstream: FakeUpstream, fault: Fault) -> Iterator[None]:
    """Let an upstream go wrong in one way while the block lasts."""
    upstream.reset()
    if fault.make is not None:
        upstream.answer(fault.make())
        yield
        return
    upstream.refuse()
    try:
        yield
    finally:
        upstream.accept()


# -------------------------------------------------------------------------- the page


def observed(gateway: RunningGateway, upstream: FakeUpstream, name: str) -> list[str]:
    """Give what clients of a fault see, streaming and not, in words."""
    fault = {**FAULTS, **WHOLE_ONLY}[name]
    found: dict[bool, set[str]] = {True: set(), False: set()}
    for speaker, stream in ways(name):
        with misbehaving(upstream, fault):
            reply = speaker.post(gateway, "hi", TOOLS, stream=stream)
        told = seen(speaker, reply, stream)
        if speaker.name == "openai" or told.outcome == "ok":
            found[stream].add(in_words(told))
        else:
            # Whatever the dialect calls it, it is an error in the same place.
            assert told.outcome in wanted(fault, stream)[0]
    return [" or ".join(sorted(found[stream])) or "-" for stream in (True, False)]


def in_words(told: Seen) -> str:
    """Say briefly what a client got."""
    if told.outcome == "error_before":
        return f"{told.status} `{told.code}`"
    code = f" `{told.code}`" if told.code else ""
    return f"{WORDS[told.outcome]}{code}"


def table() -> Iterator[str]:
    """Yield the lines of the page's table: a row for all faults that end alike."""
    rows: dict[tuple[str, ...], list[str]] = {}
    with FakeUpstream() as upstream, running_gateway(upstream.url, **HURRIED) as it:
        for name in [*FAULTS, *WHOLE_ONLY]:
            told = tuple(observed(it, upstream, name))
            sys.stdout.write(f"{name}: {'; '.join(told)}\n")
            rows.setdefault(told, []).append(name)
    yield "| Faults of the upstream | Streamed | Whole |"
    yield "| --- | --- | --- |"
    for told, names in rows.items():
        faults = ", ".join(f"`{name}`" for name in names)
        yield f"| {faults} | {' | '.join(told)} |"


def numbers(name: str) -> tuple[str, ...]:
    """Give the statements of docs/reliability.md that a fault is about."""
    found = ["R-004"] if name in BEFORE_ANY_ANSWER else []
    found += ["R-003"] if name in BROKEN_OFF else []
    return (*found, *ABOUT.get(name, ()))


ABOUT = {
    **dict.fromkeys(
        ("utf8_split", "slow_trickle", "crlf_sse", "cr_sse", "bom_comments"),
        ("R-005",),
    ),
    **dict.fromkeys(("multiline_data", "tool_split"), ("R-005",)),
    **dict.fromkeys(("unicode_newlines", "latin1_no_charset"), ("R-006",)),
    **dict.fromkeys(("rate_429", "rate_429_date", "loading_503"), ("R-008",)),
    **dict.fromkeys(("loading_then_ok", "status_401", "status_403"), ("R-008",)),
    **dict.fromkeys(("redirect_302", "redirect_307", "redirect_308"), ("R-009",)),
    **dict.fromkeys(("stale_race", "stale_rst", "stale_idle"), ("R-010",)),
    **dict.fromkeys(("hang_before_headers", "hang_mid_stream"), ("R-014",)),
    **dict.fromkeys(("malformed_sse", "utf8_invalid"), ("R-015",)),
    **dict.fromkeys(("interim_100", "cl_too_long", "cl_too_short"), ("R-017",)),
    **dict.fromkeys(("tool_truncated", "tool_bad_json"), ("R-018",)),
    **dict.fromkeys(("prefill", "prefill_after_headers"), ("R-013",)),
    "giant_line": ("R-007",),
    "hop_headers": ("R-040",),
    "header_inject": ("R-040",),
    "xss_text": ("R-056",),
}

if __name__ == "__main__":
    write_section("reliability", "faults", "\n".join(table()))
