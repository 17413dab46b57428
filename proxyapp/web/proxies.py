"""Whose word counts for where a request came from."""

import ipaddress
from collections.abc import Sequence

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class TrustedProxies:
    """The reverse proxies that stand in front; by default there are none."""

    def __init__(self, networks: Sequence[str]) -> None:
        self._networks = tuple(map(ipaddress.ip_network, networks))

    def __bool__(self) -> bool:
        return bool(self._networks)

    def client(self, peer: str, forwarded: str) -> str:
        """Find the client's address from its peer's and from X-Forwarded-For.

        Each proxy appends whom it heard from, so the list is read from its end for as
        long as the speaker is trusted; what stands before may be anybody's invention.
        """
        address = _address(peer)
        heard = forwarded.split(",")
        while address is not None and heard and self._trusts(address):
            before = _address(heard.pop())
            if before is None:
                break
            address = before
        return peer if address is None else str(address)

    def trusts(self, peer: str) -> bool:
        """Tell whether a peer is one of them."""
        address = _address(peer)
        return address is not None and self._trusts(address)

    def _trusts(self, address: _Address) -> bool:
        return any(address in network for network in self._networks)


def _address(text: str) -> _Address | None:
    try:
        return ipaddress.ip_address(text.strip())
    except ValueError:
        return None
