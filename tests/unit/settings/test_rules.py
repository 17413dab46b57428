import pytest

from proxyapp.settings.layer import Layer
from proxyapp.settings.rules import break_rules


def texts(values):
    found = break_rules(Layer(values, lambda path: "here"))
    return [problem.text for problem in found]


def test_good_values_break_no_rule():
    backends = [{"name": "a", "url": "localhost:1"}, {"name": "b", "kind": "echo"}]
    assert texts({"upstream": {"url": ""}, "backends": backends}) == []


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_number_json_cannot_hold_is_refused(value):
    found = texts({"backends": [{"name": "a", "filters": {"set": {"x": [value]}}}]})
    assert found == ["backends[0].filters.set.x[0] is not a finite number"]


def test_a_broken_text_from_the_environment_is_refused():
    assert texts({"models": {"default": "\udcff"}}) == [
        "models.default is not valid UTF-8"
    ]


def test_a_wrong_upstream_is_refused():
    (text,) = texts({"upstream": {"url": "ftp://a"}})
    assert text.startswith("upstream.url has the scheme 'ftp'")


def test_a_wrong_url_of_a_backend_is_refused():
    backends = [{"name": "a"}, {"name": "b", "url": "http://x:y@z"}]
    (text,) = texts({"backends": backends})
    assert text.startswith("backends[1].url holds credentials")


def test_backends_of_one_name_are_refused():
    (text,) = texts({"backends": [{"name": "a"}, {"name": "b"}, {"name": "a"}]})
    assert text.startswith("backends[2].name is 'a', as is backends[0]")


def test_a_key_and_a_variable_for_it_are_refused():
    backend = {"name": "a", "key": "sesame", "key_env": "SESAME"}
    assert texts({"backends": [backend]}) == [
        "backends[0].key_env stands beside key; keep one of them"
    ]
