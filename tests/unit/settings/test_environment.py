import pytest

from proxyapp.settings.environment import read_environment
from proxyapp.settings.environment import variables
from proxyapp.settings.errors import SettingsError
from proxyapp.settings.shipped import schema


def values(**environ):
    return read_environment(environ, schema()).values


def refusal(**environ):
    with pytest.raises(SettingsError) as caught:
        values(**environ)
    return str(caught.value)


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("UPSTREAM", "localhost:9", {"upstream": {"url": "localhost:9"}}),
        ("LISTEN_HOST", "::1", {"server": {"listen_host": "::1"}}),
        ("LISTEN_PORT", "80", {"server": {"listen_port": 80}}),
        ("VERBOSE", "1", {"log": {"verbose": True}}),
        ("THINKING_MODE", "off", {"stream": {"thinking_mode": "off"}}),
        ("ALLOW_UNAUTHENTICATED", "1", {"server": {"allow_unauthenticated": True}}),
    ],
)
def test_a_short_name_sets_its_setting(name, text, expected):
    assert values(**{name: text}) == expected


def test_a_long_name_sets_its_setting():
    found = values(PROXYAPP_MODELS__REFRESH_SECONDS="2.5")
    assert found == {"models": {"refresh_seconds": 2.5}}


def test_the_short_name_wins_over_the_long_one():
    found = values(PROXYAPP_SERVER__LISTEN_PORT="1", LISTEN_PORT="2")
    assert found == {"server": {"listen_port": 2}}


def test_every_setting_outside_backends_has_a_variable():
    tables = schema()["properties"]
    keys = {(s, k) for s, table in tables.items() for k in table.get("properties", ())}
    assert set(variables(schema()).values()) == keys


@pytest.mark.parametrize("text", ["1", "true", "YES", "On"])
def test_a_switch_is_on(text):
    assert values(VERBOSE=text) == {"log": {"verbose": True}}


@pytest.mark.parametrize("text", ["0", "false", "NO", "Off"])
def test_a_switch_is_off(text):
    assert values(VERBOSE=text) == {"log": {"verbose": False}}


def test_a_list_is_comma_separated():
    found = values(PROXYAPP_SERVER__ALLOWED_HOSTS="a.lan, b.lan,")
    assert found == {"server": {"allowed_hosts": ["a.lan", "b.lan"]}}


def test_a_list_may_be_json():
    found = values(PROXYAPP_SERVER__ALLOWED_HOSTS='["a,b"]')
    assert found == {"server": {"allowed_hosts": ["a,b"]}}


def test_a_table_is_json():
    found = values(PROXYAPP_MODELS__ALIASES='{"gpt-*": "qwen"}')
    assert found == {"models": {"aliases": {"gpt-*": "qwen"}}}


@pytest.mark.parametrize("text", ["", "  "])
def test_an_empty_variable_counts_as_unset(text):
    assert values(UPSTREAM=text, LISTEN_PORT=text) == {}


@pytest.mark.parametrize("text", ["abc", "1.5", "1_000", "9" * 5000, "٣"])
def test_what_is_no_whole_number_stays_text(text):
    assert values(LISTEN_PORT=text) == {"server": {"listen_port": text}}


def test_what_is_no_number_stays_text():
    found = values(PROXYAPP_STREAM__HEARTBEAT="often")
    assert found == {"stream": {"heartbeat": "often"}}


def test_what_is_no_json_stays_text():
    found = values(PROXYAPP_SERVER__ALLOWED_HOSTS="[oops")
    assert found == {"server": {"allowed_hosts": "[oops"}}


def test_a_value_has_the_place_of_its_variable():
    layer = read_environment({"LISTEN_PORT": "1"}, schema())
    assert layer.place(("server", "listen_port")) == "LISTEN_PORT in the environment"


def test_an_unknown_variable_names_the_nearest():
    assert (
        "PROXYAPP_MODELS__UNKNWON in the environment: is not a setting;"
        " did you mean PROXYAPP_MODELS__UNKNOWN?"
    ) in refusal(PROXYAPP_MODELS__UNKNWON="reject")


def test_a_single_underscore_is_taken_for_the_double_one():
    found = refusal(PROXYAPP_MODELS_UNKNOWN="reject")
    assert "did you mean PROXYAPP_MODELS__UNKNOWN?" in found


def test_the_value_of_an_unknown_variable_is_not_shown():
    assert "sesame" not in refusal(PROXYAPP_AUTH__KEY="sesame")


def test_variables_of_docker_links_are_left_alone():
    assert values(PROXYAPP_PORT_11434_TCP_ADDR="10.0.0.2", PROXYAPP_NAME="x") == {}


def test_variables_of_others_are_left_alone():
    assert values(PATH="/bin", OLLAMA__HOST="x", PROXYAPP_CONFIG="a.toml") == {}
