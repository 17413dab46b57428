"""Hostile input: a refusal in the dialect's words, never a fault of the gateway's."""

import gzip
import json

import pytest
import zstandard

from tests import oracles
from tests.fakes.upstream import FakeUpstream
from tests.fakes.upstream import Plain
from tests.live import hostile
from tests.live.conftest import HURRIED
from tests.measures import least
from tests.measures import TRIES
from tests.servers import running_gateway
from tests.speakers import CHATS
from tests.speakers import each_speaker
from tests.speakers import post

pytestmark = pytest.mark.live

# Seconds; bounds a hang. How long others really wait is measured by the benchmark.
HANG = 10.0
# Milliseconds of work that nobody else may wait for.
STALL = 250
CHAT = "/v1/chat/completions"
USER = {"role": "user", "content": "hi"}
HTTP = hostile.corpus("http")
BODIES = hostile.corpus("bodies")
STRINGS = [hostile.joined(pieces) for pieces in hostile.corpus("strings")]
SCHEMAS = hostile.corpus("schemas")
URLS = hostile.corpus("urls")
# The address that schemas of the corpus refer to.
REMOTE = "http://127.0.0.1:18499"
named = pytest.mark.parametrize
HEALTH = b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"


def by_name(cases):
    return pytest.mark.parametrize("case", cases, ids=[c["name"] for c in cases])


@pytest.fixture
def alive(gateway):
    """See that the same worker still serves when the test is over."""
    before = gateway.worker_pids
    yield
    assert gateway.worker_pids == before
    assert hostile.statuses(hostile.exchange(gateway, HEALTH)) == [200]


@pytest.fixture(scope="module")
def gateway(troubled_upstream):
    """Run a gateway that waits for an upstream which reads as slowly as a test does."""
    patient = {**HURRIED, "PROXYAPP_UPSTREAM__IDLE_TIMEOUT": 15}
    with running_gateway(troubled_upstream.url, **patient) as running:
        yield running


@pytest.fixture
def beside_others(gateway, alive, longest_wait):
    """Give a function that posts while others ask /health, whom it may not hold up.

    The gateway itself tells when its loop stood still, and how much of that time it
    was at work. A machine that is short of time or memory takes longer for the same
    work: what counts is the best of some tries, and the machine's pace beside it.
    Repaired tools are remembered, so for them there is only one try.
    """

    def ask(path, body, headers=None, tries=TRIES):
        reply = None

        def stall():
            nonlocal reply
            before = len(gateway.log)
            with hostile.Prober(gateway) as prober:
                reply = post(gateway, path, body, headers)
                # The loop tells of a stall at its next tick.
                hostile.exchange(gateway, HEALTH)
            assert prober.asked > 0
            assert prober.worst < HANG
            longest_wait.append(prober.worst)
            stood = max(hostile.stalls(gateway.log[before:]), default=0)
            return stood / max(1, hostile.pace() / 100) if stood else 0

        assert least(stall, STALL, tries) <= STALL
        return reply

    return ask


def fault_of(speaker, reply):
    """Name what is wrong with a reply to hostile input, if anything."""
    if "html" in reply.headers["Content-Type"]:
        return "HTML"
    if reply.status_code == 200:
        return None
    if not 400 <= reply.status_code < 500:
        return f"{reply.status_code}: {reply.text[:200]}"
    return speaker.error_violations(reply.status_code, reply.json()) or None


# ---------------------------------------------------------------------------- HTTP


@pytest.mark.reliability("R-035")
@by_name(HTTP)
def test_a_request_that_parsers_disagree_on_is_harmless(gateway, upstream, alive, case):
    raw = hostile.joined(case["send"]).encode("latin-1")
    received = hostile.exchange(gateway, raw)
    found = hostile.statuses(received)
    assert all(status < 500 or status == 501 for status in found)
    assert b"<html" not in received.lower()
    if case["expect"] == "reject":
        assert not any(status < 300 for status in found)
    if case["expect"] == "one":
        assert len(found) == 1
    assert upstream.generations == []


