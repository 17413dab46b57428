"""J. Ollama: chat, generate, embeddings, native and through Ollama's own client."""

import base64
import json

import ollama
import pytest

from tests import oracles
from tests.conformance.conftest import QUICK
from tests.fakes.upstream import Cut
from tests.fakes.upstream import FakeUpstream
from tests.fakes.upstream import Finish
from tests.fakes.upstream import Pause
from tests.fakes.upstream import Reasoning
from tests.fakes.upstream import Role
from tests.fakes.upstream import Text
from tests.fakes.upstream import Timings
from tests.fakes.upstream import ToolCall
from tests.fakes.upstream import Usage
from tests.oracles.ollama import METRICS
from tests.oracles.ollama import RFC3339
from tests.servers import running_gateway
from tests.speakers import post

HI = [{"role": "user", "content": "hi"}]
SAID = (Text("Hel"), Text("lo"), Finish("stop"), Usage(10, 2), Timings())
ASKED = {"/api/chat": {"messages": HI}, "/api/generate": {"prompt": "hi"}}
KINDS = {"/api/chat": "chat", "/api/generate": "generate"}
LOOK = {
    "type": "function",
    "function": {
        "name": "look",
        "parameters": {"type": "object", "properties": {"at": {"type": "string"}}},
    },
}
SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}}
HEADS = {
    "png": b"\x89PNG\r\n\x1a\n",
    "jpeg": b"\xff\xd8\xff\xe0",
    "webp": b"RIFF\x08\x00\x00\x00WEBP",
    "gif": b"GIF89a",
}

each_path = pytest.mark.parametrize("path", ASKED)


@pytest.fixture(scope="module")
def thinking_upstream():
    with FakeUpstream() as fake:
        fake.props = {**fake.props, "chat_template": "{{ '<think>' }}"}
        yield fake


@pytest.fixture(scope="module")
def thinker(thinking_upstream):
    """Run a gateway whose one model can think."""
    with running_gateway(thinking_upstream.url, **QUICK) as running:
        yield running


@pytest.fixture
def client(gateway):
    with ollama.Client(gateway.url, timeout=20) as made:
        yield made


def ask(gateway, path="/api/chat", **fields):
    """Ask as Ollama's clients do: what is not given has Ollama's default."""
    return post(gateway, path, {"model": "tiny", **ASKED.get(path, {}), **fields})


def sent(upstream):
    """Give the body of the one request that asked for text."""
    (request,) = upstream.generations
    return request.json


def lines(reply):
    return [json.loads(line) for line in reply.content.split(b"\n")[:-1]]


def encoded(head):
    return base64.b64encode(head + bytes(16)).decode()


@pytest.mark.conformance("C-178")
@each_path
def test_a_reply_streams_unless_told_otherwise(gateway, upstream, path):
    upstream.script(*SAID)
    reply = ask(gateway, path)
    assert reply.headers["Content-Type"] == "application/x-ndjson"
    assert len(lines(reply)) > 1


@pytest.mark.conformance("C-178", "C-197")
@each_path
def test_a_reply_that_is_not_streamed_is_one_document(gateway, upstream, path):
    upstream.script(*SAID)
    reply = ask(gateway, path, stream=False)
    check = {"chat": oracles.ollama_chat, "generate": oracles.ollama_generate}
    assert reply.headers["Content-Type"] == "application/json"
    assert check[KINDS[path]](reply.json()) == []
    assert oracles.text_of("ollama", reply.json()) == "Hello"


@pytest.mark.conformance("C-179", "C-180")
@each_path
def test_a_stream_is_lines_and_nothing_else(gateway, upstream, path):
    upstream.script(*SAID)
    raw = ask(gateway, path).content
    assert oracles.ollama_stream(raw, KINDS[path]) == []
    assert raw.endswith(b"}\n")
    assert b"\n\n" not in raw
    assert b"data:" not in raw


@pytest.mark.conformance("C-179")
def test_ollamas_client_reads_a_stream(client, upstream):
    upstream.script(*SAID)
    parts = list(client.chat("tiny", HI, stream=True))
    assert "".join(part.message.content for part in parts) == "Hello"
    assert (parts[-1].done, parts[-1].done_reason) == (True, "stop")


@pytest.mark.reliability("R-006")
@pytest.mark.conformance("C-180")
@pytest.mark.parametrize("odd", ["\u0085", "\u2028", "\u2029", "\x0b\x1c", "\n\r\n"])
def test_ollamas_client_reads_what_looks_like_a_line_end(client, upstream, odd):
    upstream.script(Text("a"), Text(f"b{odd}c"), Finish("stop"), Usage(1, 2))
    parts = client.generate("tiny", "hi", stream=True)
    assert "".join(part.response for part in parts) == f"ab{odd}c"


