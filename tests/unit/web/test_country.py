import pytest

from proxyapp.web.country import country_of
from proxyapp.web.country import TRUSTED_PEER

HEADERS = ("CF-IPCountry", "X-Country")


@pytest.mark.parametrize(
    ("environ", "country"),
    [
        ({"HTTP_CF_IPCOUNTRY": "DE"}, "DE"),
        ({"HTTP_X_COUNTRY": "fr"}, "FR"),
        ({"HTTP_CF_IPCOUNTRY": "", "HTTP_X_COUNTRY": "FR"}, "FR"),
        ({"HTTP_CF_IPCOUNTRY": "T1"}, ""),
        ({"HTTP_CF_IPCOUNTRY": "T1", "HTTP_X_COUNTRY": "FR"}, ""),
        ({"HTTP_CF_IPCOUNTRY": "xx", "HTTP_X_COUNTRY": "FR"}, ""),
        ({"HTTP_CF_IPCOUNTRY": "DE,FR"}, ""),
        ({"HTTP_CF_IPCOUNTRY": "Germany"}, ""),
        ({}, ""),
    ],
)
def test_the_first_header_that_is_there_counts(environ, country):
    assert country_of({TRUSTED_PEER: True, **environ}, HEADERS) == country


@pytest.mark.parametrize("peer", [{}, {TRUSTED_PEER: False}])
def test_nobody_elses_word_counts(peer):
    assert country_of({"HTTP_CF_IPCOUNTRY": "DE", **peer}, HEADERS) == ""


def test_without_headers_to_read_there_is_no_country():
    assert country_of({TRUSTED_PEER: True, "HTTP_CF_IPCOUNTRY": "DE"}, ()) == ""
