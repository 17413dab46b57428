from dataclasses import replace

import pytest

from proxyapp.settings.bind import bind_address
from proxyapp.settings.bind import check_bind
from proxyapp.settings.bind import has_keys
from proxyapp.settings.bind import is_loopback
from proxyapp.settings.bind import needs_keys
from proxyapp.settings.errors import SettingsError
from proxyapp.settings.schema import AuthSettings
from proxyapp.settings.schema import ServerSettings
from proxyapp.settings.schema import Settings
from proxyapp.settings.schema import StateSettings


def listening_on(host, **server):
    return Settings(server=ServerSettings(listen_host=host, **server))


@pytest.mark.reliability("R-030")
@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.8.9.1", "::1", "[::1]", "Localhost"]
)
def test_a_loopback_address_needs_no_key(host):
    assert check_bind(listening_on(host)) is None


@pytest.mark.reliability("R-030")
@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.2", "gateway.lan"])
def test_other_addresses_without_keys_are_refused(host):
    with pytest.raises(SettingsError, match="python -m proxyapp key") as caught:
        check_bind(listening_on(host))
    assert host in str(caught.value)


def test_a_key_opens_any_address():
    settings = replace(listening_on("0.0.0.0"), auth=AuthSettings(keys=("0a" * 32,)))
    assert check_bind(settings) is None


def test_the_owner_may_open_any_address_without_keys():
    assert check_bind(listening_on("::", allow_unauthenticated=True)) is None


@pytest.mark.reliability("R-030")
@pytest.mark.parametrize("host", ["localhost.example.com", "127.0.0.1.example.com"])
def test_a_name_that_looks_like_loopback_is_not(host):
    assert not is_loopback(host)


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", "127.0.0.1:80"),
        ("::1", "[::1]:80"),
        ("[::]", "[::]:80"),
        ("gateway.lan", "gateway.lan:80"),
    ],
)
def test_the_address_is_written_for_gunicorn(host, address):
    assert bind_address(listening_on(host, listen_port=80)) == address


@pytest.mark.reliability("R-030")
@pytest.mark.parametrize(
    ("server", "auth", "needed"),
    [
        ({}, {}, "auto"),
        ({"listen_host": "0.0.0.0"}, {}, "always"),
        ({"listen_host": "0.0.0.0", "allow_unauthenticated": True}, {}, "auto"),
        ({"listen_host": "0.0.0.0"}, {"required": "never"}, "never"),
    ],
)
def test_open_to_others_a_gateway_needs_keys_even_when_it_has_lost_them(
    server, auth, needed
):
    settings = Settings(server=ServerSettings(**server), auth=AuthSettings(**auth))
    assert needs_keys(settings) == needed


def test_a_file_of_keys_opens_any_address(tmp_path):
    state = StateSettings(directory=str(tmp_path))
    settings = replace(listening_on("0.0.0.0"), state=state)
    with pytest.raises(SettingsError):
        check_bind(settings)
    (tmp_path / "keys.json").symlink_to(tmp_path / "anything")
    assert has_keys(settings)
    nowhere = StateSettings(directory=str(tmp_path / "keys.json" / "state"))
    assert not has_keys(replace(settings, state=nowhere))


def test_a_file_that_cannot_be_looked_for_may_be_there(tmp_path):
    state = StateSettings(directory=str(tmp_path / ("x" * 300)))
    assert has_keys(Settings(state=state))
