import json
import logging
import re

import pytest

from proxyapp.observe.forms import JsonForm
from proxyapp.observe.forms import printable
from proxyapp.observe.forms import TextForm
from proxyapp.observe.forms import Told
from proxyapp.observe.forms import word
from tests.unit.observe.entries import entry

HOSTILE = [
    "a\nFAKE 200 OK line",
    "a\r\nb",
    "\x1b[31mred",
    "\u2028\u2029\u0085",
    "\u202egnp.exe",
    "\x00",
    "\U000e0001",
    "x status=200 ending=stop",
    'x" ending="stop',
]


def text(level="INFO", path="/v1/chat/completions", agent="", more=None, **fields):
    made = entry(**fields)
    return TextForm().request(level, made, "POST", path, agent, more or {})


def fields(level="INFO", path="/v1/chat/completions", agent="", more=None, **changed):
    made = entry(**changed)
    line = JsonForm().request(level, made, "POST", path, agent, more or {})
    assert line.isprintable()
    return json.loads(line)


def test_a_request_is_a_line_of_text():
    line = text(agent="curl/8", cache_read=4, asked="qwen3")
    assert re.fullmatch(r"\d\d:\d\d:\d\d ", line[:9])
    assert line[9:] == (
        "INFO POST /v1/chat/completions 200 dialect=openai model=qwen3 backend=llama"
        " input=10 output=5 cache_read=4 first_ms=250 total_ms=1000 ending=stop"
        " key=laptop client=127.0.0.1 id=req_1 agent=curl/8"
    )


def test_the_name_that_was_asked_for_is_told_where_it_differs():
    assert " asked=gpt-4o " in text(asked="gpt-4o")


def test_what_is_empty_is_left_out_of_the_text():
    line = text(model="", asked="", backend="", input=0, output=0, first_ms=None)
    assert not re.search("model=|backend=|input=|output=|first_ms=|asked=", line)


def test_an_error_and_bodies_come_last():
    more = {"error": "The server is full.", "request_body": '{"a":\n1}'}
    assert text("WARNING", more=more, status=503).endswith(
        r' id=req_1 error=The server is full. request_body={"a":\n1}'
    )


def test_a_request_is_a_json_object():
    told = fields(agent="curl/8", time=1700000000.5, more={"error": "x"})
    assert told.pop("quota") == ""
    assert told == {
        "time": "2023-11-14T22:13:20.500Z",
        "level": "info",
        "event": "request",
        "request": "req_1",
        "method": "POST",
        "path": "/v1/chat/completions",
        "status": 200,
        "dialect": "openai",
        "asked": "gpt-4o",
        "model": "qwen3",
        "backend": "llama",
        "stream": True,
        "ending": "stop",
        "failed": False,
        "input": 10,
        "output": 5,
        "cache_read": 0,
        "cache_write": 0,
        "reasoning": 0,
        "estimated": False,
        "first_ms": 250,
        "total_ms": 1000,
        "key": "laptop",
        "client": "127.0.0.1",
        "initiator": "",
        "premium": 0.0,
        "agent": "curl/8",
        "error": "x",
    }


@pytest.mark.reliability("R-058")
@pytest.mark.parametrize("written", HOSTILE)
@pytest.mark.parametrize("place", ["asked", "model", "path", "agent"])
def test_whatever_a_client_writes_is_one_line(written, place):
    line = text(**{place: written})
    assert line.isprintable()
    assert line.count(" ending=") - line.count(json.dumps(written)) <= 1
    assert fields(**{place: written})[place] == written


@pytest.mark.reliability("R-058")
@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("qwen3-8b:latest", "qwen3-8b:latest"),
        ("a b", '"a b"'),
        ("a=b", '"a=b"'),
        ('a"b', r'"a\"b"'),
        ("a\nb", r'"a\nb"'),
        ("a\u2028b", r'"a\u2028b"'),
        ("é", '"é"'),
        ("sk-abcdefgh1234", "[hidden]"),
        ("x" * 300, "x" * 200),
    ],
)
def test_a_word_cannot_be_mistaken_for_more(written, shown):
    assert word(written) == shown


def test_what_is_printable_stays():
    assert printable("é 😀") == "é 😀"
    assert printable("a\x1b\u202e") == r"a\x1b\u202e"


def test_an_event_is_its_message_and_its_facts():
    told = Told("tool repaired", {"tool": "look\n", "times": 3})
    assert (
        TextForm()
        .event("INFO", told)
        .endswith(r" INFO tool repaired tool=look\n times=3")
    )
    made = json.loads(JsonForm().event("INFO", told))
    assert made.pop("time").endswith("Z")
    assert made == {
        "level": "info",
        "event": "tool repaired",
        "tool": "look\n",
        "times": 3,
    }


def record(message, arguments, error=None):
    info = (type(error), error, error.__traceback__) if error else None
    return logging.LogRecord("x", logging.ERROR, "", 1, message, arguments, info)


def failure():
    try:
        raise ValueError("a\x1b[31mb")
    except ValueError as error:
        return error


def test_a_trace_follows_its_line_and_is_printable():
    lines = TextForm().format(record("%s", (Told("failed", {}),), failure()))
    first, *trace = lines.split("\n")
    assert first.endswith(" ERROR failed")
    assert all(line.startswith("    ") and line.isprintable() for line in trace)
    assert r"ValueError: a\x1b[31mb" in trace[-1]


def test_a_trace_is_a_field_of_a_json_line():
    line = JsonForm().format(record("%s", (Told("failed", {"a": 1}),), failure()))
    made = json.loads(line)
    assert (made["level"], made["event"], made["a"]) == ("error", "failed", 1)
    assert "ValueError" in made["trace"]


def test_lines_of_others_have_the_same_forms():
    assert TextForm().format(record("a %s\n", ("b",))).endswith(r" ERROR a b\n")
    assert json.loads(JsonForm().format(record("a %s", ("b",))))["event"] == "a b"
