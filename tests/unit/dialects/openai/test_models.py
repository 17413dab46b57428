import pytest

from proxyapp.backends.base import ModelInfo
from proxyapp.dialects.openai.models import envelope
from proxyapp.dialects.openai.models import model_item
from proxyapp.dialects.openai.models import page
from proxyapp.errors import BadRequest
from tests import oracles

MODELS = [
    model_item(name, ModelInfo(name, "up", name)) for name in ("a", "b", "claude-c")
]


def ids(body):
    return [item["id"] for item in body["data"]]


@pytest.mark.parametrize("items", [MODELS, []])
def test_a_list_is_both_dialects_list(items):
    body = envelope(items)
    assert oracles.openai_models(body) == []
    assert oracles.anthropic_models(body) == []


def test_a_known_context_is_told():
    item = model_item("a", ModelInfo("a", "up", "a", context_length=4096))
    assert (item["max_input_tokens"], item["max_tokens"]) == (4096, 4096)


def test_claudes_come_first_on_a_page():
    assert ids(page(MODELS, {})) == ["claude-c", "a", "b"]


@pytest.mark.parametrize(
    ("query", "names", "more"),
    [
        ({"limit": "1"}, ["claude-c"], True),
        ({"limit": "1", "after_id": "claude-c"}, ["a"], True),
        ({"after_id": "a"}, ["b"], False),
        ({"limit": "1", "before_id": "b"}, ["a"], True),
        ({"before_id": "b"}, ["claude-c", "a"], False),
    ],
)
def test_pages_follow_each_other(query, names, more):
    body = page(MODELS, query)
    assert (ids(body), body["has_more"]) == (names, more)


@pytest.mark.parametrize("limit", ["0", "1001", "x", "-1"])
def test_a_limit_has_bounds(limit):
    with pytest.raises(BadRequest, match="limit"):
        page(MODELS, {"limit": limit})
