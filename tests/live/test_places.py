"""Something odd in every place of a request, and of a model server's reply.

It is served, or refused in words, in the client's own dialect.
"""

import json

import pytest
import requests

from tests.fakes.answers import Plain
from tests.live.rich import places
from tests.live.rich import put
from tests.live.rich import REPLY
from tests.live.rich import RICH
from tests.speakers import each_speaker
from tests.speakers import LIMIT
from tests.speakers import SPEAKERS
from tests.speakers import SSE

pytestmark = pytest.mark.live

# Deeper than Python's own recursion goes, but not than JSON is read.
LEVELS = 1_000
DEEP = "@deep@"
NESTED = {
    "arrays": b"[" * LEVELS + b"]" * LEVELS,
    "objects": b'{"type":' * LEVELS + b"1" + b"}" * LEVELS,
}
ODD = {
    "null": None,
    "true": True,
    "a number": 7,
    "a fraction": 1.5,
    "a negative number": -1,
    "a huge number": 10**30,
    "nothing": "",
    "a word": "odd",
    "a half emoji": "\ud83d",
    "a zero byte": "a\0b",
    "long": "long" * 10_000,
    "a list": [],
    "a list of null": [None],
    "an object": {},
    "an object of null": {"": None},
    "lists": [[["a"]]],
}


def oddities(whole):
    """Give copies with something odd in one place as JSON, and what is where.

    A place gets a third of the oddities, the next place another third.
    """
    for number, path in enumerate(places(whole)):
        where = ".".join(map(str, path))
        for name, value in list(ODD.items())[number % 3 :: 3]:
            yield f"{name} at {where}", json.dumps(put(whole, path, value)).encode()
        raw = json.dumps(put(whole, path, DEEP)).encode()
        for name, value in NESTED.items():
            yield f"{name} at {where}", raw.replace(f'"{DEEP}"'.encode(), value)


def fault_of(judge, reply):
    """Name what is wrong with a reply, if anything."""
    if reply.status_code == 200:
        return None
    if not 400 <= reply.status_code < 500:
        return f"{reply.status_code} {reply.text[:200]}"
    return judge(reply.status_code, reply.json()) or None


@pytest.mark.reliability("R-050")
@pytest.mark.parametrize("name", RICH)
def test_nothing_odd_in_any_place_is_the_gateways_fault(gateway, upstream, name):
    path, judge, body = RICH[name]
    faults = {}
    with requests.Session() as client:
        client.headers["Content-Type"] = "application/json"
        plain = client.post(gateway.url + path, json=body, timeout=LIMIT)
        for what, raw in oddities(body):
            reply = client.post(gateway.url + path, data=raw, timeout=LIMIT)
            faults[what] = fault_of(judge, reply)
    assert plain.status_code == 200, plain.text
    assert {what: fault for what, fault in faults.items() if fault} == {}


def replies():
    """Give streams with something odd in one place; what is fine comes as it is."""
    chunks = [json.dumps(chunk).encode() for chunk in REPLY]
    for number, chunk in enumerate(REPLY):
        for what, raw in oddities(chunk):
            told = [*chunks[:number], raw, *chunks[number + 1 :], b"[DONE]"]
            yield f"{what} of {number}", b"".join(b"data: %b\n\n" % one for one in told)


def fault_of_reply(speaker, reply, *, stream):
    """Name what is wrong with a reply to what a model server said, if anything."""
    if reply.status_code != 200:
        if reply.status_code != 502:
            return f"{reply.status_code} {reply.text[:200]}"
        return speaker.error_violations(reply.status_code, reply.json())
    if not stream:
        return speaker.whole_violations(reply.json())
    return speaker.stream_violations(reply.content) and speaker.stream_violations(
        reply.content, failed=True
    )


@pytest.mark.reliability("R-015")
@each_speaker(SPEAKERS)
def test_nothing_odd_in_a_reply_breaks_the_answer(gateway, upstream, speaker):
    said = {}
    upstream.respond(lambda _: Plain(200, said["stream"], content_type=SSE))
    faults = {}
    with requests.Session() as client:
        client.headers.update(speaker.headers)
        for number, (what, said["stream"]) in enumerate(replies()):
            stream = number % 2 == 0
            body = speaker.body("hi", ["look"], stream=stream)
            reply = client.post(gateway.url + speaker.path, json=body, timeout=LIMIT)
            faults[what] = fault_of_reply(speaker, reply, stream=stream)
    assert {what: fault for what, fault in faults.items() if fault} == {}
