"""Addresses of model servers, brought into one form."""

import ipaddress
import re
import socket
from typing import Final
from urllib.parse import SplitResult
from urllib.parse import urlsplit

_AUTHORITY: Final = re.compile(
    r"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::(?P<port>[0-9]{1,5}))?"
)
_EXPECTED: Final = "expected an address such as http://127.0.0.1:11433"


def normal_url(text: str) -> str:
    """Write an address as ``scheme://host[:port][/path]``.

    A missing scheme becomes http. A trailing slash and a trailing /v1 go, since people
    paste either form and the gateway adds its own paths. Raises ValueError in words
    that follow "url"; they show the address only when nothing secret can be in it.
    """
    text = text.strip()
    parts = _split(text if "://" in text else f"http://{text}")
    if "@" in parts.netloc:
        raise ValueError("holds credentials; put the key into key or key_env")
    if parts.query or parts.fragment or text.endswith(("?", "#")):
        raise ValueError("has a query or fragment; expected a server's address only")
    if parts.scheme not in ("http", "https"):
        raise ValueError(f"has the scheme {parts.scheme!r}; expected http or https")
    authority = _AUTHORITY.fullmatch(parts.netloc)
    if not authority:
        raise ValueError(f"is {text!r}, which names no host; {_EXPECTED}")
    if not 0 < int(authority["port"] or 80) < 65536:
        raise ValueError(f"is {text!r}, whose port is not from 1 to 65535")
    if _is_link_local(parts.hostname or ""):
        raise ValueError("names a link-local address, where no model server is")
    path = parts.path.rstrip("/").removesuffix("/v1").rstrip("/")
    return f"{parts.scheme}://{parts.netloc.lower()}{path}"


def _is_link_local(host: str) -> bool:
    """Tell whether a host is where clouds keep their credentials, however written."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        try:
            # 2852039166 and 0xa9fea9fe are addresses to every resolver.
            address = ipaddress.ip_address(socket.inet_aton(host))
        except OSError:
            return False
    mapped = getattr(address, "ipv4_mapped", None) or address
    return bool(mapped.is_link_local)


def _split(text: str) -> SplitResult:
    # urlsplit silently drops tabs and line ends, so they are looked for first.
    if not re.fullmatch(r"[!-~]+", text):
        raise ValueError(
            f"holds a blank, a control or a non-ASCII character; {_EXPECTED}"
        )
    try:
        return urlsplit(text)
    except ValueError as error:
        raise ValueError(f"is not a URL; {_EXPECTED}") from error
