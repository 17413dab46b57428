import pytest

from proxyapp.wire.data_url import data_url_text


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("data:text/plain;base64,aGk=", "hi"),
        ("data:text/markdown;charset=utf-8;base64,w6k=", "é"),
        ("data:text/plain;base64,", ""),
    ],
)
def test_base64_of_text_is_read(url, text):
    assert data_url_text(url) == text


@pytest.mark.parametrize(
    "url",
    [
        "",
        "hello",
        "data:text/plain;base64",
        "data:text/plain,hi",
        "data:image/png;base64,aGk=",
        "data:text/plain;base64,a",
        "data:text/plain;base64,aG k=",
        "data:text/plain;base64,/w==",
        "https://example.com/,aGk=",
    ],
)
def test_anything_else_is_no_text(url):
    assert data_url_text(url) is None
