"""The country a request comes from, as a trusted proxy tells it."""

import re
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

_CODE = re.compile(r"[A-Za-z]{2}")
_NOWHERE = "XX"
TRUSTED_PEER = "proxyapp.trusted_peer"


def country_of(environ: Mapping[str, Any], headers: Sequence[str]) -> str:
    """Read the first of the headers that is there; empty if it names no country.

    Anybody can send such a header, so only a trusted proxy's word counts. Cloudflare
    says ``T1`` for Tor and ``XX`` where it does not know; then no further header is
    asked, which might be the client's own.
    """
    if not environ.get(TRUSTED_PEER):
        return ""
    for header in headers:
        told = environ.get(f"HTTP_{header.upper().replace('-', '_')}", "").strip()
        if told:
            named = _CODE.fullmatch(told) is not None and told.upper() != _NOWHERE
            return str(told.upper()) if named else ""
    return ""