@pytest.mark.conformance("C-181", "C-184")
def test_each_call_is_told_once_and_whole(gateway, upstream):
    upstream.script(
        Text("So: "),
        ToolCall("call_a", "look", {"at": "a\nb"}, fragments=5),
        ToolCall("call_b", "look", {"at": "é"}, fragments=3),
        Finish("tool_calls"),
        Usage(10, 4),
    )
    reply = ask(gateway, tools=[LOOK])
    assert oracles.ollama_stream(reply.content) == []
    told = [line["message"] for line in lines(reply) if "message" in line]
    calls = [call for message in told for call in message.get("tool_calls", [])]
    assert [call["function"] for call in calls] == [
        {"index": 0, "name": "look", "arguments": {"at": "a\nb"}},
        {"index": 1, "name": "look", "arguments": {"at": "é"}},
    ]
    assert [m["content"] for m in told if m.get("tool_calls")] == ["", ""]
    assert lines(reply)[-1]["done_reason"] == "stop"


@pytest.mark.conformance("C-181")
def test_ollamas_client_makes_a_round_trip_with_a_tool(client, upstream):
    upstream.script(ToolCall("call_a", "look", {"at": "x"}), Finish("tool_calls"))
    first = client.chat("tiny", HI, tools=[LOOK])
    (call,) = first.message.tool_calls
    assert call.function.arguments == {"at": "x"}
    answer = {"role": "tool", "tool_name": "look", "content": "a tree"}
    upstream.reset()
    upstream.script(*SAID)
    second = client.chat("tiny", [*HI, first.message, answer], tools=[LOOK])
    assert second.message.content == "Hello"
    _, assistant, result = sent(upstream)["messages"]
    assert assistant["tool_calls"][0]["function"]["arguments"] == '{"at":"x"}'
    assert result["tool_call_id"] == assistant["tool_calls"][0]["id"]


@pytest.mark.reliability("R-018")
@pytest.mark.conformance("C-181")
def test_a_call_that_cannot_be_read_ends_in_an_error(gateway, upstream):
    call = ToolCall("call_a", "look", "no json at all")
    upstream.script(Text("So: "), call, Finish("tool_calls"), Usage(1, 1))
    reply = ask(gateway, tools=[LOOK])
    assert oracles.ollama_stream(reply.content, expect_error=True) == []


@pytest.mark.conformance("C-182", "C-183")
@each_path
def test_the_last_object_holds_counts_and_nanoseconds(gateway, upstream, path):
    upstream.script(*SAID)
    last = lines(ask(gateway, path))[-1]
    assert all(type(last[name]) is int for name in METRICS)
    assert (last["prompt_eval_count"], last["eval_count"]) == (10, 2)
    assert last["prompt_eval_duration"] == 12_500_000
    assert last["eval_duration"] == 40_000_000
    parts = ("load_duration", "prompt_eval_duration", "eval_duration")
    assert last["total_duration"] >= sum(last[part] for part in parts)


@pytest.mark.conformance("C-183", "C-184")
def test_every_line_has_a_time_and_a_content(gateway, upstream):
    upstream.script(Reasoning("hm"), *SAID)
    for line in lines(ask(gateway)):
        assert RFC3339.fullmatch(line["created_at"])
        assert line["created_at"].endswith("Z")
        assert isinstance(line["message"]["content"], str)


@pytest.mark.conformance("C-185")
@each_path
@pytest.mark.parametrize(("think", "told"), [(True, "hm"), (None, "hm"), (False, "")])
@pytest.mark.parametrize("stream", [True, False])
def test_thinking_has_a_place_of_its_own(
    thinker, thinking_upstream, path, think, told, stream
):
    thinking_upstream.reset()
    thinking_upstream.script(Reasoning("hm"), *SAID)
    reply = ask(thinker, path, think=think, stream=stream)
    answer = reply.content if stream else reply.json()
    assert oracles.thinking_of("ollama", answer) == told
    assert oracles.text_of("ollama", answer) == "Hello"


@pytest.mark.conformance("C-186")
@pytest.mark.parametrize(
    ("think", "effort", "enabled"),
    [
        (True, "medium", True),
        ("low", "low", True),
        ("medium", "medium", True),
        ("high", "high", True),
        ("max", "max", True),
        (False, "none", False),
    ],
)
def test_think_reaches_a_model_that_can(
    thinker, thinking_upstream, think, effort, enabled
):
    thinking_upstream.reset()
    assert ask(thinker, think=think).status_code == 200
    body = sent(thinking_upstream)
    assert body["reasoning_effort"] == effort
    assert body["chat_template_kwargs"] == {"enable_thinking": enabled}


