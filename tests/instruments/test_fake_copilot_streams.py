"""What the played Copilot streams is what the official SDKs read."""

import collections
import json
from collections.abc import Iterator
from typing import Any

import anthropic
import openai
import pytest
import requests

from tests import oracles
from tests.fakes.copilot import FakeCopilot
from tests.fakes.copilot import SCENARIOS
from tests.fakes.copilot.scenarios import WORDS
from tests.fakes.copilot.steps import Cut
from tests.fakes.copilot.steps import Event
from tests.fakes.copilot.steps import Finish
from tests.fakes.copilot.steps import Head
from tests.fakes.copilot.steps import Pause
from tests.fakes.copilot.steps import Text
from tests.fakes.copilot.steps import Thinking
from tests.fakes.copilot.steps import ToolCall
from tests.fakes.copilot.steps import Usage

HOST = "api.individual.githubcopilot.com"
EDITOR = {"Editor-Version": "vscode/1.107.0", "X-Initiator": "user"}
MODELS = {
    "/chat/completions": "gpt-4.1",
    "/responses": "gpt-5.3-codex",
    "/v1/messages": "claude-sonnet-4.6",
}
PATHS = tuple(MODELS)
CALLS = (
    ToolCall("call_a", "look", {"at": "the sky"}, fragments=3),
    ToolCall("call_b", "look", {"at": "\u6d77"}, fragments=2),
)
EVERYTHING = (
    Thinking("hm, so", "U0lH", fragments=2),
    Text("I "),
    Text("look."),
    *CALLS,
    Usage(20, 7, cached=8, reasoning=2),
)


@pytest.fixture
def github() -> Iterator[FakeCopilot]:
    with FakeCopilot() as fake:
        yield fake


def body_for(path: str, text: str = "hi") -> dict[str, Any]:
    field = "input" if path == "/responses" else "messages"
    messages = [{"role": "user", "content": text}]
    body = {"model": MODELS[path], field: messages, "stream": True}
    return {**body, "max_tokens": 64} if path == "/v1/messages" else body


def post(github: FakeCopilot, path: str, text: str = "hi") -> requests.Response:
    bearer = {"Authorization": f"Bearer {github.copilot_token()}"}
    url = f"{github.url}/{HOST}{path}"
    asked = {"json": body_for(path, text), "headers": {**EDITOR, **bearer}}
    return requests.post(url, timeout=10, stream=True, **asked)


def raw(github: FakeCopilot, path: str, text: str = "hi") -> bytes:
    return post(github, path, text).content


def events(data: bytes) -> list[Any]:
    lines = data.decode().splitlines()
    sent = [line.removeprefix("data: ") for line in lines if line.startswith("data: ")]
    return [json.loads(one) for one in sent if one != "[DONE]"]


def until_broken(answer: requests.Response) -> bytes:
    """Give what arrived before the connection broke, which it must."""
    got = bytearray()
    with pytest.raises(requests.RequestException):
        collections.deque(map(got.extend, answer.iter_content(1)), maxlen=0)
    return bytes(got)


def openai_client(github: FakeCopilot) -> openai.OpenAI:
    return openai.OpenAI(
        base_url=f"{github.url}/{HOST}",
        api_key=github.copilot_token(),
        default_headers=EDITOR,
        max_retries=0,
    )


def anthropic_client(github: FakeCopilot) -> anthropic.Anthropic:
    return anthropic.Anthropic(
        base_url=f"{github.url}/{HOST}",
        auth_token=github.copilot_token(),
        default_headers=EDITOR,
        max_retries=0,
    )


# -------------------------------------------------------- the SDKs read it all


def test_openai_reads_the_chunks(github: FakeCopilot) -> None:
    github.script(*EVERYTHING)
    with openai_client(github) as client:
        asked: Any = body_for("/chat/completions")
        chunks = list(client.chat.completions.create(**asked))
    choices = [chunk.choices[0] for chunk in chunks if chunk.choices]
    text = "".join(choice.delta.content or "" for choice in choices)
    calls = [call for choice in choices for call in choice.delta.tool_calls or []]
    given = ["", ""]
    for call in calls:
        given[call.index] += call.function.arguments or ""
    extras = [choice.delta.model_extra or {} for choice in choices]
    thought = "".join(one.get("reasoning_text", "") for one in extras)
    usage = chunks[-1].usage
    assert (text, thought) == ("I look.", "hm, so")
    assert [one["reasoning_opaque"] for one in extras if "reasoning_opaque" in one] == [
        "U0lH"
    ]
    assert [json.loads(one)["at"] for one in given] == ["the sky", "\u6d77"]
    assert choices[-1].finish_reason == "tool_calls"
    assert usage.prompt_tokens_details.cached_tokens == 8
    assert usage.completion_tokens_details.reasoning_tokens == 2


def test_openai_reads_the_response(github: FakeCopilot) -> None:
    github.script(*EVERYTHING, steady_ids=True)
    with openai_client(github) as client:
        asked: Any = body_for("/responses")
        with client.responses.stream(model=asked["model"], input="hi") as stream:
            final = stream.get_final_response()
    thought, message, *calls = final.output
    assert (thought.summary[0].text, thought.encrypted_content) == ("hm, so", "U0lH")
    assert final.output_text == "I look."
    assert message.status == "completed"
    assert [call.call_id for call in calls] == ["call_a", "call_b"]
    assert json.loads(calls[1].arguments) == {"at": "\u6d77"}
    assert final.usage.input_tokens_details.cached_tokens == 8


