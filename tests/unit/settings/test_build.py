import pytest

from proxyapp.settings.build import build_settings
from proxyapp.settings.errors import SettingsError
from proxyapp.settings.layer import Layer
from proxyapp.settings.layer import merge
from proxyapp.settings.schema import COMPAT
from proxyapp.settings.shipped import defaults


def build(environ=None, **values):
    file = Layer(values, lambda path: "config.toml, line 7")
    return build_settings(merge(defaults(), values), file, environ or {}, None)


def backends(*tables, environ=None, upstream=""):
    tables = [{"name": f"b{at}", **table} for at, table in enumerate(tables)]
    return build(environ, backends=tables, upstream={"url": upstream}).backends


def test_without_configuration_there_is_one_llama_server():
    settings = build()
    assert [(b.name, b.kind, b.url) for b in settings.backends] == [
        ("llama", "llama", "http://127.0.0.1:11433")
    ]
    assert not settings.configured


def test_an_upstream_alone_is_a_llama_server_and_counts_as_configured():
    settings = build(upstream={"url": "gpu.lan:8080/v1/"})
    assert [b.url for b in settings.backends] == ["http://gpu.lan:8080"]
    assert settings.upstream.url == "http://gpu.lan:8080"
    assert settings.configured


def test_backends_count_as_configured():
    assert build(backends=[{"name": "a", "kind": "echo"}]).configured


def test_an_empty_list_of_backends_counts_as_none():
    settings = build(backends=[])
    assert (settings.backends[0].name, settings.configured) == ("llama", False)


def test_the_upstream_overrides_the_first_backend_that_has_an_address():
    found = backends(
        {"kind": "echo"},
        {"kind": "openai", "url": "a"},
        {"kind": "llama", "url": "b"},
        upstream="c",
    )
    assert [backend.url for backend in found] == ["", "http://c", "http://b"]


def test_the_upstream_stands_in_for_a_missing_url():
    assert backends({}, upstream="c")[0].url == "http://c"


@pytest.mark.parametrize("url", [{}, {"url": ""}])
def test_a_backend_without_a_url_is_refused(url):
    with pytest.raises(SettingsError, match=r"line 7: backends\[0\].url is missing"):
        backends(url)


def test_the_url_of_a_backend_is_normal():
    assert backends({"url": "https://a.example/v1"})[0].url == "https://a.example"


def test_the_kind_of_a_backend_decides_its_compat():
    found = backends({"url": "a"}, {"kind": "openai", "url": "a"}, {"kind": "echo"})
    assert [backend.compat for backend in found] == list(COMPAT.values())


def test_a_quirk_changes_only_itself():
    (backend,) = backends({"url": "a", "compat": {"supports_images": False}})
    assert backend.compat.supports_images is False
    assert backend.compat.llama_extensions is True


def test_lists_become_tuples():
    (backend,) = backends(
        {
            "url": "a",
            "models": ["m"],
            "endpoints": ["audio"],
            "filters": {"drop": ["x"]},
            "compat": {"extra_sampling": ["dry_base"]},
        }
    )
    assert (backend.models, backend.endpoints) == (("m",), ("audio",))
    assert (backend.filters.drop, backend.compat.extra_sampling) == (
        ("x",),
        ("dry_base",),
    )


def test_a_filter_keeps_its_values():
    (backend,) = backends({"url": "a", "filters": {"set": {"stop": ["x"]}}})
    assert backend.filters.set == {"stop": ["x"]}


def test_a_key_comes_from_the_file():
    assert backends({"url": "a", "key": "sesame"})[0].key == "sesame"


def test_a_key_comes_from_its_variable():
    environ = {"SESAME": " open \n"}
    (backend,) = backends({"url": "a", "key_env": "SESAME"}, environ=environ)
    assert backend.key == "open"


@pytest.mark.parametrize("key", [None, "", "  ", "open it", "öffne", "a\x00"])
def test_a_variable_without_a_usable_key_is_refused_and_not_shown(key):
    environ = {} if key is None else {"SESAME": key}
    with pytest.raises(SettingsError) as caught:
        backends({"url": "a", "key_env": "SESAME"}, environ=environ)
    assert "line 7: backends[0].key_env names a variable" in str(caught.value)
    assert "SESAME" not in str(caught.value)


def test_digests_lose_their_prefix_and_their_case():
    keys = ["sha256:" + "0A" * 32, "sha256:" + "0a" * 32]
    assert build(auth={"keys": keys}).auth.keys == ("0a" * 32,)


def test_a_duration_without_a_point_is_a_float():
    timeout = build(upstream={"idle_timeout": 60}).upstream.idle_timeout
    assert isinstance(timeout, float)


def test_a_count_stays_whole():
    assert isinstance(build().server.workers, int)