@pytest.mark.conformance("C-186")
@pytest.mark.parametrize("wrong", ["much", "", 1, ["low"]])
def test_any_other_think_is_refused(thinker, wrong):
    reply = ask(thinker, think=wrong)
    assert reply.status_code == 400
    assert oracles.ollama_error(400, reply.json()) == []


@pytest.mark.conformance("C-186")
@pytest.mark.parametrize("think", [True, "high"])
def test_a_model_that_does_not_think_refuses_to(gateway, upstream, think):
    reply = ask(gateway, think=think)
    assert reply.status_code == 400
    assert reply.json()["error"].startswith('"tiny" does not support thinking')
    assert upstream.generations == []


@pytest.mark.conformance("C-187")
@each_path
def test_a_format_is_kept_to(gateway, upstream, path):
    ask(gateway, path, format="json")
    ask(gateway, path, format=SCHEMA)
    plain, shaped = (r.json["response_format"] for r in upstream.generations)
    assert plain == {"type": "json_object"}
    assert shaped["type"] == "json_schema"
    assert shaped["json_schema"]["schema"] == SCHEMA


@pytest.mark.conformance("C-187")
@pytest.mark.parametrize("nothing", ["", None])
def test_an_empty_format_is_none(gateway, upstream, nothing):
    ask(gateway, format=nothing)
    assert "response_format" not in sent(upstream)


@pytest.mark.conformance("C-188")
@each_path
def test_options_reach_the_upstream(gateway, upstream, path):
    options = {
        "num_predict": 7,
        "stop": ["END"],
        "seed": 3,
        "temperature": 0,
        "top_k": 5,
        "top_p": 0.5,
        "min_p": 0.1,
        "repeat_penalty": 1.2,
    }
    ask(gateway, path, options={**options, "num_ctx": 4096, "zzz": {}})
    body = sent(upstream)
    expected = {**options, "max_tokens": options.pop("num_predict")}
    del expected["num_predict"]
    assert {name: body.get(name) for name in expected} == expected
    assert not {"num_ctx", "zzz", "options"} & body.keys()


@pytest.mark.conformance("C-188")
@pytest.mark.parametrize("limit", [-1, -2])
def test_no_limit_is_no_limit_upstream(gateway, upstream, limit):
    ask(gateway, options={"num_predict": limit})
    assert not {"max_tokens", "max_completion_tokens"} & sent(upstream).keys()


@pytest.mark.conformance("C-189")
@each_path
@pytest.mark.parametrize(
    "wrong", [{"temperature": "x"}, {"seed": "1"}, {"stop": 1}, {"num_predict": True}]
)
def test_an_option_of_the_wrong_type_is_refused(gateway, upstream, path, wrong):
    reply = ask(gateway, path, options=wrong)
    assert reply.status_code == 400
    assert next(iter(wrong)) in reply.json()["error"]
    assert oracles.ollama_error(400, reply.json()) == []
    assert upstream.generations == []


@pytest.mark.conformance("C-190")
@pytest.mark.parametrize("kind", HEADS)
def test_an_image_becomes_a_url_of_its_kind(gateway, upstream, kind):
    image = encoded(HEADS[kind])
    asked = [{"role": "user", "content": "What?", "images": [image]}]
    ask(gateway, messages=asked)
    ask(gateway, "/api/generate", prompt="What?", images=[image])
    for request in upstream.generations:
        text, shown = request.json["messages"][0]["content"]
        assert text == {"type": "text", "text": "What?"}
        assert shown["image_url"]["url"] == f"data:image/{kind};base64,{image}"


@pytest.mark.conformance("C-190")
@pytest.mark.parametrize("wrong", ["not base64!", "aGVsbG8=", 5])
def test_what_is_no_image_is_refused(gateway, upstream, wrong):
    reply = ask(gateway, messages=[{"role": "user", "images": [wrong]}])
    assert reply.status_code == 400
    assert oracles.ollama_error(400, reply.json()) == []
    assert upstream.generations == []


