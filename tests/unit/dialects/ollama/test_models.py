import pytest

from proxyapp.backends.base import ModelInfo
from proxyapp.backends.echo import EchoBackend
from proxyapp.dialects.ollama import models
from proxyapp.errors import BadRequest
from proxyapp.routing.registry import Registry
from proxyapp.settings.schema import ModelSettings
from tests import oracles


class Remote(EchoBackend):
    """A backend that does not know how much its model holds."""

    def models(self):
        return [ModelInfo("far/model:1", self.name, "far/model:1")]


def registry():
    backends = [EchoBackend("near"), Remote("far")]
    return Registry(backends, ModelSettings(aliases={"parrot": "echo"}))


@pytest.mark.parametrize("field", ["model", "name"])
def test_a_model_is_named_by_either_field(field):
    assert models.named_model({field: "m"}) == "m"


@pytest.mark.parametrize("body", [{}, {"model": ""}, {"name": None}])
def test_a_name_is_required(body):
    with pytest.raises(BadRequest, match="'model' is required"):
        models.named_model(body)


def test_a_name_that_is_no_text_is_refused():
    with pytest.raises(BadRequest, match="'model' must be a string"):
        models.named_model({"model": 1, "name": "m"})


def test_tags_conform_and_hold_aliases():
    tags = models.tags(registry())
    assert oracles.ollama_tags(tags) == []
    names = [model["name"] for model in tags["models"]]
    assert names == ["echo", "far/model:1", "parrot"]


def test_digests_differ_and_look_like_digests():
    digests = {model["digest"] for model in models.tags(registry())["models"]}
    assert len(digests) == 3
    assert all(len(digest) == 64 for digest in digests)


def test_running_models_are_those_whose_context_is_known():
    running = models.running(registry())
    assert oracles.ollama_ps(running) == []
    assert [model["name"] for model in running["models"]] == ["echo"]
    assert running["models"][0]["context_length"] == 32768


def test_served_models_are_recommended():
    assert models.recommended(registry()) == {
        "recommendations": [{"model": "echo"}, {"model": "far/model:1"}]
    }


def test_a_description_conforms():
    assert oracles.ollama_show(models.description(registry().model("echo"))) == []


def test_a_description_tells_the_real_context_in_every_place_a_client_looks():
    model = ModelInfo("m", "b", "m", context_length=4096, family="qwen3")
    described = models.description(model)
    assert described["model_info"] == {
        "general.architecture": "qwen3",
        "general.basename": "m",
        "qwen3.context_length": 4096,
    }
    assert described["parameters"].split() == ["num_ctx", "4096"]
    assert "num_ctx 4096" in described["modelfile"]


def test_an_unknown_context_is_what_clients_assume():
    described = models.description(registry().model("far/model:1"))
    assert described["model_info"]["unknown.context_length"] == 32768


def test_an_alias_is_described_under_its_own_name():
    described = models.description(registry().model("parrot"))
    assert described["model_info"]["general.basename"] == "parrot"


def test_capabilities_come_in_one_order():
    known = frozenset({"thinking", "tools", "completion", "vision"})
    described = models.description(ModelInfo("m", "b", "m", capabilities=known))
    assert described["capabilities"] == ["completion", "tools", "vision", "thinking"]
