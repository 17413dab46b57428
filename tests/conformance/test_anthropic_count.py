"""Anthropic's count_tokens."""

import pytest

from tests.conformance.anthropic_calls import assistant
from tests.conformance.anthropic_calls import CALL
from tests.conformance.anthropic_calls import LS
from tests.conformance.anthropic_calls import request
from tests.conformance.anthropic_calls import result
from tests.conformance.anthropic_calls import text
from tests.conformance.anthropic_calls import user
from tests.conformance.anthropic_calls import VERSION
from tests.conformance.conftest import strict_anthropic
from tests.oracles import anthropic_count
from tests.oracles import anthropic_error
from tests.speakers import post

IMAGE = {
    "type": "image",
    "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="},
}
COUNT = "/v1/chat/completions/input_tokens"


def ask(gateway, *messages, **fields):
    body = request(*messages, max_tokens=None, **fields)
    return post(gateway, "/v1/messages/count_tokens", body, VERSION)


def count(gateway, *messages, **fields):
    reply = ask(gateway, *messages, **fields)
    assert reply.status_code == 200, reply.text
    assert anthropic_count(reply.json()) == []
    return reply.json()["input_tokens"]


@pytest.mark.conformance("C-174")
@pytest.mark.parametrize("place", ["gateway", "bereft"])
@pytest.mark.parametrize(
    "fields",
    [
        {"messages": [user("hi")]},
        {"messages": [user("hi")], "system": [text("One."), text("Two.")]},
        {"messages": [user("hi")], "tools": [LS]},
        {"messages": [user([text("look"), IMAGE])]},
        {"messages": [user(), assistant([CALL]), user([result(content="r")])]},
    ],
)
def test_every_kind_of_request_is_counted(request, upstream, place, fields):
    with strict_anthropic(request.getfixturevalue(place)) as client:
        counted = client.messages.count_tokens(model="tiny", **fields)
    assert counted.input_tokens > 0


@pytest.mark.conformance("C-175")
@pytest.mark.parametrize("place", ["gateway", "served", "bereft"])
def test_any_claude_is_counted_and_needs_no_max_tokens(request, upstream, place):
    gateway = request.getfixturevalue(place)
    assert count(gateway, model="claude-unheard-of-9") > 0


@pytest.mark.conformance("C-175")
def test_what_cannot_be_read_is_refused_all_the_same(gateway):
    reply = ask(gateway, {"role": "user", "content": 5})
    assert anthropic_error(reply.status_code, reply.json()) == []
    assert reply.status_code == 400


@pytest.mark.conformance("C-176")
def test_the_models_own_count_is_given(gateway, upstream, monkeypatch):
    monkeypatch.setattr(upstream, "input_tokens", 4711)
    assert count(gateway, system="Be brief.", tools=[LS]) == 4711
    asked = upstream.requests_to(COUNT)[-1].json
    assert [m["role"] for m in asked["messages"]] == ["system", "user"]
    assert asked["tools"][0]["function"]["name"] == "ls"


@pytest.mark.conformance("C-176")
def test_an_estimate_grows_with_the_conversation(bereft):
    turns = [user("hi"), assistant("yes?"), user("List /."), assistant([CALL])]
    turns.append(user([result(content="bin etc home")]))
    counts = [count(bereft, *turns[: length + 1]) for length in range(len(turns))]
    assert counts == sorted(set(counts))


@pytest.mark.conformance("C-177")
def test_without_a_model_server_there_is_an_estimate(bereft):
    assert 5 <= count(bereft, user("word " * 20)) <= 60


@pytest.mark.conformance("C-177")
@pytest.mark.parametrize(
    ("status", "body"), [(500, "broken"), (404, ""), (200, "[]"), (200, "no json")]
)
def test_a_server_that_cannot_count_leads_to_an_estimate(
    gateway, upstream, status, body
):
    upstream.reply(status, body, path=COUNT)
    assert 5 <= count(gateway, user("word " * 20)) <= 60
