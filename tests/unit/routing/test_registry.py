import pytest

from proxyapp.backends.base import ModelInfo
from proxyapp.errors import UnknownModel
from proxyapp.errors import UpstreamUnreachable
from proxyapp.routing.registry import Registry
from proxyapp.settings.schema import ModelSettings


class Listed:
    """A backend that lists models, or fails to."""

    def __init__(self, *models, name="own", failure=None):
        self.name = name
        self._models = models
        self._failure = failure

    def models(self):
        if self._failure is not None:
            raise self._failure
        return [ModelInfo(model, self.name, model) for model in self._models]


def registry(*models, failure=None, own_backends=True, **settings):
    backend = Listed(*models, failure=failure)
    return Registry([backend], ModelSettings(**settings), own_backends=own_backends)


def serving(name, *models, **settings):
    return registry(*models, **settings).resolve(name).model.id


@pytest.mark.parametrize("name", ["claude-haiku-4-5", "claude-3-5-haiku-latest"])
def test_haiku_is_the_small_model(name):
    chosen = {"default": "large", "small": "little"}
    assert serving(name, "large", "little", **chosen) == "little"


@pytest.mark.parametrize("name", ["claude-opus-4-8", "anthropic.claude-x"])
def test_any_other_claude_is_the_default(name):
    chosen = {"default": "large", "small": "little"}
    assert serving(name, "large", "little", **chosen) == "large"


@pytest.mark.parametrize("small", ["", "gone"])
def test_without_a_small_model_haiku_is_the_default(small):
    chosen = {"default": "large", "small": small}
    assert serving("claude-haiku-4-5", "large", "little", **chosen) == "large"


def test_only_claudes_haiku_is_the_small_model():
    chosen = {"default": "large", "small": "little"}
    assert serving("write-a-haiku", "large", "little", **chosen) == "large"


def test_the_owners_alias_for_haiku_comes_first():
    aliases = {"claude-*": "large"}
    chosen = {"small": "little", "aliases": aliases}
    assert serving("claude-haiku-4-5", "large", "little", **chosen) == "large"


def test_a_served_model_of_that_name_comes_first():
    name = "claude-haiku-4-5"
    assert serving(name, name, "little", small="little") == name


def test_claude_is_the_only_model_of_a_configured_backend():
    assert serving("claude-opus-4-8", "qwen") == "qwen"


def test_no_other_unknown_name_is_the_only_model_of_a_configured_backend():
    with pytest.raises(UnknownModel):
        registry("qwen").resolve("gpt-9")


def test_claude_is_nobody_where_the_owner_rejects_unknown_names():
    with pytest.raises(UnknownModel):
        registry("qwen", unknown="reject").resolve("claude-opus-4-8")


def test_claude_is_nobody_where_it_could_be_several():
    with pytest.raises(UnknownModel):
        registry("qwen", "llama").resolve("claude-opus-4-8")


def test_claude_is_told_that_the_only_backend_is_down():
    down = UpstreamUnreachable("it is down")
    with pytest.raises(UpstreamUnreachable, match="it is down"):
        registry(failure=down).resolve("claude-opus-4-8")
