import datetime
import subprocess
import sys

import pytest

from proxyapp.settings.check import check_layer
from proxyapp.settings.check import expectation
from proxyapp.settings.layer import Layer
from proxyapp.settings.shipped import CONFIG
from proxyapp.settings.shipped import schema

DIGEST = "sha256:" + "0a" * 32


def texts(values):
    found = check_layer(Layer(values, lambda path: "here"), schema())
    return [problem.text for problem in found]


def backend(**values):
    return {"backends": [{"name": "a", **values}]}


def test_a_wrong_type_is_named_with_what_was_found_and_expected():
    assert texts({"server": {"workers": "two"}}) == [
        "server.workers is 'two' (text); expected a whole number from 1 up to 256"
    ]


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (True, "true (a switch)"),
        (1.5, "1.5 (a number)"),
        (0, "0 (a whole number)"),
        (["x"], "a list;"),
        ({"x": 1}, "a table;"),
        (datetime.date(2026, 1, 2), "a date;"),
        (datetime.time(1, 2), "a time;"),
    ],
)
def test_what_was_found_is_described(value, words):
    (text,) = texts({"server": {"workers": value}})
    assert f"server.workers is {words}" in text


def test_a_long_text_is_cut():
    (text,) = texts({"server": {"workers": "x" * 1000}})
    assert len(text) < 200


@pytest.mark.parametrize(
    ("section", "key", "value"),
    [
        ("server", "listen_port", 65536),
        ("server", "listen_port", -1),
        ("server", "listen_host", "127.0.0.1:80"),
        ("server", "listen_host", ""),
        ("server", "listen_host", "localhost\n"),
        ("server", "allowed_hosts", ["http://a"]),
        ("server", "allowed_origins", ["https://a/path"]),
        ("server", "allowed_origins", "https://a"),
        ("upstream", "idle_timeout", 0),
        ("upstream", "connect_timeout", float("inf")),
        ("stream", "thinking_mode", "loud"),
        ("ollama", "version", "new"),
        ("models", "unknown", "perhaps"),
        ("models", "aliases", {"a": 1}),
        ("models", "aliases", {"a": " "}),
        ("tools", "repair", "yes"),
    ],
)
def test_a_value_out_of_bounds_is_refused(section, key, value):
    (text,) = texts({section: {key: value}})
    assert text.startswith(f"{section}.{key}")


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "0.0.0.0", "localhost", "::", "[::1]", "my-host.lan"]
)
def test_an_address_to_listen_on_is_accepted(host):
    assert texts({"server": {"listen_host": host}}) == []


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("name", "a b"),
        ("name", "a\n"),
        ("kind", "ollama"),
        ("key", "with blank"),
        ("key", "line\n"),
        ("key_env", "not a name"),
        ("models", [""]),
        ("endpoints", ["teleport"]),
        ("filters", {"drop": "x"}),
        ("filters", {"set": {"x": datetime.date(2026, 1, 2)}}),
        ("filters", {"set": {"x": [{"y": 2**70}]}}),
        ("compat", {"late_system": "drop"}),
        ("compat", {"supports_n": 1}),
    ],
)
def test_a_backend_with_a_wrong_value_is_refused(key, value):
    (text,) = texts(backend(**{key: value}))
    assert text.startswith(f"backends[0].{key}")


def test_a_filter_may_set_any_json():
    assert texts(backend(filters={"set": {"a": [1, {"b": None, "c": 0.5}]}})) == []


def test_a_backend_needs_a_name():
    (text,) = texts({"backends": [{"kind": "echo"}]})
    assert text.startswith("backends[0].name is missing; expected letters")


@pytest.mark.parametrize(
    ("values", "key", "meant"),
    [
        ({"server": {"listen_prot": 1}}, "server.listen_prot", "server.listen_port"),
        ({"servr": {}}, "servr", "server"),
        ({"listen_port": 1}, "listen_port", "server.listen_port"),
        ({"upstream": {"heartbeat": 1}}, "upstream.heartbeat", "stream.heartbeat"),
        ({"log": {"hart_beat": 1}}, "log.hart_beat", "stream.heartbeat"),
        (backend(nam="a"), "backends[0].nam", "backends[0].name"),
        (
            backend(late_system="fold"),
            "backends[0].late_system",
            "backends.compat.late_system",
        ),
        (
            backend(compat={"max_token_field": "x"}),
            "backends[0].compat.max_token_field",
            "backends[0].compat.max_tokens_field",
        ),
    ],
)
def test_an_unknown_key_names_the_nearest_known_one(values, key, meant):
    assert texts(values) == [f"{key} is not a setting; did you mean {meant}?"]


def test_an_unknown_key_far_from_all_lists_the_known_ones():
    assert texts({"upstream": {"zzzz": 1}}) == [
        "upstream.zzzz is not a setting;"
        " the settings here are url, connect_timeout, idle_timeout"
    ]


def test_every_problem_is_reported():
    found = texts({"server": {"workers": 0, "max_body_mb": 0}, "log": {"x": 1}})
    assert len(found) == 3


def test_one_value_is_one_problem():
    assert len(texts({"stream": {"thinking_mode": 5}})) == 1


def test_a_digest_is_a_key():
    assert texts({"auth": {"keys": [DIGEST]}}) == []


@pytest.mark.parametrize(
    "values",
    [
        {"auth": {"keys": ["sesame"]}},
        {"auth": {"keys": "sesame"}},
        {"auth": {"keys": {"sesame": "sesame"}}},
        {"auth": {"keys": [["sesame"]]}},
        {"auth": "sesame"},
        {"auth": ["sesame"]},
        {"backends": "sesame"},
        {"backends": ["sesame"]},
        {"backends": {"key": "sesame"}},
        backend(key="ses ame sesame"),
        backend(key=["sesame"]),
        backend(key_env="sk-sesame"),
        backend(api_key="sesame"),
    ],
)
def test_a_wrong_key_is_refused_and_not_shown(values):
    (text,) = texts(values)
    assert "sesame" not in text


def test_a_plain_key_is_answered_with_the_way_to_make_a_digest():
    (text,) = texts({"auth": {"keys": ["sesame"]}})
    assert "python -m proxyapp key" in text


def test_a_problem_has_its_place():
    layer = Layer({"log": {"verbose": 2}}, lambda path: "/".join(map(str, path)))
    assert check_layer(layer, schema())[0].place == "log/verbose"


def test_nothing_to_check_does_not_import_jsonschema(tmp_path):
    program = (
        "import pathlib, sys; from proxyapp.settings.load import load_settings;"
        "load_settings({}, pathlib.Path(sys.argv[1]));"
        "print('jsonschema' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)],
        cwd=CONFIG.parent,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "False\n"


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"type": "boolean"}, "true or false"),
        ({"type": "string", "format": "uri"}, "a URL or host:port"),
        ({"type": "string", "enum": ["a", "b"]}, 'one of "a", "b"'),
        ({"type": "number", "exclusiveMinimum": 0}, "a number above 0"),
        (
            {"type": "array", "items": {"type": "string"}},
            "a list, each entry text",
        ),
        (
            {"type": "object", "additionalProperties": {"type": "string"}},
            "a table, each value text",
        ),
        ({"type": "string", "x-expected": "a name"}, "a name"),
    ],
)
def test_what_a_schema_accepts_is_said_in_words(schema, words):
    assert expectation(schema) == words
