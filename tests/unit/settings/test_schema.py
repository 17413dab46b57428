from dataclasses import fields
from dataclasses import FrozenInstanceError
from dataclasses import is_dataclass

import pytest

from proxyapp.settings.schema import AuthSettings
from proxyapp.settings.schema import BackendSettings
from proxyapp.settings.schema import COMPAT
from proxyapp.settings.schema import Compat
from proxyapp.settings.schema import Filters
from proxyapp.settings.schema import Settings
from proxyapp.settings.shipped import defaults
from proxyapp.settings.shipped import schema


def sections():
    return {f.name: f.type for f in fields(Settings) if is_dataclass(f.type)}


def names(kind):
    return {field.name for field in fields(kind)}


def keys(*path):
    table = schema()
    for part in path:
        table = table["properties"][part]
        table = table.get("items", table)
    return set(table["properties"])


def test_defaults_toml_has_the_sections_of_the_dataclasses():
    assert set(defaults()) == set(sections())


def test_the_schema_has_the_sections_of_the_dataclasses_and_the_backends():
    assert keys() == set(sections()) | {"backends"}


@pytest.mark.parametrize("section", sections())
def test_every_field_is_in_defaults_toml_and_the_reverse(section):
    assert set(defaults()[section]) == names(sections()[section])


@pytest.mark.parametrize("section", sections())
def test_every_field_is_in_the_schema_and_the_reverse(section):
    assert keys(section) == names(sections()[section])


@pytest.mark.parametrize("section", sections())
def test_the_dataclass_repeats_the_defaults_of_defaults_toml(section):
    built = sections()[section]()
    written = defaults()[section]
    assert {key: getattr(built, key) for key in written} == {
        key: tuple(value) if isinstance(value, list) else value
        for key, value in written.items()
    }


def test_a_backend_has_the_fields_of_the_schema_and_key_env_becomes_key():
    assert keys("backends") - {"key_env"} == names(BackendSettings)


def test_filters_have_the_fields_of_the_schema():
    assert keys("backends", "filters") == names(Filters)


def test_compat_has_the_fields_of_the_schema():
    assert keys("backends", "compat") == names(Compat)


def test_every_kind_of_backend_has_its_compat():
    kinds = schema()["properties"]["backends"]["items"]["properties"]["kind"]["enum"]
    assert list(COMPAT) == kinds


def test_without_configuration_there_is_one_local_llama_server():
    (backend,) = Settings().backends
    assert (backend.kind, backend.url) == ("llama", "http://127.0.0.1:11433")


def test_settings_cannot_be_changed():
    with pytest.raises(FrozenInstanceError):
        Settings().server.listen_port = 1


def test_the_text_of_a_backend_does_not_hold_its_key():
    assert "sesame" not in repr(BackendSettings(name="a", key="sesame"))


def test_the_text_of_the_auth_section_does_not_hold_digests():
    assert "abc123" not in repr(AuthSettings(keys=("abc123",)))
