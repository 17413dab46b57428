from proxyapp.dialects.ollama.errors import error_body
from proxyapp.errors import UnknownModel


def test_an_error_is_one_string():
    body = error_body(UnknownModel("x", ["y"]))
    assert list(body) == ["error"]
    assert body["error"].startswith("model 'x' not found")
