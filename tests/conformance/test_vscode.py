"""What the user of VS Code sees: its chat reads with no tolerance at all.

The rules are those of the client's SSE parser and of its error texts, see
``tests/oracles/vscode.py``.
"""

import json

import pytest
import requests

from tests import oracles
from tests.conformance.conftest import QUICK
from tests.conformance.test_openai_stream import FAILURES
from tests.conformance.test_openai_stream import NUMBERED
from tests.fakes.upstream import Cut
from tests.fakes.upstream import Delta
from tests.fakes.upstream import Done
from tests.fakes.upstream import Error
from tests.fakes.upstream import Finish
from tests.fakes.upstream import Hang
from tests.fakes.upstream import Reasoning
from tests.fakes.upstream import Text
from tests.fakes.upstream import ToolCall
from tests.fakes.upstream import Usage
from tests.oracles import vscode_reads
from tests.servers import running_gateway
from tests.speakers import get
from tests.speakers import post

PATH = "/v1/chat/completions"
AGENT = "GitHubCopilotChat/0.42.0"
# As the client sends it: every header and body key, and nothing else.
HEADERS = {
    "Authorization": "Bearer ",
    "X-Request-Id": "6a5d2f0e-7b0a-4c52-9d7c-0f6f3a6f1e11",
    "OpenAI-Intent": "conversation-other",
    "X-GitHub-Api-Version": "2025-05-01",
    "X-Initiator": "user",
    "Content-Type": "application/json",
    "User-Agent": AGENT,
    "X-VSCode-User-Agent-Library-Version": "node-fetch",
}
TOOLS = [
    {"type": "function", "function": {"name": "ls", "description": "List."}},
    {
        "type": "function",
        "function": {"name": "cat", "description": "", "parameters": {}},
    },
]
BODY = {
    "messages": [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "hi"},
    ],
    "model": "tiny",
    "temperature": 0.1,
    "top_p": 1,
    "n": 1,
    "stream": True,
    "stream_options": {"include_usage": True},
    "tools": TOOLS,
}
LS = ToolCall("call_1", "ls", {"path": "/etc"}, fragments=4)


def asked(gateway, path=PATH, **fields):
    return post(gateway, path, {**BODY, **fields}, HEADERS)


@pytest.fixture
def seen(gateway, upstream):
    """Ask as VS Code does; give what its user sees."""

    def asking(*steps, newer=False, **fields):
        upstream.script(*steps)
        reply = asked(gateway, **fields)
        assert reply.status_code == 200, reply.text
        return vscode_reads(reply.content, newer)

    return asking


# ------------------------------------------------------------------------- replies


def test_text_is_seen_with_its_usage(seen):
    reading = seen(Text("Hel"), Text("lo"), Finish(), Usage(3, 2))
    assert (reading.text, reading.failure, reading.logged) == ("Hello", None, 0)
    assert reading.usage["total_tokens"] == 5


@pytest.mark.parametrize("finish", ["stop", "eos", "load", "", None])
def test_the_finish_is_always_one_the_client_knows(seen, finish):
    reading = seen(Text("Hello"), Finish(finish), Usage(3, 2))
    assert (reading.text, reading.failure) == ("Hello", None)


def test_a_missing_finish_is_supplied(seen):
    reading = seen(Text("Hello"), Done())
    assert (reading.text, reading.failure) == ("Hello", None)


def test_usage_the_upstream_botches_does_not_crash_the_client(seen):
    botched = Delta({"content": "lo"})
    reading = seen(Text("Hel"), botched, Finish())
    assert (reading.text, reading.failure) == ("Hello", None)
    assert all(isinstance(reading.usage[k], int) for k in ("total_tokens",))


def test_an_empty_list_of_calls_does_not_swallow_the_answer(seen):
    swallowed = [Delta({"content": w, "tool_calls": []}) for w in ("Hel", "lo")]
    assert seen(*swallowed, Finish(), Usage(3, 2)).text == "Hello"


def test_text_beside_a_call_is_not_lost(seen):
    function = {"name": "ls", "arguments": "{}"}
    call = {"index": 0, "id": "c", "type": "function", "function": function}
    both = Delta({"content": "I look.", "tool_calls": [call]})
    reading = seen(both, Finish("tool_calls"), Usage(3, 2))
    assert reading.text == "I look."
    assert [one.name for one in reading.calls] == ["ls"]


@pytest.mark.parametrize("finish", ["tool_calls", "stop", "eos"])
@pytest.mark.parametrize("name", NUMBERED)
def test_every_call_is_delivered(seen, name, finish):
    reading = seen(*NUMBERED[name], Finish(finish), Usage(3, 9))
    calls = [(call.id, call.name, call.arguments) for call in reading.calls]
    assert calls == [("a", "ls", {"n": 1}), ("b", "cat", {"n": 2})]


