"""The JavaScript clients of OpenAI and Ollama; Anthropic's is in tests/live."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests import oracles
from tests.conformance.conftest import KEY
from tests.fakes.bodies import vector
from tests.fakes.upstream import Cut
from tests.fakes.upstream import Finish
from tests.fakes.upstream import Text
from tests.fakes.upstream import ToolCall
from tests.fakes.upstream import Usage
from tests.fakes.upstream import Wait

JS = Path(__file__).parents[1] / "js"
MODULES = JS / "node_modules"
INSTALLED = shutil.which("node") and (MODULES / "openai").exists()

pytestmark = [
    pytest.mark.node,
    pytest.mark.skipif(not INSTALLED, reason="Node.js or tests/js is not installed"),
]
each_client = pytest.mark.parametrize("client", ["openai", "ollama"])


def run(gateway, client, action, **env):
    """Run one action of a client; give what it understood."""
    done = subprocess.run(
        ["node", f"{client}.mjs", gateway.url, action],
        cwd=JS,
        env={"PATH": os.environ["PATH"], **env},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_openais_client_reads_a_chat(gateway, upstream):
    body = run(gateway, "openai", "chat")
    assert oracles.text_of("openai", body) == "Hello there."
    assert oracles.usage_of("openai", body).prompt == 10


def test_openais_client_reads_a_stream(gateway, upstream):
    *chunks, last = run(gateway, "openai", "stream")
    text = [
        choice["delta"].get("content", "") for c in chunks for choice in c["choices"]
    ]
    assert "".join(text) == "Hello there."
    assert (last["choices"], last["usage"]["total_tokens"]) == ([], 12)


def test_openais_client_accumulates_a_stream(gateway, upstream):
    calls = (
        ToolCall("call_1", "weather", {"city": "Rome"}, fragments=5),
        ToolCall("call_2", "weather", {"city": "Oslo"}, fragments=5),
    )
    upstream.script(Text("I look."), *calls, Finish("tool_calls"), Usage(1, 9))
    view = oracles.read("openai", run(gateway, "openai", "accumulated"))
    assert (view.text, view.finish) == ("I look.", "tool_calls")
    assert [c.arguments for c in view.calls] == [{"city": "Rome"}, {"city": "Oslo"}]


def test_openais_client_reads_a_completion(gateway, upstream):
    body = run(gateway, "openai", "completion")
    assert oracles.text_of("completion", body) == "Hello there."


def test_ollamas_client_reads_a_chat(gateway, upstream):
    body = run(gateway, "ollama", "chat")
    assert oracles.ollama_chat(body) == []
    assert body["message"]["content"] == "Hello there."


def test_ollamas_client_reads_a_stream(gateway, upstream):
    *parts, last = run(gateway, "ollama", "stream")
    assert "".join(part["message"]["content"] for part in parts) == "Hello there."
    assert (last["done"], last["eval_count"]) == (True, 2)


def test_ollamas_client_reads_a_generation(gateway, upstream):
    assert run(gateway, "ollama", "generate")["response"] == "Hello there."


@each_client
def test_a_tool_is_called_and_answered(gateway, upstream, client):
    call = ToolCall("call_1", "weather", {"city": "Rome"}, fragments=3)
    upstream.script(call, Finish("tool_calls"), Usage(1, 9))
    upstream.script(Text("Sunny."), Finish(), Usage(9, 1))
    told = run(gateway, client, "tools")
    arguments = told["call"]["function"]["arguments"]
    city = json.loads(arguments) if client == "openai" else arguments
    assert (city, told["answer"]) == ({"city": "Rome"}, "Sunny.")
    history = upstream.generations[-1].json["messages"]
    assert [m["role"] for m in history] == ["user", "assistant", "tool"]
    assert history[2]["tool_call_id"] == history[1]["tool_calls"][0]["id"]
    assert history[2]["content"] == "sunny"


@each_client
def test_embeddings_are_the_right_numbers(gateway, upstream, client):
    told = run(gateway, client, "embeddings")
    assert told == [pytest.approx(vector(text), abs=1e-6) for text in ("a", "b")]


def test_openais_client_lists_the_models(gateway, upstream):
    assert run(gateway, "openai", "models") == {"ids": ["tiny"], "retrieved": "tiny"}


def test_ollamas_client_lists_the_models(gateway, upstream):
    told = run(gateway, "ollama", "models")
    assert told["ids"] == told["running"] == ["tiny"]
    assert "tools" in told["capabilities"]


# -------------------------------------------------------------------------- failures


@pytest.mark.parametrize(
    ("status", "kind"), [(429, "RateLimitError"), (500, "InternalServerError")]
)
def test_openais_client_knows_a_failure_by_its_class(gateway, upstream, status, kind):
    upstream.reply(status, {"error": {"message": "not now"}})
    told = run(gateway, "openai", "failure")
    assert told["class"] == kind
    assert "not now" in told["message"]
    assert told["requestID"]


def test_openais_client_knows_an_overflow(gateway, upstream):
    upstream.replay("err_context_overflow")
    told = run(gateway, "openai", "failure")
    assert told["class"] == "BadRequestError"
    assert told["code"] == "context_length_exceeded"


def test_openais_client_does_not_retry_what_cannot_help(gateway, upstream):
    upstream.reply(401, {"error": {"message": "Invalid API Key"}})
    assert run(gateway, "openai", "failure", RETRIES="2")["status"] == 502
    assert len(upstream.generations) == 1


@pytest.mark.parametrize("status", [429, 500])
def test_ollamas_client_is_told_the_status_and_a_sentence(gateway, upstream, status):
    upstream.reply(status, {"error": {"message": "not now"}})
    told = run(gateway, "ollama", "failure")
    assert told["status"] == (502 if status == 500 else 429)
    assert "not now" in told["message"]


@each_client
def test_a_stream_that_was_cut_fails(gateway, upstream, client):
    upstream.script(Text("Hel"), Cut(mid_chunk=True))
    assert run(gateway, client, "broken")["message"]


@each_client
def test_an_unknown_model_is_not_found(served, client):
    told = run(served, client, "unknown")
    assert told["status"] == 404
    assert "no/such:model" in told["message"]


@each_client
def test_a_key_opens_the_gateway_and_another_does_not(keyed, upstream, client):
    assert run(keyed, client, "chat", GATEWAY_KEY=KEY)
    assert run(keyed, client, "failure", GATEWAY_KEY="wrong")["status"] == 401


@each_client
def test_cancelling_ends_the_upstreams_work(gateway, upstream, client):
    upstream.script(Text("Hel"), Wait(limit=20))
    assert run(gateway, client, "cancel") == {"aborted": True}
    assert upstream.generations[0].wait_closed(20) is not None
