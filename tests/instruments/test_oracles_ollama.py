"""The Ollama checkers accept good answers and name what is wrong with bad ones."""

from typing import Any

import pytest

from tests import oracles
from tests.instruments import samples as s

FUNCTION = {"name": "ls", "arguments": {"path": "/"}}
CALLS = [{"id": "call_0", "function": FUNCTION}]
TEXT_CALLS = [{"function": {"name": "ls", "arguments": "{}"}}]
GOOD = {
    "text": s.ndjson(s.line("Hi"), s.line(" there"), s.last()),
    "thinking": s.ndjson(s.line("", thinking="hm"), s.line(), s.last()),
    "a call": s.ndjson(s.line("", tool_calls=CALLS), s.last()),
    "a heartbeat": s.ndjson(s.line(""), s.line(), s.last()),
    "a load": s.ndjson({**s.line(""), "done": True, "done_reason": "load"}),
    "a full context": s.ndjson(s.last(done_reason="length")),
}
BARE = {key: value for key, value in s.last().items() if key != "done_reason"}
BAD = {
    "blank": b"\n" + s.ndjson(s.last()),
    "not JSON": b"data: {}\n" + s.ndjson(s.last()),
    "not an object": b"[]\n" + s.ndjson(s.last()),
    "the last line is not ended": s.ndjson(s.last()).rstrip(b"\n"),
    "ends with nothing": s.ndjson(s.line()),
    "a line after the end": s.ndjson(s.last(), s.line()),
    "ends with error": s.ndjson(s.line(), {"error": "upstream broke off"}),
    "should be an object": s.ndjson(s.line("", tool_calls=TEXT_CALLS), s.last()),
    "duplicate tool call ids": s.ndjson(
        s.line("", tool_calls=CALLS), s.line("", tool_calls=CALLS), s.last()
    ),
    "content must be a string": s.ndjson(s.line(None), s.last()),  # type: ignore[arg-type]
    "created_at": s.ndjson({**s.line(), "created_at": 1795000000}, s.last()),
    "created_at '2026": s.ndjson({**s.last(), "created_at": "2026-11-21 00:00:00"}),
    "done_reason None": s.ndjson(BARE),
    "done_reason 'tool_calls'": s.ndjson(s.last(done_reason="tool_calls")),
    "eval_count is None": s.ndjson(s.last(eval_count=None)),
    "before the end": s.ndjson({**s.line(), "eval_count": 1}, s.last()),
    "role 'user'": s.ndjson(s.line(role="user"), s.last()),
    "model missing": s.ndjson({**s.last(), "model": ""}),
}


@pytest.mark.parametrize("name", GOOD)
def test_good_stream_is_accepted(name: str) -> None:
    assert oracles.ollama_stream(GOOD[name]) == []


@pytest.mark.parametrize("rule", BAD)
def test_bad_stream_is_named(rule: str) -> None:
    found = oracles.ollama_stream(BAD[rule])
    assert any(rule in one for one in found), found


def test_an_error_line_is_the_end() -> None:
    check = oracles.ollama_stream
    assert check(s.ndjson({"error": "broke off"}), expect_error=True) == []
    assert check(s.ndjson({"error": {"message": "x"}}), expect_error=True) != []
    late = s.ndjson({"error": "broke off"}, s.last())
    assert check(late, expect_error=True) != []
    assert check(GOOD["text"], expect_error=True) != []


def generated(text: str, **more: Any) -> dict[str, Any]:
    return {**s.STAMP, "response": text, "done": False, **more}


def test_generate_answers_are_checked() -> None:
    end = generated("", done=True, done_reason="stop", **s.METRICS)
    stream = s.ndjson(generated("Hi"), end)
    assert oracles.ollama_stream(stream, kind="generate") == []
    assert oracles.ollama_generate({**end, "response": "Hi"}) == []
    assert oracles.ollama_generate(generated("Hi")) != []
    assert oracles.ollama_stream(stream) != []


def test_whole_chat_answers_are_checked() -> None:
    assert oracles.ollama_chat(s.last()) == []
    assert oracles.ollama_chat(s.line()) != []
    assert oracles.ollama_chat(s.last(total_duration=0.5)) != []


def test_errors_are_one_sentence() -> None:
    assert oracles.ollama_error(404, {"error": "model 'x' not found"}) == []
    assert oracles.ollama_error(200, {"error": "no"}) == ["error body with HTTP 200"]
    assert oracles.ollama_error(500, {"error": ""}) != []
    assert oracles.ollama_error(500, s.ERROR) != []
    assert oracles.ollama_error(500, []) != []


TAG = {
    "name": "m",
    "model": "m",
    "modified_at": "2026-11-21T00:00:00Z",
    "size": 1,
    "digest": "d",
    "details": {"family": "llama"},
}


def test_tags_are_checked() -> None:
    assert oracles.ollama_tags({"models": []}) == []
    assert oracles.ollama_tags({"models": [TAG]}) == []
    assert oracles.ollama_tags({"models": [{**TAG, "name": "m:latest"}]}) != []
    nameless = {key: value for key, value in TAG.items() if key != "model"}
    assert "models[0]: model key missing" in oracles.ollama_tags({"models": [nameless]})
    assert oracles.ollama_tags({"data": []}) != []


def test_running_models_are_checked() -> None:
    running = {**TAG, "expires_at": "2026-11-21T01:00:00Z", "context_length": 4096}
    assert oracles.ollama_ps({"models": [running]}) == []
    assert oracles.ollama_ps({"models": []}) == []
    assert oracles.ollama_ps({"models": [TAG]}) != []


def test_show_needs_what_vs_code_reads() -> None:
    info = {
        "general.architecture": "llama",
        "general.basename": "m",
        "llama.context_length": 4096,
    }
    good = {"model_info": info, "capabilities": ["completion", "tools"]}
    assert oracles.ollama_show(good) == []
    assert oracles.ollama_show({**good, "capabilities": None}) != []
    assert oracles.ollama_show({"capabilities": []}) != []
    for key in info:
        less = {other: value for other, value in info.items() if other != key}
        assert oracles.ollama_show({**good, "model_info": less}) != []


def test_embeddings_are_checked() -> None:
    assert oracles.ollama_embed({"model": "m", "embeddings": [[0.1], [0.2]]}) == []
    assert oracles.ollama_embed({"model": "m", "embeddings": [[0.1], []]}) != []
    assert oracles.ollama_embed({"model": "m"}) != []
