import pytest

from proxyapp.settings.urls import normal_url


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("http://127.0.0.1:11433", "http://127.0.0.1:11433"),
        ("127.0.0.1:11433", "http://127.0.0.1:11433"),
        ("localhost", "http://localhost"),
        ("llama_server:8080", "http://llama_server:8080"),
        ("https://api.example.com/v1", "https://api.example.com"),
        ("https://api.example.com/v1/", "https://api.example.com"),
        ("https://example.com/api/v1/", "https://example.com/api"),
        ("http://example.com/openai//", "http://example.com/openai"),
        ("http://example.com/av1", "http://example.com/av1"),
        ("HTTP://Example.COM/Path", "http://example.com/Path"),
        ("http://[::1]:8080/v1", "http://[::1]:8080"),
        ("  localhost:1  ", "http://localhost:1"),
    ],
)
def test_an_address_is_brought_into_one_form(text, expected):
    assert normal_url(text) == expected


@pytest.mark.reliability("R-047")
@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("ftp://example.com", "has the scheme 'ftp'"),
        ("file:///etc/passwd", "has the scheme 'file'"),
        ("http://", "names no host"),
        ("http://:80", "names no host"),
        ("http:/example.com", "names no host"),
        ("http://exa mple.com", "holds a blank"),
        ("http://exam\nple.com", "holds a blank, a control"),
        ("http://exämple.com", "non-ASCII"),
        ("http://example.com:0", "port is not from 1"),
        ("http://example.com:65536", "port is not from 1"),
        ("http://example.com:80:80", "names no host"),
        ("http://[::1", "is not a URL"),
        ("http://a\\b.com", "names no host"),
        ("http://169.254.169.254/latest", "link-local"),
        ("http://2852039166", "link-local"),
        ("http://0xa9.0xfe.169.254", "link-local"),
        ("http://[fe80::1]:80", "link-local"),
        ("http://[::ffff:169.254.169.254]", "link-local"),
    ],
)
def test_what_is_no_address_is_refused(text, words):
    with pytest.raises(ValueError, match=words):
        normal_url(text)


@pytest.mark.reliability("R-041")
@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("http://me:sesame@example.com", "holds credentials"),
        ("me:sesame@example.com", "holds credentials"),
        ("ftp://sesame@example.com", "holds credentials"),
        ("http://example.com/?key=sesame", "has a query"),
        ("http://example.com/#sesame", "has a query or fragment"),
        ("http://sesame@[::1", "is not a URL"),
        ("http://me:ses ame@example.com", "holds a blank"),
    ],
)
def test_a_secret_in_an_address_is_refused_and_not_shown(text, words):
    with pytest.raises(ValueError, match=words) as caught:
        normal_url(text)
    assert "sesame" not in str(caught.value)


@pytest.mark.parametrize("text", ["http://example.com?", "http://example.com#"])
def test_an_empty_query_or_fragment_is_refused(text):
    with pytest.raises(ValueError, match="query or fragment"):
        normal_url(text)
