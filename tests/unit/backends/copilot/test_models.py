import pytest

from proxyapp.backends.copilot.models import api_of
from proxyapp.backends.copilot.models import catalogued
from proxyapp.backends.copilot.models import COMPLETIONS
from proxyapp.backends.copilot.models import MESSAGES
from proxyapp.backends.copilot.models import read_model
from proxyapp.backends.copilot.models import read_models
from proxyapp.backends.copilot.models import RESPONSES
from proxyapp.settings.shipped import catalogue

KNOWN = {"gpt-x": {"api": RESPONSES, "contextWindow": 8000, "reasoning": True}}


@pytest.mark.parametrize(
    ("name", "api"),
    [
        ("claude-opus-5", MESSAGES),
        ("gpt-5-mini", RESPONSES),
        ("gpt-10", RESPONSES),
        ("grok-4.6", RESPONSES),
        ("mai-code-1", RESPONSES),
        ("gpt-4.1", COMPLETIONS),
        ("gemini-3.8-flash", COMPLETIONS),
        ("grok-code-fast-1", COMPLETIONS),
        ("new-thing", COMPLETIONS),
    ],
)
def test_a_name_tells_which_api_a_model_answers_on(name, api):
    assert api_of(name) == api


def test_the_names_of_all_known_models_agree_with_their_apis():
    wrong = {
        name: facts["api"]
        for name, facts in catalogue().items()
        if api_of(name) != facts["api"]
    }
    assert wrong == {}


def test_what_copilot_says_comes_before_what_is_known():
    model = read_model({"id": "gpt-x", "contextWindow": 9000, "maxTokens": None}, KNOWN)
    assert (model.context, model.output, model.api) == (9000, 0, RESPONSES)
    assert model.reasoning


def test_an_id_alone_is_a_model():
    model = read_model({"id": "claude-zzz"}, KNOWN)
    assert (model.api, model.images, model.tools) == (MESSAGES, True, True)


def test_a_model_tells_the_house_what_it_can_do():
    entry = {"id": "gpt-x", "input": ["text"], "maxTokens": 100, "multiplier": 0.33}
    model = read_model(entry, KNOWN)
    info = model.info("copilot")
    assert info.capabilities == {"completion", "tools", "thinking"}
    assert (info.context_length, info.max_output) == (8000, 100)
    assert model.multiplier == 0.33


def test_models_that_the_account_may_not_use_are_not_listed():
    entries = [{"id": "a"}, {"id": "b", "enabled": False}, {"name": "no id"}]
    assert list(read_models(entries, {}, ())) == ["a"]


@pytest.mark.parametrize(
    ("patterns", "left"),
    [
        ((), ["claude-a", "gpt-a", "gpt-b"]),
        (("gpt-*",), ["gpt-a", "gpt-b"]),
        (("!gpt-*",), ["claude-a"]),
        (("gpt-*", "!*-b"), ["gpt-a"]),
    ],
)
def test_the_owner_chooses_by_patterns(patterns, left):
    entries = [{"id": name} for name in ("claude-a", "gpt-a", "gpt-b")]
    assert list(read_models(entries, {}, patterns)) == left


def test_what_is_known_can_be_listed_without_asking():
    assert list(catalogued(KNOWN, ())) == ["gpt-x"]


def test_the_wire_leaves_out_limits_nobody_knows():
    assert read_model({"id": "new"}, {}).wire() == {
        "id": "new",
        "api": COMPLETIONS,
        "input": ["text", "image"],
        "reasoning": False,
    }