@pytest.mark.parametrize("arguments", ["", "{}", '{"path":"/"'], ids=repr)
def test_arguments_are_always_json(seen, arguments):
    reading = seen(ToolCall("c", "ls", arguments), Finish("tool_calls"), Usage(1, 1))
    assert isinstance(reading.calls[0].arguments, dict)


def test_content_parts_are_not_passed_on_as_a_list(seen):
    parts = [{"type": "text", "text": "Hello"}]
    reading = seen(Delta({"content": parts}), Text("Hi"), Finish(), Usage(1, 1))
    assert (reading.text.endswith("Hi"), reading.failure) == (True, None)


@pytest.mark.parametrize("newer", [False, True], ids=["older", "newer"])
def test_reasoning_is_seen_once_by_either_reader(seen, newer):
    steps = (Reasoning("Hm"), Reasoning("."), Text("So."), Finish(), Usage(1, 3))
    reading = seen(*steps, newer=newer)
    assert (reading.thinking, reading.text) == ("Hm.", "So.")


def test_nothing_makes_the_client_wait_after_the_end(seen):
    reading = seen(Text("Hello"), Finish(), Usage(1, 1), Done(), Hang(10))
    assert reading.text == "Hello"


def test_no_line_is_foreign_to_the_client(gateway, upstream):
    upstream.script(Reasoning("Hm."), Text("a"), LS, Finish("stop"), Usage(1, 9))
    raw = asked(gateway).content
    assert vscode_reads(raw).logged == 0
    assert all(line.startswith((b"data: ", b":")) for line in raw.split(b"\n") if line)
    assert raw.endswith(b"data: [DONE]\n\n")


# ------------------------------------------------------------------------- requests


def test_the_clients_request_goes_upstream_as_it_means(seen, upstream):
    seen(Text("Hello"), Finish(), Usage(1, 1))
    sent = upstream.generations[-1].json
    assert (sent["temperature"], sent["top_p"]) == (0.1, 1)
    assert [m["role"] for m in sent["messages"]] == ["system", "user"]
    for tool in sent["tools"]:
        assert tool["function"]["parameters"]["type"] == "object"


def test_a_body_in_chunks_is_read(gateway, upstream):
    raw = json.dumps(BODY).encode()
    pieces = (raw[at : at + 100] for at in range(0, len(raw), 100))
    reply = requests.post(gateway.url + PATH, data=pieces, headers=HEADERS, timeout=10)
    assert vscode_reads(reply.content).text == "Hello there."


@pytest.mark.parametrize("path", ["//v1/chat/completions", "//v1//chat/completions"])
def test_a_slash_too_many_is_no_redirect(gateway, upstream, path):
    reply = requests.post(
        gateway.url + path,
        json=BODY,
        headers=HEADERS,
        allow_redirects=False,
        timeout=10,
    )
    assert (reply.status_code, reply.history) == (200, [])
    assert vscode_reads(reply.content).text == "Hello there."


@pytest.mark.parametrize("path", ["//api/version", "//api/tags", "//v1/models"])
def test_discovery_with_a_slash_too_many_is_no_redirect(gateway, upstream, path):
    assert get(gateway, path, HEADERS).status_code == 200


@pytest.mark.parametrize("bearer", ["Bearer ", "Bearer", "bearer  "])
def test_an_empty_bearer_is_no_key(gateway, upstream, bearer):
    reply = post(gateway, PATH, BODY, {**HEADERS, "Authorization": bearer})
    assert reply.status_code == 200


def test_an_image_in_a_message_of_its_own_is_read(seen, upstream):
    url = {"url": "data:image/png;base64,AA==", "media_type": "image/png"}
    image = {"role": "user", "content": [{"type": "image_url", "image_url": url}]}
    seen(Text("ok"), Finish(), messages=[*BODY["messages"], image])
    sent = upstream.generations[-1].json["messages"]
    assert [m["role"] for m in sent] == ["system", "user"]
    assert sent[1]["content"][-1]["image_url"] == {"url": url["url"]}


def test_replayed_thinking_and_cache_marks_are_no_trouble(seen, upstream):
    turn = {
        "role": "assistant",
        "content": "So.",
        "cot_id": "1",
        "cot_summary": "Hm.",
        "copilot_cache_control": {"type": "ephemeral"},
    }
    messages = [*BODY["messages"], turn, {"role": "user", "content": "go on"}]
    assert seen(Text("ok"), Finish(), messages=messages).text == "ok"
    sent = upstream.generations[-1].json["messages"]
    assert sent[2] == {"role": "assistant", "content": "So."}


# ------------------------------------------------------------------------- failures