def test_anthropic_reads_the_message(github: FakeCopilot) -> None:
    github.script(*EVERYTHING)
    asked = {"model": "claude-sonnet-4.6", "max_tokens": 64}
    messages: Any = [{"role": "user", "content": "hi"}]
    with (
        anthropic_client(github) as client,
        client.messages.stream(**asked, messages=messages) as stream,
    ):
        final = stream.get_final_message()
    thought, text, *calls = final.content
    assert (thought.thinking, thought.signature) == ("hm, so", "U0lH")
    assert text.text == "I look."
    assert [call.input["at"] for call in calls] == ["the sky", "\u6d77"]
    assert final.stop_reason == "tool_use"
    assert (final.usage.input_tokens, final.usage.cache_read_input_tokens) == (12, 8)


def test_the_events_keep_to_the_rules_of_their_api(github: FakeCopilot) -> None:
    github.script(*EVERYTHING, steady_ids=True)
    assert oracles.anthropic_stream(raw(github, "/v1/messages")) == []
    assert oracles.openai_responses_stream(raw(github, "/responses")) == []


# ----------------------------------------------------------- Copilot's own ways


def test_an_item_has_another_id_in_every_event(github: FakeCopilot) -> None:
    github.script(*EVERYTHING)
    sent = events(raw(github, "/responses"))
    place = {
        one["item_id"]
        for one in sent
        if one.get("output_index") == 0 and "item_id" in one
    }
    added = [one["item"]["id"] for one in sent if "item" in one]
    last = [item["id"] for item in sent[-1]["response"]["output"]]
    assert len(place) > 4
    assert len({*place, *added, *last}) == len(place) + len(added) + len(last)
    indexes = [one["output_index"] for one in sent if "output_index" in one]
    assert indexes == sorted(indexes)
    assert [one["sequence_number"] for one in sent] == list(range(len(sent)))


def test_the_first_chunk_holds_only_the_filters_verdict(github: FakeCopilot) -> None:
    first, second, *_ = events(raw(github, "/chat/completions"))
    assert (first["choices"], first["id"], first["created"]) == ([], "", 0)
    assert second["choices"][0]["delta"]["role"] == "assistant"


# -------------------------------------------------------------------- the ends


@pytest.mark.parametrize(
    ("reason", "chat", "responses", "messages"),
    [
        ("stop", "stop", "completed", "end_turn"),
        ("length", "length", "incomplete", "max_tokens"),
        ("content_filter", "content_filter", "incomplete", "refusal"),
        ("stop_sequence", "stop", "completed", "stop_sequence"),
    ],
)
def test_each_api_has_its_words_for_the_end(
    github: FakeCopilot, reason: str, chat: str, responses: str, messages: str
) -> None:
    github.script(Text("a"), Finish(reason, "###"))
    chunks, items, blocks = (events(raw(github, path)) for path in PATHS)
    assert chunks[-1]["choices"][0]["finish_reason"] == chat
    assert items[-1]["type"] == f"response.{responses}"
    assert blocks[-2]["delta"]["stop_reason"] == messages


@pytest.mark.parametrize("path", PATHS)
def test_an_answer_may_be_cut_after_an_event(github: FakeCopilot, path: str) -> None:
    whole = events(raw(github, path, "play text"))
    github.script(*map(Text, WORDS), cut_after=3)
    got = until_broken(post(github, path))
    assert len(events(got)) == 3 < len(whole)


@pytest.mark.parametrize("path", PATHS)
def test_an_answer_may_be_cut_within_an_event(github: FakeCopilot, path: str) -> None:
    github.script(Text("Hel"), Cut(mid_chunk=True))
    got = until_broken(post(github, path))
    assert b"Hel" in got
    assert not got.endswith(b"\n\n")


@pytest.mark.parametrize("path", PATHS)
def test_silence_may_come_after_the_head(github: FakeCopilot, path: str) -> None:
    github.script(Head(), Pause(0.3), Text("late"))
    answer = post(github, path)
    assert answer.status_code == 200
    assert b"late" in answer.content


def test_any_event_may_be_sent(github: FakeCopilot) -> None:
    github.script(Event({"odd": 1}, "strange"), Text("a"))
    assert b'event: strange\ndata: {"odd":1}\n\n' in raw(github, "/v1/messages")


QUICK = sorted(set(SCENARIOS) - {"silent_head", "silent_body", "stall"})


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("name", QUICK)
def test_every_scenario_plays_on_every_endpoint(
    github: FakeCopilot, name: str, path: str
) -> None:
    number = {"slow": 1, "many": 20, "big_tool": 2, "status": 418}.get(name, 0)
    wish = f"play {name} {number}" if number else f"play {name}"
    answer = post(github, path, wish)
    try:
        size = len(answer.content)
    except requests.RequestException:
        assert name in ("cut", "cut_mid")
        return
    errors = {"status": 418, "rate_limit": 429, "overflow": 400}
    errors |= {"unavailable": 503, "html": 502}
    assert (answer.status_code, size > 20) == (errors.get(name, 200), True)


@pytest.mark.parametrize(
    ("wish", "status", "text"),
    [
        ("silent_head 50", 200, "late"),
        ("silent_body 50", 200, ""),
        ("stall 50", 200, ""),
    ],
)
def test_silences_are_counted_in_milliseconds(
    github: FakeCopilot, wish: str, status: int, text: str
) -> None:
    answer = post(github, "/v1/messages", f"play {wish}")
    assert answer.status_code == status
    if text:
        assert text in answer.text
    else:
        with pytest.raises(requests.RequestException):
            assert answer.content
