import math

import pytest

from proxyapp.dialects.vectors import shortened
from proxyapp.errors import BadRequest
from proxyapp.neutral.request import Embeddings

LONG = Embeddings(([3.0, 4.0, 12.0], [0.0, 0.0, 1.0]), 7)


def test_without_a_wish_vectors_stay_as_they_are():
    assert shortened(LONG, None) is LONG


def test_cut_vectors_have_length_one_again():
    first, zero = shortened(LONG, 2).vectors
    assert first == [0.6, 0.8]
    assert math.hypot(*first) == pytest.approx(1)
    assert zero == [0.0, 0.0]


def test_the_token_count_stays():
    assert shortened(LONG, 1).tokens == 7


def test_more_dimensions_than_the_model_has_are_refused():
    with pytest.raises(BadRequest, match="'dimensions' is 4, but the model has 3"):
        shortened(LONG, 4)
