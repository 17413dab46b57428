"""The OpenAI checkers accept good answers and name what is wrong with bad ones."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests import oracles
from tests.instruments import samples as s

GOLDEN = Path(__file__).parents[1] / "golden" / "llama"
GOOD_STREAMS = {
    "text": s.sse(s.ROLE, s.TEXT, s.STOP),
    "reasoning": s.sse(
        s.ROLE,
        s.chunk({"reasoning_content": "hm", "reasoning_text": "hm"}),
        s.TEXT,
        s.STOP,
    ),
    "a call": s.sse(
        s.ROLE, s.TEXT, s.call(0), s.fragment(0, '{"a"'), s.fragment(0, ":1}"), s.CALLED
    ),
    "two calls": s.sse(
        s.ROLE, s.call(0, arguments="{}"), s.call(1), s.fragment(1, "{}"), s.CALLED
    ),
    "a call cut at length": s.sse(
        s.ROLE, s.call(0), s.fragment(0, '{"a"'), s.chunk({}, "length")
    ),
    "a heartbeat": b": ping\n\n" + s.sse(s.ROLE, s.TEXT, s.STOP),
    "null usage": s.sse({**s.ROLE, "usage": None}, s.TEXT, s.STOP),
}
BAD_STREAMS = {
    "is not [DONE]": s.sse(s.ROLE, s.TEXT, s.STOP, done=False),
    "[DONE] before the end": s.sse("[DONE]", s.ROLE, s.STOP),
    "carriage returns": s.sse(s.ROLE, s.STOP).replace(b"\n", b"\r\n"),
    "not closed by a blank line": s.sse(s.ROLE, s.STOP).rstrip(b"\n"),
    "only data lines": b"event: x\n" + s.sse(s.ROLE, s.STOP),
    "event without data": b"data:\n\n" + s.sse(s.ROLE, s.STOP),
    "not JSON": s.sse("{", s.ROLE, s.STOP),
    "no role assistant": s.sse(s.TEXT, s.STOP),
    "role repeated": s.sse(s.ROLE, s.ROLE, s.STOP),
    "no finish_reason": s.sse(s.ROLE, s.TEXT),
    "second finish_reason": s.sse(s.ROLE, s.STOP, s.STOP),
    "content after finish_reason": s.sse(s.ROLE, s.STOP, s.TEXT),
    "content in the chunk with": s.sse(s.ROLE, s.chunk({"content": "x"}, "stop")),
    "created changed": s.sse(s.ROLE, {**s.TEXT, "created": 1795000001}, s.STOP),
    "id changed": s.sse(s.ROLE, {**s.TEXT, "id": "other"}, s.STOP),
    "model changed": s.sse(s.ROLE, {**s.TEXT, "model": "other"}, s.STOP),
    "usage that nobody asked for": s.sse(s.ROLE, s.STOP, s.COUNT),
    "needs three numbers": s.sse(s.ROLE, s.STOP, {**s.HEAD, "choices": []}),
    "tool_calls []": s.sse(s.ROLE, s.chunk({"tool_calls": []}), s.STOP),
    "content and tool_calls in one": s.sse(
        s.ROLE,
        s.chunk({"content": "x", **s.call(0, arguments="{}")["choices"][0]["delta"]}),
        s.CALLED,
    ),
    "unknown key": s.sse(s.ROLE, s.chunk({"reasoning": "hm"}), s.STOP),
    "is not the next": s.sse(s.ROLE, s.call(1, arguments="{}"), s.CALLED),
    "begins with id": s.sse(s.ROLE, s.call(0, id="", arguments="{}"), s.CALLED),
    "without its name": s.sse(s.ROLE, s.call(0, name="", arguments="{}"), s.CALLED),
    "name of tool 0 repeated": s.sse(
        s.ROLE, s.call(0), s.fragment(0, "{}", id="call_0"), s.CALLED
    ),
    "goes on after a later one": s.sse(
        s.ROLE, s.call(0), s.call(1), s.fragment(0, "{}"), s.fragment(1, "{}"), s.CALLED
    ),
    "duplicate": s.sse(
        s.ROLE,
        s.call(0, arguments="{}"),
        s.call(1, arguments="{}", id="call_0"),
        s.CALLED,
    ),
    "no JSON object": s.sse(s.ROLE, s.call(0, arguments='{"a"'), s.CALLED),
    "'stop' with tool calls": s.sse(s.ROLE, s.call(0, arguments="{}"), s.STOP),
    "without tool calls": s.sse(s.ROLE, s.TEXT, s.CALLED),
    "an error, against": s.sse(s.ROLE, s.ERROR),
    "Input should be 'stop'": s.sse(s.ROLE, s.chunk({}, "eos")),
}


@pytest.mark.parametrize("name", GOOD_STREAMS)
def test_good_chat_stream_is_accepted(name: str) -> None:
    assert oracles.openai_chat_stream(GOOD_STREAMS[name]) == []
    assert oracles.stream_matches("chat_chunk", GOOD_STREAMS[name]) == []


@pytest.mark.parametrize("rule", BAD_STREAMS)
def test_bad_chat_stream_is_named(rule: str) -> None:
    found = oracles.openai_chat_stream(BAD_STREAMS[rule])
    assert any(rule in one for one in found), found


def test_usage_is_demanded_when_asked_for() -> None:
    with_usage = s.sse(s.ROLE, s.TEXT, s.STOP, s.COUNT)
    without = s.sse(s.ROLE, s.TEXT, s.STOP)
    assert oracles.openai_chat_stream(with_usage, include_usage=True) == []
    found = oracles.openai_chat_stream(without, include_usage=True)
    assert found == ["no usage chunk although it was asked for"]


def test_usage_must_come_last_and_alone() -> None:
    early = s.sse(s.ROLE, s.COUNT, s.STOP)
    beside = s.sse(s.ROLE, {**s.STOP, "usage": s.USAGE})
    assert oracles.openai_chat_stream(early, include_usage=True) == [
        "chunk[2]: a chunk after the usage chunk"
    ]
    assert oracles.openai_chat_stream(beside, include_usage=True) == [
        "chunk[1]: usage belongs in a chunk without choices"
    ]


@pytest.mark.parametrize(
    "usage",
    [
        {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 3},
        {**s.USAGE, "prompt_tokens_details": {"cached_tokens": 11}},
        {**s.USAGE, "completion_tokens_details": {"reasoning_tokens": 5}},
    ],
)
def test_usage_must_add_up(usage: dict[str, Any]) -> None:
    stream = s.sse(s.ROLE, s.STOP, {**s.COUNT, "usage": usage})
    assert oracles.openai_chat_stream(stream, include_usage=True) != []


def test_an_error_ends_a_stream_before_done() -> None:
    good = s.sse(s.ROLE, s.TEXT, s.ERROR)
    assert oracles.openai_chat_stream(good, expect_error=True) == []
    bad = {
        "no error, against": s.sse(s.ROLE, s.STOP),
        "data after the error": s.sse(s.ROLE, s.ERROR, s.TEXT),
        "not [DONE]": s.sse(s.ROLE, s.ERROR, done=False),
        "param key missing": s.sse({"error": {"message": "x", "type": "y"}}),
        "beside choices": s.sse({**s.ERROR, "choices": []}),
    }
    for rule, raw in bad.items():
        found = oracles.openai_chat_stream(raw, expect_error=True)
        assert any(rule in one for one in found), (rule, found)


def test_finish_reason_error_is_for_vs_code_alone() -> None:
    told = s.sse(s.ROLE, s.TEXT, s.chunk({}, "error"), s.ERROR)
    untold = s.sse(s.ROLE, s.TEXT, s.ERROR)
    check = oracles.openai_chat_stream
    assert check(told, expect_error=True, vscode=True) == []
    assert check(told, expect_error=True) != []
    assert check(untold, expect_error=True, vscode=True) != []
    assert check(s.sse(s.ERROR), expect_error=True, vscode=True) == []


def test_good_chat_completions_are_accepted() -> None:
    called = s.message(content=None, tool_calls=[s.whole_call()], finish="tool_calls")
    assert oracles.openai_chat(s.message(reasoning_content="hm")) == []
    assert oracles.openai_chat(called) == []
    assert oracles.matches("chat", called) == []


CALLS = {"tool_calls": [s.whole_call()], "content": None}
BAD_MESSAGES = {
    "'stop' with tool calls": s.message(**CALLS),
    "without tool calls": s.message(finish="tool_calls"),
    "tool_calls []": s.message(tool_calls=[]),
    "it must be null": s.message(
        tool_calls=[s.whole_call()], content="", finish="tool_calls"
    ),
    "no JSON object": s.message(
        tool_calls=[s.whole_call(arguments="[]")], content=None, finish="tool_calls"
    ),
    "duplicate": s.message(
        tool_calls=[s.whole_call()] * 2, content=None, finish="tool_calls"
    ),
    "tool call id": s.message(
        tool_calls=[s.whole_call(id="")], content=None, finish="tool_calls"
    ),
    "unknown key": s.message(thinking="hm"),
    "choices empty": {**s.message(), "choices": []},
    "needs three numbers": {**s.message(), "usage": None},
    "unix seconds": {**s.message(), "created": 1795000000000},
    "model empty": {**s.message(), "model": ""},
    "Input should be 'stop'": s.message(finish="eos"),
    "valid integer": {**s.message(), "created": "1795000000"},
}


@pytest.mark.parametrize("rule", BAD_MESSAGES)
def test_bad_chat_completion_is_named(rule: str) -> None:
    found = oracles.openai_chat(BAD_MESSAGES[rule])
    assert any(rule in one for one in found), found


@pytest.mark.parametrize("key", ["content", "refusal"])
def test_message_keys_must_be_present(key: str) -> None:
    body = s.message()
    del body["choices"][0]["message"][key]
    assert f"choices[0]: {key} key missing" in oracles.openai_chat(body)


def test_logprobs_key_is_demanded_by_both_oracles() -> None:
    body = s.message()
    del body["choices"][0]["logprobs"]
    assert oracles.openai_chat(body) == ["choices[0]: logprobs key missing"]
    [found] = oracles.matches("chat", body)
    assert "'logprobs' is a required property" in found


def test_finish_reason_key_is_demanded_in_chunks() -> None:
    bare = {**s.HEAD, "choices": [{"index": 0, "delta": {"content": "x"}}]}
    stream = s.sse(s.ROLE, bare, s.STOP)
    missing = "chunk[1]: finish_reason key missing"
    assert oracles.openai_chat_stream(stream) == [missing]
    [found] = oracles.stream_matches("chat_chunk", stream)
    assert "'finish_reason' is a required property" in found


def test_completions_streams_are_checked() -> None:
    def text(said: str, finish: str | None = None) -> dict[str, Any]:
        choice = {"index": 0, "text": said, "finish_reason": finish, "logprobs": None}
        return {**s.HEAD, "object": "text_completion", "choices": [choice]}

    check = oracles.openai_completion_stream
    assert check(s.sse(text("a"), text("", "stop"))) == []
    assert check(s.sse(text("a"), s.ERROR), expect_error=True) == []
    assert check(s.sse(text("a"), text("b", "stop"))) != []
    assert check(s.sse(text("a"))) == ["choice 0: no finish_reason"]
    assert check(s.sse(s.ROLE, s.STOP)) != []


def test_error_bodies_are_checked() -> None:
    assert oracles.openai_error(502, s.ERROR) == []
    assert oracles.openai_error(200, s.ERROR) != []
    assert oracles.openai_error(500, {"error": "text"}) != []
    code = {"error": {**s.ERROR["error"], "code": 500}}
    assert oracles.openai_error(500, code) != []
    empty = {"error": {**s.ERROR["error"], "message": ""}}
    assert oracles.openai_error(500, empty) == ["error: empty message"]


def test_model_lists_are_checked() -> None:
    model = {"id": "m", "object": "model", "created": 1795000000, "owned_by": "x"}
    assert oracles.openai_models({"object": "list", "data": [model]}) == []
    assert oracles.openai_models({"object": "list", "data": [model, model]}) != []
    assert oracles.openai_models({"object": "list", "data": [{"id": "m"}]}) != []
    assert oracles.openai_models({"data": []}) != []


def recorded(name: str) -> str:
    golden = json.loads((GOLDEN / f"{name}.json").read_text("utf-8"))
    body: str = golden["body"]
    return body


@pytest.mark.parametrize("name", ["chat_stream", "think_stream", "chat_stream_n2"])
def test_a_real_stream_of_llama_server_is_good(name: str) -> None:
    assert oracles.openai_chat_stream(recorded(name).encode()) == []


def test_a_real_llama_server_restamps_created_and_ends_errors_without_done() -> None:
    parallel = recorded("chat_stream_tools_parallel").encode()
    found = oracles.openai_chat_stream(parallel, include_usage=b'"usage"' in parallel)
    assert found != []
    assert all("created changed" in one for one in found)
    broken = recorded("err_midstream_after_200").encode()
    found = oracles.openai_chat_stream(broken, expect_error=True)
    assert "the last event is not [DONE]" in found


def test_recorded_embeddings_are_good_in_both_encodings() -> None:
    numbers = json.loads(recorded("embeddings"))
    packed = json.loads(recorded("embeddings_b64"))
    assert oracles.openai_embeddings(numbers) == []
    assert oracles.openai_embeddings(packed, encoding="base64") == []
    assert oracles.openai_embeddings(packed) != []
    assert oracles.openai_embeddings(numbers, encoding="base64") != []


def test_a_recorded_completion_is_good() -> None:
    body = json.loads(recorded("completions"))
    assert oracles.openai_completion(body) == []
    assert oracles.openai_completion({**body, "object": "chat.completion"}) != []
    assert oracles.openai_completion({**body, "choices": []}) != []