@pytest.mark.conformance("C-191", "C-192")
@pytest.mark.parametrize(
    "named",
    [
        [{"tool_call_id": "b"}, {"tool_call_id": "a"}],
        [{"tool_name": "smell"}, {"tool_name": "look"}],
        None,
    ],
    ids=["by id", "by name", "by order"],
)
def test_results_find_their_calls(gateway, upstream, named):
    with_ids = bool(named) and "tool_call_id" in named[0]
    calls = [
        {"function": {"name": "look", "arguments": {"at": "x"}}},
        {"function": {"name": "smell", "arguments": {}}},
    ]
    if with_ids:
        calls[0]["id"], calls[1]["id"] = "a", "b"
    results = [{"content": "of smell"}, {"content": "of look"}]
    if named is None:
        results.reverse()
        named = [{}, {}]
    told = [{"role": "tool", **r, **n} for r, n in zip(results, named, strict=True)]
    turn = {"role": "assistant", "content": "", "tool_calls": calls}
    ask(gateway, messages=[*HI, turn, *told])
    _, assistant, *answers = sent(upstream)["messages"]
    made = assistant["tool_calls"]
    assert [call["type"] for call in made] == ["function", "function"]
    assert len({call["id"] for call in made}) == 2
    by_id = {answer["tool_call_id"]: answer["content"] for answer in answers}
    assert [by_id[call["id"]] for call in made] == ["of look", "of smell"]


@pytest.mark.conformance("C-193")
@pytest.mark.parametrize("path", ["/api/chat", "/api/generate"])
@pytest.mark.parametrize(
    ("keep_alive", "reason"), [(None, "load"), ("5m", "load"), (0, "unload")]
)
def test_nothing_to_say_loads_or_unloads(gateway, upstream, path, keep_alive, reason):
    empty = {"model": "tiny", "keep_alive": keep_alive, "stream": False}
    for body in (empty, {**empty, "messages": [], "prompt": ""}):
        reply = post(gateway, path, body).json()
        assert (reply["done"], reply["done_reason"]) == (True, reason)
    assert upstream.generations == []


@pytest.mark.conformance("C-193")
def test_ollamas_client_loads_a_model(client, upstream):
    assert client.generate("tiny", keep_alive="5m").done_reason == "load"
    assert client.chat("tiny", keep_alive=0).done_reason == "unload"
    (streamed,) = client.chat("tiny", stream=True)
    assert streamed.done_reason == "load"
    assert upstream.generations == []


@pytest.mark.conformance("C-194")
@each_path
@pytest.mark.parametrize("kept", ["5m", 300, -1, "0", "1h30m", "-1"])
def test_a_model_may_be_kept_for_any_time(gateway, upstream, path, kept):
    assert ask(gateway, path, keep_alive=kept).status_code == 200
    assert "keep_alive" not in sent(upstream)


@pytest.mark.conformance("C-194")
@pytest.mark.parametrize("path", [*ASKED, "/api/embed", "/api/embeddings"])
def test_a_time_that_is_none_is_refused(gateway, upstream, path):
    reply = ask(gateway, path, keep_alive="soon")
    assert reply.status_code == 400
    assert "keep_alive" in reply.json()["error"]


@pytest.mark.reliability("R-004")
@pytest.mark.conformance("C-195")
@each_path
@pytest.mark.parametrize("stream", [True, False])
def test_an_early_failure_has_a_status(gateway, upstream, path, stream):
    upstream.reply(503, {"error": {"message": "Loading model", "code": 503}})
    reply = ask(gateway, path, stream=stream)
    assert reply.status_code == 503
    assert oracles.ollama_error(503, reply.json()) == []


@pytest.mark.reliability("R-003")
@pytest.mark.conformance("C-195")
@each_path
def test_a_late_failure_is_the_last_line(gateway, upstream, path):
    upstream.script(Text("Hel"), Pause(0.05), Cut("rst"))
    raw = ask(gateway, path).content
    assert oracles.ollama_stream(raw, KINDS[path], expect_error=True) == []
    assert oracles.text_of("ollama", raw) == "Hel"


@pytest.mark.conformance("C-195")
def test_ollamas_client_raises_both_failures(client, upstream):
    upstream.reply(500, {"error": {"message": "out of luck", "code": 500}})
    with pytest.raises(ollama.ResponseError, match="out of luck") as early:
        client.chat("tiny", HI)
    assert early.value.status_code == 502
    upstream.reset()
    upstream.script(Text("Hel"), Pause(0.05), Cut("fin"))
    parts = client.chat("tiny", HI, stream=True)
    assert next(parts).message.content == "Hel"
    with pytest.raises(ollama.ResponseError):
        list(parts)


@pytest.mark.conformance("C-196")
def test_a_prompt_and_a_system_text_are_a_chat(gateway, upstream):
    ask(gateway, "/api/generate", prompt="hi", system="be brief")
    assert upstream.generations[0].path == "/v1/chat/completions"
    assert sent(upstream)["messages"] == [
        {"role": "system", "content": "be brief"},
        {"role": "user", "content": "hi"},
    ]


