"""Every place of a request that holds something odd: served, or refused in words."""

import json

import pytest
import requests

from tests.live.rich import places
from tests.live.rich import put
from tests.live.rich import RICH
from tests.speakers import LIMIT

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


def bodies(body):
    """Give each body with something odd in one place, and what and where it is."""
    for path in places(body):
        where = ".".join(map(str, path))
        for name, value in ODD.items():
            yield f"{name} at {where}", json.dumps(put(body, path, value)).encode()
        raw = json.dumps(put(body, path, DEEP)).encode()
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
        for what, raw in bodies(body):
            reply = client.post(gateway.url + path, data=raw, timeout=LIMIT)
            faults[what] = fault_of(judge, reply)
    assert plain.status_code == 200, plain.text
    assert {what: fault for what, fault in faults.items() if fault} == {}