@pytest.mark.parametrize("name", FAILURES)
def test_a_failure_after_content_is_seen_in_words(seen, name):
    reading = seen(*FAILURES[name])
    assert reading.failure.startswith("{")
    assert json.loads(reading.failure)["message"]


def test_an_error_before_content_is_seen_in_words(gateway, upstream):
    upstream.script(Error("no room"))
    reply = asked(gateway)
    assert (reply.status_code, "no room" in reply.text) == (424, True)


def test_a_silence_that_ends_in_a_cut_is_seen_in_words(seen):
    reading = seen(Delta({"content": ""}), Hang(0.8), Cut())
    assert json.loads(reading.failure)["message"]


BLIND = {500: 424, 502: 424, 503: 424, 504: 424}


@pytest.mark.parametrize("status", BLIND)
def test_a_status_that_hides_its_words_is_not_used(gateway, upstream, status):
    upstream.reply(status, {"error": {"message": "out of memory"}})
    reply = asked(gateway)
    assert reply.status_code == 424
    assert "out of memory" in reply.json()["error"]["message"]


def test_a_server_that_is_down_is_told_with_its_remedy(bereft):
    reply = asked(bereft)
    assert reply.status_code == 424
    assert "No model server" in reply.json()["error"]["message"]


@pytest.mark.parametrize("status", [401, 403])
def test_the_upstreams_own_refusal_does_not_reset_the_users_login(
    gateway, upstream, status
):
    upstream.reply(status, {"error": {"message": "Invalid API Key"}})
    assert asked(gateway).status_code == 424


def test_a_validation_error_of_the_upstream_is_no_content_filter(gateway, upstream):
    upstream.reply(422, {"error": {"message": "bad field"}})
    reply = asked(gateway)
    assert (reply.status_code, "bad field" in reply.text) == (400, True)


def test_a_rate_limit_stays_one(gateway, upstream):
    upstream.reply(429, {"error": {"message": "slow"}}, headers={"Retry-After": "7"})
    reply = asked(gateway)
    assert (reply.status_code, reply.headers["Retry-After"]) == (429, "7")


def test_another_client_gets_the_true_status(gateway, upstream):
    upstream.reply(500, {"error": {"message": "out of memory"}})
    assert post(gateway, PATH, BODY).status_code == 502


def test_another_client_gets_no_error_finish(gateway, upstream):
    upstream.script(*FAILURES["end"])
    raw = post(gateway, PATH, BODY).content
    assert oracles.openai_chat_stream(raw, expect_error=True) == []


def test_the_error_finish_is_well_formed_but_for_its_name(gateway, upstream):
    upstream.script(*FAILURES["end"])
    raw = asked(gateway).content
    found = oracles.openai_chat_stream(raw, expect_error=True, vscode=True)
    assert found == []


# --------------------------------------------------------------------- THINKING_MODE

THOUGHT = (Reasoning("Hm\n"), Reasoning("."), Text("So."), Finish(), Usage(3, 3))


@pytest.fixture(scope="module", params=["show_reasoning", "off", "events", "both"])
def mode(request, only_upstream):
    """Run a gateway in each mode but the default one."""
    with running_gateway(
        only_upstream.url, THINKING_MODE=request.param, **QUICK
    ) as running:
        yield request.param, running


def thinking_events(raw):
    blocks = [block.split(b"\n") for block in raw.split(b"\n\n")]
    data = [lines[1][6:] for lines in blocks if lines[0] == b"event: thinking"]
    return "".join(json.loads(one)["thinking"] for one in data)


MODES = {
    "show_reasoning": ("> Hm\n> .\n\nSo.", "", ""),
    "off": ("So.", "", ""),
    "events": ("So.", "", "Hm\n."),
    "both": ("So.", "Hm\n.", "Hm\n."),
}


def test_a_stream_shows_reasoning_as_the_mode_says(mode, upstream):
    name, gateway = mode
    upstream.script(*THOUGHT)
    raw = asked(gateway).content
    text, thinking, events = MODES[name]
    reading = vscode_reads(raw)
    assert (reading.text, reading.thinking) == (text, thinking)
    assert thinking_events(raw) == events


def test_a_whole_reply_shows_reasoning_as_the_mode_says(mode, upstream):
    name, gateway = mode
    upstream.script(*THOUGHT)
    message = asked(gateway, stream=False).json()["choices"][0]["message"]
    assert message["content"] == MODES[name][0]
    wanted = None if name in ("show_reasoning", "off") else "Hm\n."
    assert message.get("reasoning_content") == wanted


def test_the_default_mode_has_fields_and_no_events(gateway, upstream):
    upstream.script(*THOUGHT)
    raw = asked(gateway).content
    assert vscode_reads(raw).thinking == "Hm\n."
    assert thinking_events(raw) == ""
