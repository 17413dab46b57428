import json

import pytest

from proxyapp.dialects.ollama import embed
from proxyapp.errors import BadRequest
from proxyapp.errors import ContextOverflow
from proxyapp.neutral.request import EmbeddingRequest
from proxyapp.neutral.request import Embeddings
from tests import oracles

# llama-server's words, build 0c1e570.
TOO_LARGE = (
    "The model server refused: input (701 tokens) is too large to process. increase"
    " the physical batch size (current batch size: 512)"
)


class Embedder:
    """Refuse texts over ``limit`` characters, a token each, in one of two ways."""

    def __init__(self, limit, overflow):
        self.limit = limit
        self.overflow = overflow
        self.asked = []

    def __call__(self, request):
        self.asked.append(request.inputs)
        longest = max(map(len, request.inputs))
        if longest > self.limit:
            raise self.overflow(longest, self.limit)
        return Embeddings(tuple([1.0] for _ in request.inputs), 1)


def too_large(tokens, limit):
    return BadRequest(TOO_LARGE.replace("701", str(tokens)).replace("512", str(limit)))


def embedded(embedder, *texts, truncate=True):
    request = EmbeddingRequest("m", texts)
    return embed.embedded(embedder, request, truncate=truncate)


@pytest.mark.parametrize(
    ("given", "inputs"),
    [("a", ("a",)), (["a", "b"], ("a", "b")), ("", ()), ([], ()), (None, ())],
)
def test_input_is_a_text_or_texts(given, inputs):
    assert embed.decode_embed({"model": "m", "input": given}).inputs == inputs


@pytest.mark.parametrize("wrong", [1, [1], [["a"]], {"a": 1}])
def test_any_other_input_is_refused(wrong):
    with pytest.raises(BadRequest, match="'input' must be a text or a list of texts"):
        embed.decode_embed({"model": "m", "input": wrong})


def test_dimensions_are_read():
    body = {"model": "m", "input": "a", "dimensions": 8}
    assert embed.decode_embed(body).dimensions == 8


@pytest.mark.parametrize(("prompt", "inputs"), [("a", ("a",)), ("", ()), (None, ())])
def test_the_older_request_has_one_prompt(prompt, inputs):
    assert embed.decode_embeddings({"model": "m", "prompt": prompt}).inputs == inputs


@pytest.mark.parametrize("overflow", [too_large, ContextOverflow])
def test_a_text_that_is_too_long_is_cut(overflow):
    embedder = Embedder(512, overflow)
    embedded(embedder, "x" * 701, "y")
    (first, second), (cut, kept) = embedder.asked
    assert len(first) == 701
    assert 400 < len(cut) <= 512
    assert (second, kept) == ("y", "y")


def test_a_text_is_not_cut_against_its_senders_will():
    with pytest.raises(BadRequest, match="too large"):
        embedded(Embedder(512, too_large), "x" * 701, truncate=False)


def test_a_refusal_for_another_reason_is_passed_on():
    def refuse(_):
        raise BadRequest("Input content cannot be empty")

    with pytest.raises(BadRequest, match="cannot be empty"):
        embedded(refuse, "")


def test_a_server_that_refuses_for_ever_is_not_asked_for_ever():
    asked = []

    def refuse(request):
        asked.append(request)
        raise too_large(701, 512)

    with pytest.raises(BadRequest, match="too large"):
        embedded(refuse, "x" * 701)
    assert len(asked) == 5


def test_the_reply_conforms():
    pieces = embed.encode_embed("m", Embeddings(([0.5, 0.5],), 3), 0)
    reply = json.loads(b"".join(pieces))
    assert oracles.ollama_embed(reply) == []
    assert reply["prompt_eval_count"] == 3
    assert reply["total_duration"] > 0


def test_the_older_reply_is_one_vector():
    assert embed.encode_embeddings(Embeddings(([0.5],), 1)) == {"embedding": [0.5]}
    assert embed.encode_embeddings(Embeddings((), 0)) == {"embedding": []}
