import base64
import json
import struct

import pytest

from proxyapp.dialects.openai.embeddings import decode_embeddings
from proxyapp.dialects.openai.embeddings import encode_embeddings
from proxyapp.errors import BadRequest
from proxyapp.neutral.request import Embeddings
from tests import oracles

VECTORS = Embeddings(([0.5, -0.25], [1.0, 0.0]), 4)


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("a", ("a",)),
        (["a", "b"], ("a", "b")),
        ([1, 2], ([1, 2],)),
        ([[1], [2]], ([1], [2])),
    ],
)
def test_inputs_are_texts_or_tokens(given, read):
    assert decode_embeddings({"model": "m", "input": given}).inputs == read


@pytest.mark.parametrize("given", [None, "", [], [""], [[]], 1, ["a", 1], [True]])
def test_any_other_input_is_refused(given):
    with pytest.raises(BadRequest, match="input"):
        decode_embeddings({"model": "m", "input": given})


def test_a_format_nobody_knows_is_refused():
    with pytest.raises(BadRequest, match="encoding_format"):
        decode_embeddings({"model": "m", "input": "a", "encoding_format": "hex"})


def encoded(embeddings, encoding_format=None):
    return json.loads(b"".join(encode_embeddings("m", embeddings, encoding_format)))


def test_vectors_are_numbers():
    body = encoded(VECTORS)
    assert oracles.openai_embeddings(body) == []
    assert [entry["embedding"] for entry in body["data"]] == list(VECTORS.vectors)


def test_vectors_may_be_packed():
    packed = encoded(VECTORS, "base64")["data"][0]["embedding"]
    assert struct.unpack("<2f", base64.b64decode(packed)) == (0.5, -0.25)
