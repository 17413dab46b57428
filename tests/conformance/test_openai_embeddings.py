"""E. OpenAI embeddings."""

import base64
import math
import struct

import openai
import pytest

from tests import oracles
from tests.fakes.bodies import vector
from tests.speakers import post

PATH = "/v1/embeddings"


@pytest.fixture
def embed(gateway, upstream):
    """Ask for embeddings; give the reply."""

    def asking(given="hi", **fields):
        return post(gateway, PATH, {"model": "tiny", "input": given, **fields})

    return asking


def numbers(reply):
    assert oracles.openai_embeddings(reply.json()) == []
    return [item["embedding"] for item in reply.json()["data"]]


@pytest.mark.conformance("C-103")
def test_the_sdks_default_call_gives_the_right_numbers(loose_sdk, upstream):
    reply = loose_sdk.embeddings.create(model="tiny", input=["a", "b"])
    told = [item.embedding for item in reply.data]
    for found, wanted in zip(told, [vector("a"), vector("b")], strict=True):
        assert found == pytest.approx(wanted)
    assert reply.usage.prompt_tokens == 4


@pytest.mark.conformance("C-104")
@pytest.mark.parametrize("fields", [{}, {"encoding_format": "float"}], ids=repr)
def test_numbers_are_numbers(embed, fields):
    reply = embed(**fields)
    assert numbers(reply) == [pytest.approx(vector("hi"))]
    assert oracles.matches("embeddings", reply.json()) == []


@pytest.mark.conformance("C-104")
def test_base64_is_little_endian_floats(embed):
    body = embed(encoding_format="base64").json()
    assert oracles.openai_embeddings(body, encoding="base64") == []
    packed = base64.b64decode(body["data"][0]["embedding"])
    assert list(struct.unpack("<8f", packed)) == pytest.approx(vector("hi"))


@pytest.mark.conformance("C-104")
@pytest.mark.parametrize("wanted", ["int8", "", 7, []], ids=repr)
def test_another_encoding_is_a_client_error(embed, upstream, wanted):
    reply = embed(encoding_format=wanted)
    assert reply.status_code == 400
    assert reply.json()["error"]["param"] == "encoding_format"


@pytest.mark.conformance("C-105")
@pytest.mark.parametrize("dimensions", [1, 3, 8])
def test_shortened_vectors_have_length_one(embed, dimensions):
    (told,) = numbers(embed(dimensions=dimensions))
    assert len(told) == dimensions
    assert math.hypot(*told) == pytest.approx(1)


@pytest.mark.conformance("C-105")
@pytest.mark.parametrize("dimensions", [9, 0, -1, 1.5, "3"], ids=repr)
def test_dimensions_the_model_has_not_are_a_client_error(embed, dimensions):
    reply = embed(dimensions=dimensions)
    assert reply.status_code == 400
    assert reply.json()["error"]["param"] == "dimensions"


@pytest.mark.conformance("C-106")
def test_the_order_of_inputs_is_kept(embed):
    texts = [f"text {n}" for n in range(20)]
    told = numbers(embed(texts))
    assert told == [pytest.approx(vector(text)) for text in texts]


@pytest.mark.conformance("C-106")
def test_an_upstream_that_mixes_the_order_up_is_put_right(embed, upstream):
    entries = [{"index": n, "embedding": [float(n), 1.0]} for n in (2, 0, 1)]
    upstream.reply(200, {"data": entries}, path=PATH)
    assert [v[0] for v in numbers(embed(["a", "b", "c"]))] == [0, 1, 2]


@pytest.mark.conformance("C-106")
@pytest.mark.parametrize("given", [[1, 2, 3], [[1, 2], [3]]], ids=repr)
def test_tokens_go_upstream(embed, upstream, given):
    count = len(numbers(embed(given)))
    assert count == (1 if isinstance(given[0], int) else 2)
    sent = upstream.requests_to(PATH)[-1].json["input"]
    assert sent in (given, [given])


@pytest.mark.conformance("C-106")
@pytest.mark.parametrize("given", [[], "", [""], [[]], None, 7, [None], {}], ids=repr)
def test_an_empty_or_odd_input_is_a_client_error(embed, upstream, given):
    reply = embed(given)
    assert reply.status_code == 400
    assert reply.json()["error"]["param"] == "input"
    assert upstream.requests_to(PATH) == []


@pytest.mark.parametrize(
    "body",
    [
        {"data": []},
        {"data": [{"index": 0, "embedding": "?"}]},
        {"data": [{"index": 0}]},
        {"data": [{"index": "x", "embedding": [1.0]}]},
        [],
        "not json",
    ],
    ids=repr,
)
def test_an_unreadable_answer_is_a_bad_gateway(embed, upstream, body):
    upstream.reply(200, body, path=PATH)
    reply = embed()
    assert reply.status_code == 502
    assert oracles.openai_error(502, reply.json()) == []


def test_a_server_without_embeddings_says_so(loose_sdk, upstream):
    upstream.replay("embeddings_on_chat_server", path=PATH)
    with pytest.raises(openai.APIStatusError) as caught:
        loose_sdk.embeddings.create(model="tiny", input="hi")
    assert caught.value.status_code == 501