@pytest.mark.reliability("R-036")
@pytest.mark.parametrize(
    "raw",
    [
        b"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        b"Content-Length: 50\r\n\r\n{",
        b"POST /api/chat HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n",
        b"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n",
    ],
    ids=["counted", "chunked", "nothing"],
)
def test_a_body_that_never_ends_is_given_up_on(gateway, upstream, alive, raw):
    assert hostile.statuses(hostile.exchange(gateway, raw)) == [408]


@pytest.mark.reliability("R-037")
@pytest.mark.parametrize("length", ["9" * 40, "9" * 12])
def test_an_endless_body_is_refused_before_it_is_read(gateway, alive, length):
    head = f"POST {CHAT} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {length}\r\n"
    received = hostile.exchange(gateway, head.encode() + b"\r\n{}")
    assert hostile.statuses(received)[0] in (400, 413)


@pytest.mark.reliability("R-035")
def test_a_refused_body_is_not_taken_for_the_next_request(gateway, alive):
    smuggled = b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    head = (
        f"POST {CHAT} HTTP/1.1\r\nHost: attacker.example\r\n"
        f"Content-Length: {len(smuggled)}\r\n\r\n"
    )
    received = hostile.exchange(gateway, head.encode() + smuggled)
    assert hostile.statuses(received) == [421]


# ---------------------------------------------------------------------------- JSON


@pytest.mark.reliability("R-050", "R-051", "R-052")
@by_name(BODIES)
@each_speaker(CHATS)
def test_an_odd_body_is_served_or_refused(gateway, upstream, alive, speaker, case):
    raw = hostile.joined(case["send"]).encode("utf-8", "surrogatepass")
    reply = post(gateway, speaker.path, raw, speaker.headers)
    assert fault_of(speaker, reply) is None
    if speaker.name == "openai":
        assert reply.status_code in case["expect"]
    for request in upstream.generations:
        json.loads(request.body, parse_constant=pytest.fail)


DEEP = [1_000, 100_000, 5_000_000]
GENERATED = {
    **{f"{n} arrays deep": b"[" * n + b"]" * n for n in DEEP},
    **{f"{n} objects deep": b'{"a":' * n + b"1" + b"}" * n for n in DEEP},
    "unclosed": b"[" * 5_000_000,
    "wide and empty": b"[" + b"[]," * 10_000_000 + b"[]]",
    "not too many lists": b'{"prompt":[' + b"[]," * 299_000 + b"1]}",
    "numbers": b'{"prompt":[' + b"1," * 15_000_000 + b"1]}",
    "not too many texts": b'{"prompt":[' + b'"a",' * 999_000 + b"1]}",
    "a million keys": b"{" + b",".join(b'"%d":0' % n for n in range(10**6)) + b"}",
    "one long string": b'{"model":"' + b"a" * (20 << 20) + b'"}',
    "one long number": b'{"n":' + b"9" * (1 << 20) + b"}",
    "escapes": b'{"model":"' + b"\\ud800" * 500_000 + b'"}',
    "blanks": b" " * (20 << 20),
}


@pytest.mark.reliability("R-050")
@named("name", GENERATED)
def test_a_monstrous_body_stalls_nobody(upstream, beside_others, name):
    reply = beside_others(CHAT, GENERATED[name])
    assert 400 <= reply.status_code < 500
    assert oracles.openai_error(reply.status_code, reply.json()) == []


@pytest.mark.reliability("R-050")
@named(
    "value",
    [b"[" * 900 + b"]" * 900, b"[" + b"[]," * 400_000 + b"[]]"],
    ids=["deep", "wide"],
)
@named("field", ["messages", "tools", "metadata", "response_format", "stop"])
def test_a_monstrous_value_stalls_nobody(upstream, beside_others, field, value):
    hi = b'"messages":[{"role":"user","content":"hi"}],'
    raw = b'{"model":"tiny",%b"%b":%b}' % (hi, field.encode(), value)
    assert fault_of(CHATS[0], beside_others(CHAT, raw)) is None


@pytest.mark.reliability("R-028")
@each_speaker(CHATS)
def test_a_text_as_long_as_a_body_may_be_stalls_nobody(
    upstream, beside_others, speaker
):
    reply = beside_others(
        speaker.path, speaker.body("a\nb " * 6_000_000), speaker.headers
    )
    assert reply.status_code == 200
    assert len(upstream.generations[-1].body) > 24_000_000


CROWDS = {
    "messages": [USER] * 300_000,
    "messages that are read": [USER] * 15_000,
    "late instructions": [USER, {"role": "system", "content": "hi"}] * 9_000,
    "orphan results": [{"role": "tool", "tool_call_id": "x", "content": "y"}] * 15_000,
    "parts": [{"role": "user", "content": [{"type": "text", "text": "a"}] * 300_000}],
}


@pytest.mark.reliability("R-050")
@named("name", CROWDS)
def test_a_crowd_of_messages_stalls_nobody(upstream, beside_others, name):
    reply = beside_others(CHAT, {"model": "tiny", "messages": CROWDS[name]})
    assert fault_of(CHATS[0], reply) is None


def with_arguments(arguments, count):
    """Make a conversation in which a model has made so many calls."""
    function = {"name": "look", "arguments": arguments}
    calls = [{"id": "c", "type": "function", "function": function}] * count
    calling = {"role": "assistant", "content": None, "tool_calls": calls}
    return [USER, calling, USER]


BROKEN = {
    "cut off": with_arguments("{'a': 'b', c: [1,2,", 19_000),
    "of another language": with_arguments("{'a': True, 'path': '/etc', }", 19_000),
    "long": with_arguments("{'a': '" + "x" * 1000 + "', b: \"", 9_000),
    "one and huge": with_arguments("{'a': '" + "x" * (20 << 20), 1),
}


@pytest.mark.reliability("R-028", "R-050")
@named("name", BROKEN)
def test_broken_arguments_stall_nobody(upstream, beside_others, name):
    reply = beside_others(CHAT, {"model": "tiny", "messages": BROKEN[name]})
    assert fault_of(CHATS[0], reply) is None


@pytest.mark.reliability("R-028", "R-052")
def test_halves_of_characters_stall_nobody(upstream, beside_others):
    text = b"\\ud800" * 2_000_000
    raw = b'{"model":"tiny","messages":[{"role":"user","content":"%b"}]}' % text
    assert fault_of(CHATS[0], beside_others(CHAT, raw)) is None


@pytest.mark.reliability("R-028")
def test_a_crowd_of_tools_stalls_nobody(upstream, beside_others):
    schema = {
        "type": "object",
        "properties": {
            f"p{n}": {"type": "string", "pattern": "^a+$"} for n in range(20)
        },
    }
    body = CHATS[0].body("hi", {f"t{n}": schema for n in range(3_000)})
    reply = beside_others(CHAT, body, tries=1)
    assert fault_of(CHATS[0], reply) is None


def ollama_calls(count, **result):
    """Make a conversation of as many calls as results."""
    calls = [{"function": {"name": f"f{n}", "arguments": {}}} for n in range(count)]
    results = [{"role": "tool", "content": "r", **result}] * count
    calling = {"role": "assistant", "tool_calls": calls}
    return {"model": "tiny", "messages": [USER, calling, *results]}


@pytest.mark.reliability("R-028", "R-050")
@named(
    "result",
    [{"tool_name": "f8999"}, {"tool_call_id": "x", "tool_name": "x"}, {}],
    ids=["the last", "none", "the next"],
)
def test_a_crowd_of_results_finds_its_calls(upstream, beside_others, result):
    reply = beside_others("/api/chat", ollama_calls(9_000, **result))
    assert reply.status_code == 200


@pytest.mark.reliability("R-028")
@named(
    ("path", "body"),
    [
        ("/v1/completions", {"model": "tiny", "prompt": [1] * 3_000_000}),
        ("/v1/completions", {"model": "tiny", "prompt": [1] * 250_000}),
        ("/v1/embeddings", {"model": "tiny", "input": ["a"] * 300_000}),
        ("/v1/embeddings", {"model": "tiny", "input": ["a"] * 8_000}),
    ],
    ids=["tokens refused", "tokens", "texts refused", "texts"],
)
def test_a_crowd_of_inputs_stalls_nobody(upstream, beside_others, path, body):
    assert fault_of(CHATS[0], beside_others(path, body)) is None


@pytest.mark.reliability("R-028")
@named(
    ("path", "wish"),
    [
        ("/v1/embeddings", {}),
        ("/v1/embeddings", {"encoding_format": "base64"}),
        ("/v1/embeddings", {"dimensions": 1000}),
        ("/api/embed", {}),
    ],
    ids=["numbers", "packed", "shortened", "ollama"],
)
def test_a_crowd_of_vectors_stalls_nobody(upstream, beside_others, path, wish):
    vector = [n / 1536 for n in range(1536)]
    data = [{"index": n, "embedding": vector} for n in range(128)]
    for _ in range(16 * TRIES):
        upstream.answer(Plain(200, {"data": data}), "/v1/embeddings")
    reply = beside_others(path, {"model": "tiny", "input": ["a"] * 2048, **wish})
    vectors = reply.json()["data" if path.startswith("/v1") else "embeddings"]
    assert len(vectors) == 2048


@pytest.mark.reliability("R-050")
@pytest.mark.parametrize(
    ("encoding", "pack"),
    [
        ("gzip", gzip.compress),
        ("zstd", zstandard.compress),
        ("gzip", lambda raw: gzip.compress(raw)[:-9]),
        ("gzip", lambda raw: b"\x1f\x8b" + raw[:999]),
        ("zstd", lambda raw: b"\x28\xb5\x2f\xfd" + raw[:999]),
    ],
    ids=["gzip", "zstd", "gzip cut", "gzip broken", "zstd broken"],
)
def test_a_bomb_stalls_nobody(beside_others, encoding, pack):
    raw = pack(b" " * (100 << 20))
    reply = beside_others(CHAT, raw, {"Content-Encoding": encoding})
    assert reply.status_code in (400, 413)
    assert oracles.openai_error(reply.status_code, reply.json()) == []


# ------------------------------------------------------------------------- strings

numbered_strings = pytest.mark.parametrize(
    "text", STRINGS, ids=[f"{n:02}" for n in range(len(STRINGS))]
)


@pytest.mark.reliability("R-050", "R-052")
@numbered_strings
@each_speaker(CHATS)
def test_any_text_reaches_the_model_as_it_is(gateway, upstream, alive, speaker, text):
    reply = speaker.post(gateway, text)
    assert fault_of(speaker, reply) is None
    if reply.status_code == 200:
        messages = upstream.generations[-1].json["messages"]
        assert messages[-1]["content"] == text


@pytest.mark.reliability("R-040", "R-050", "R-055")
@numbered_strings
@each_speaker(CHATS)
def test_any_text_may_be_a_models_name(gateway, upstream, alive, speaker, text):
    reply = speaker.post(gateway, model=text)
    assert fault_of(speaker, reply) is None
    # Responses may leave the model out, and take an empty name as none.
    if reply.status_code == 200 and text:
        assert reply.json()["model"] == text


@pytest.mark.reliability("R-050")
@numbered_strings
@each_speaker(CHATS)
def test_any_text_may_be_a_tools_name(gateway, upstream, alive, speaker, text):
    assert fault_of(speaker, speaker.post(gateway, "hi", [text])) is None


@pytest.mark.reliability("R-058")
@numbered_strings
def test_any_text_in_the_log_stays_on_its_line(gateway, upstream, alive, text):
    before = len(gateway.log)
    post(gateway, CHAT, {"model": text, "messages": 7}, {"User-Agent": "x"})
    assert "\nFAKE" not in gateway.log[before:]


# --------------------------------------------------------------------- tool schemas


@pytest.fixture(scope="module")
def elsewhere():
    """Run the server that schemas refer to; nobody may ask it."""
    with FakeUpstream() as fake:
        yield fake
        assert fake.connections == 0


def laughs(levels):
    definitions = {
        f"d{n}": {"allOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(levels)
    }
    definitions[f"d{levels}"] = {"type": "string"}
    return {"$ref": "#/$defs/d0", "$defs": definitions}


def nested(levels):
    schema = {"type": "string"}
    for _ in range(levels):
        schema = {"type": "object", "properties": {"a": schema}}
    return schema


HEAVY = {
    "a huge enum": {"enum": list(range(20_000))},
    "many properties": {
        "type": "object",
        "properties": {f"p{n}": {"type": "string"} for n in range(5_000)},
    },
    "deep": nested(150),
    "very deep": nested(350),
    "laughs": laughs(30),
    "patterns": {
        "type": "object",
        "properties": {
            f"p{n}": {"type": "string", "pattern": "^(a+)+$", "default": "a" * 40}
            for n in range(50)
        },
    },
    "unique": {"type": "array", "uniqueItems": True, "default": [{}] * 3_000},
}


@pytest.mark.reliability("R-053")
@named("name", SCHEMAS)
@each_speaker(CHATS)
def test_an_odd_schema_is_repaired_or_refused(
    gateway, upstream, alive, elsewhere, speaker, name
):
    text = json.dumps(SCHEMAS[name]).replace(REMOTE, elsewhere.url)
    body = speaker.body("hi", ["odd"])
    (tool,) = body["tools"]
    inner = tool.get("function", tool)
    field = "input_schema" if "input_schema" in inner else "parameters"
    inner[field] = json.loads(text)
    reply = post(gateway, speaker.path, body, speaker.headers)
    assert fault_of(speaker, reply) is None
    for request in upstream.generations:
        for sent in request.json.get("tools", []):
            assert sent["function"]["parameters"]["type"] == "object"


@pytest.mark.reliability("R-053")
@named("name", HEAVY)
def test_a_monstrous_schema_stalls_nobody(upstream, beside_others, name):
    reply = beside_others(CHAT, CHATS[0].body("hi", {"heavy": HEAVY[name]}), tries=1)
    assert fault_of(CHATS[0], reply) is None


@pytest.mark.reliability("R-053")
@named("name", HEAVY)
def test_a_monstrous_schema_for_the_reply_stalls_nobody(upstream, beside_others, name):
    wanted = {"name": "heavy", "schema": HEAVY[name]}
    form = {"type": "json_schema", "json_schema": wanted}
    reply = beside_others(CHAT, CHATS[0].body("hi", response_format=form), tries=1)
    assert fault_of(CHATS[0], reply) is None


# ---------------------------------------------------------------------------- URLs


@pytest.mark.reliability("R-048")
@named("url", URLS)
def test_no_address_in_a_request_is_ever_asked(gateway, upstream, alive, url):
    image = {"type": "image_url", "image_url": {"url": url}}
    body = {"model": "tiny", "messages": [{"role": "user", "content": [image]}]}
    reply = post(gateway, CHAT, body)
    assert reply.status_code == (200 if url.startswith("data:") else 400)
    assert fault_of(CHATS[0], reply) is None


@pytest.mark.reliability("R-046")
@named("field", ["api_base", "base_url", "url", "upstream", "endpoint", "proxy"])
def test_a_request_cannot_choose_the_upstream(gateway, upstream, elsewhere, field):
    body = {"model": "tiny", "messages": [USER], field: elsewhere.url}
    assert post(gateway, CHAT, body).status_code == 200
    assert len(upstream.generations) == 1
