import pytest

from proxyapp.web.proxies import TrustedProxies

pytestmark = pytest.mark.reliability("R-039")

PROXIES = TrustedProxies(["127.0.0.1", "10.0.0.0/8", "::1"])


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("127.0.0.1", "192.0.2.7", "192.0.2.7"),
        ("127.0.0.1", "192.0.2.7, 10.1.2.3", "192.0.2.7"),
        ("127.0.0.1", "1.1.1.1, 192.0.2.7", "192.0.2.7"),
        ("::1", "2001:db8::7", "2001:db8::7"),
        ("127.0.0.1", "", "127.0.0.1"),
        ("127.0.0.1", "unknown", "127.0.0.1"),
        ("127.0.0.1", "evil, 10.1.2.3", "10.1.2.3"),
        ("192.0.2.9", "192.0.2.7", "192.0.2.9"),
        ("", "192.0.2.7", ""),
    ],
)
def test_the_last_address_that_no_trusted_proxy_has_is_the_clients(
    peer, forwarded, client
):
    assert PROXIES.client(peer, forwarded) == client


def test_nobody_is_trusted_unless_configured():
    nobody = TrustedProxies(())
    assert not nobody
    assert nobody.client("127.0.0.1", "192.0.2.7") == "127.0.0.1"
