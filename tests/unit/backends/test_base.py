from proxyapp.backends.base import ModelInfo
from proxyapp.backends.base import SILENCE


def test_a_model_goes_by_its_id_its_aliases_and_what_the_server_calls_it():
    model = ModelInfo("a", "b", "/m/a.gguf", ("x",), ("/m/a.gguf",))
    assert model.names == ("a", "x", "/m/a.gguf")


def test_silence_says_nothing():
    assert not SILENCE
