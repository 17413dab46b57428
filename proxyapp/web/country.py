"""The country a request comes from, as a trusted proxy tells it."""

import re
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

_CODE = re.compile(r"[A-Za-z]{2}")
TRUSTED_PEER = "proxyapp.trusted_peer"


def country_of(environ: Mapping[str, Any], headers: Sequence[str]) -> str:
    """Read the first of the headers that names a country; empty if none does.

    Anybody can send such a header, so only a trusted proxy's word counts. Cloudflare's
    ``T1`` for Tor is no country, nor is anything else that is not two letters.
    """
    if not environ.get(TRUSTED_PEER):
        return ""
    for header in headers:
        told = environ.get(f"HTTP_{header.upper().replace('-', '_')}", "").strip()
        if _CODE.fullmatch(told):
            return str(told.upper())
    return ""
