import json
from pathlib import Path

import pytest

from proxyapp.backends.openai.discover import friendly_name
from proxyapp.backends.openai.discover import model_info

RECORDED = Path(__file__).parents[3] / "data" / "llama"


def recorded(name):
    """Give a body that a llama-server answered."""
    return json.loads((RECORDED / f"{name}.json").read_text("utf-8"))["body"]


def info(entry=None, props=None, aliases=()):
    return model_info("b", {"id": "m", **(entry or {})}, props or {}, aliases)


@pytest.mark.parametrize(
    ("upstream_id", "name"),
    [
        ("/models/Qwen3-8B-Q8_0.gguf", "Qwen3-8B-Q8_0"),
        ("Qwen3-8B.GGUF", "Qwen3-8B"),
        ("C:\\models\\tiny.gguf", "tiny"),
        ("/m/big-Q4_K_M-00001-of-00003.gguf", "big-Q4_K_M"),
        ("org/model", "org/model"),
        ("gpt-4o", "gpt-4o"),
        ("model:latest", "model:latest"),
        ("/m/-00001-of-00003.gguf", "/m/-00001-of-00003.gguf"),
        (".gguf", ".gguf"),
        ("", ""),
    ],
)
def test_a_path_to_a_model_file_becomes_a_name(upstream_id, name):
    assert friendly_name(upstream_id) == name


def test_a_recorded_llama_server_is_described():
    entry, props = recorded("models")["data"][0], recorded("props")
    model = model_info("llama", entry, props)
    assert (model.backend, model.upstream_id) == ("llama", entry["id"])
    settings = props["default_generation_settings"]
    assert model.context_length == settings["n_ctx"]
    assert model.size == entry["meta"]["size"]
    assert model.created == entry["created"]


def test_an_entry_that_says_nothing_is_taken_as_a_model_with_tools():
    model = info()
    assert model.capabilities == {"completion", "tools"}
    assert (model.context_length, model.size, model.created) == (None, 0, 0)
    assert (model.owned_by, model.parameter_size) == ("proxyapp", "")


def test_the_servers_own_names_are_known_and_the_owners_listed():
    entry = {"id": "/m/tiny.gguf", "aliases": ["small", "/m/tiny.gguf", 7, ""]}
    model = info(entry, aliases=("fast",))
    assert (model.id, model.aliases) == ("tiny", ("fast",))
    assert model.also_known == ("/m/tiny.gguf", "small")


@pytest.mark.parametrize(
    ("entry", "props", "tokens"),
    [
        ({}, {"default_generation_settings": {"n_ctx": 2048}}, 2048),
        (
            {"meta": {"n_ctx": 4096, "n_ctx_train": 8192}},
            {"default_generation_settings": {"n_ctx": 2048}},
            2048,
        ),
        ({"meta": {"n_ctx": 4096, "n_ctx_train": 8192}}, {}, 4096),
        ({"meta": {"n_ctx_train": 8192}}, {}, None),
        ({"context_length": 5}, {}, 5),
        ({"max_model_len": 5}, {}, 5),
        ({"context_window": 5}, {}, 5),
        ({"context_length": "5", "max_model_len": 0}, {}, None),
        ({"meta": None}, {"default_generation_settings": None}, None),
    ],
)
def test_the_context_is_what_one_request_gets(entry, props, tokens):
    assert info(entry, props).context_length == tokens


@pytest.mark.parametrize(
    ("entry", "props", "capability"),
    [
        ({}, {"chat_template_caps": {"supports_tools": True}}, "tools"),
        ({}, {"chat_template_caps": {"supports_tool_calls": True}}, "tools"),
        ({}, {"modalities": {"vision": True}}, "vision"),
        ({}, {"modalities": {"audio": True}}, "audio"),
        ({}, {"chat_template": "{{ '<think>' }}"}, "thinking"),
        ({}, {"chat_template": "{% if enable_thinking %}"}, "thinking"),
        ({}, {"chat_template_caps": {"supports_reasoning_effort": True}}, "thinking"),
        ({"capabilities": ["embedding"]}, {}, "embedding"),
        ({"meta": {"pooling": 1}}, {}, "embedding"),
    ],
)
def test_a_capability_is_found_where_the_server_tells_it(entry, props, capability):
    assert capability in info(entry, props).capabilities


def test_a_template_without_tools_has_none():
    props = {"chat_template_caps": {"supports_tools": False}, "chat_template": None}
    assert info(props=props).capabilities == {"completion"}


@pytest.mark.parametrize(
    ("name", "quantization"),
    [
        ("Qwen3-8B-Q8_0", "Q8_0"),
        ("tiny.Q4_K_M", "Q4_K_M"),
        ("m-iq2_xxs", "IQ2_XXS"),
        ("m-bf16", "BF16"),
        ("gpt-oss-20b-mxfp4", "MXFP4"),
        ("Q8_0", "Q8_0"),
        ("tinyQ8_0", ""),
        ("gpt-4o", ""),
    ],
)
def test_the_quantization_is_read_off_the_name(name, quantization):
    assert info({"id": name}).quantization == quantization


def test_the_quantization_may_be_told_by_the_server():
    assert info({"meta": {"ftype": "Q6_K"}}).quantization == "Q6_K"


@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("Qwen3-8B", "qwen3"),
        ("org/Llama-3.2-1B", "llama"),
        ("qwen2.5-coder", "qwen2.5"),
        ("gpt-4o", "gpt"),
        ("123", "unknown"),
    ],
)
def test_the_family_is_how_the_name_begins(name, family):
    assert info({"id": name}).family == family


def test_the_family_is_that_of_the_file_where_it_is_known():
    assert info({"id": "fast"}, {"model_path": "/m/Qwen3-8B.gguf"}).family == "qwen3"


@pytest.mark.parametrize(
    ("parameters", "size"),
    [
        (8_190_735_360, "8.2B"),
        (500_000_000, "500.0M"),
        (21_000, "21.0K"),
        (7, "7"),
        (0, ""),
        (None, ""),
        ("8B", ""),
    ],
)
def test_the_number_of_parameters_is_told_in_words(parameters, size):
    assert info({"meta": {"n_params": parameters}}).parameter_size == size