@pytest.mark.conformance("C-196")
def test_a_raw_prompt_goes_past_the_template(gateway, upstream):
    upstream.script(*SAID)
    reply = ask(gateway, "/api/generate", prompt="<|im_start|>x", raw=True)
    assert oracles.ollama_stream(reply.content, "generate") == []
    assert oracles.text_of("ollama", reply.content) == "Hello"
    assert upstream.generations[0].path == "/v1/completions"
    assert sent(upstream)["prompt"] == "<|im_start|>x"


@pytest.mark.conformance("C-196")
def test_a_suffix_is_filled_up_to_where_the_backend_can(served, upstream):
    asked = {"prompt": "def f(", "suffix": "return 1", "model": "org/coder:7b"}
    assert ask(served, "/api/generate", **asked).status_code == 200
    assert upstream.generations[0].path == "/v1/completions"
    assert (sent(upstream)["prompt"], sent(upstream)["suffix"]) == (
        "def f(",
        "return 1",
    )
    refused = ask(served, "/api/generate", **{**asked, "model": "tiny"})
    assert refused.status_code == 400
    assert len(upstream.generations) == 1


@pytest.mark.conformance("C-198")
def test_ollamas_client_embeds(client, upstream):
    one = client.embed("tiny", "a").embeddings
    two = client.embed("tiny", ["a", "b"]).embeddings
    assert (len(one), len(two)) == (1, 2)
    assert len({len(vector) for vector in [*one, *two]}) == 1
    assert len(client.embeddings("tiny", "a").embedding) == len(one[0])
    assert len(client.embed("tiny", "a", dimensions=3).embeddings[0]) == 3


@pytest.mark.conformance("C-198")
def test_nothing_to_embed_is_no_vector(gateway, upstream):
    assert ask(gateway, "/api/embed", input="").json()["embeddings"] == []
    assert ask(gateway, "/api/embed", input=[]).json()["embeddings"] == []
    assert ask(gateway, "/api/embeddings", prompt="").json() == {"embedding": []}
    assert upstream.requests_to("/v1/embeddings") == []


@pytest.mark.conformance("C-198")
def test_an_embedding_tells_what_it_took(gateway, upstream):
    reply = ask(gateway, "/api/embed", input=["a", "b"]).json()
    assert oracles.ollama_embed(reply) == []
    counts = ("total_duration", "load_duration", "prompt_eval_count")
    assert all(type(reply[name]) is int for name in counts)


@pytest.mark.reliability("R-013")
@pytest.mark.conformance("C-199")
@each_path
def test_silence_is_filled_with_empty_lines(gateway, upstream, path):
    upstream.script(Role(), Text("Hel"), Pause(1.6), Text("lo"), Finish(), Usage(1, 2))
    reply = ask(gateway, path)
    assert oracles.ollama_stream(reply.content, KINDS[path]) == []
    assert oracles.text_of("ollama", reply.content) == "Hello"
    assert len(lines(reply)) > 3


@pytest.mark.reliability("R-013")
@pytest.mark.conformance("C-199")
def test_ollamas_client_waits_through_silence(client, upstream):
    upstream.script(Role(), Pause(1.6), Text("Hello"), Finish(), Usage(1, 1))
    parts = list(client.chat("tiny", HI, stream=True))
    assert "".join(part.message.content for part in parts) == "Hello"
    assert parts[0].message.content == ""
    assert parts[0].done is False


@pytest.mark.conformance("C-200")
def test_an_empty_list_of_tools_is_none(gateway, client, upstream):
    client.chat("tiny", HI)
    ask(gateway, tools=[])
    ask(gateway, tools=None)
    assert len(upstream.generations) == 3
    assert not any("tools" in request.json for request in upstream.generations)


def test_the_older_recipe_gets_openais_stream(gateway, upstream):
    upstream.script(*SAID)
    body = {"model": "tiny", "messages": HI}
    reply = post(gateway, "/api/chat", body, {"Accept": "text/event-stream"})
    assert oracles.openai_chat_stream(reply.content) == []


def test_ollamas_client_pulls_and_shows_what_is_served(client):
    assert client.pull("tiny").status == "success"
    assert [part.status for part in client.pull("tiny", stream=True)][-1] == "success"
    assert client.show("tiny").modelinfo["general.basename"] == "tiny"
    with pytest.raises(ollama.ResponseError, match="not supported by this gateway"):
        client.delete("tiny")
