"""Who may talk to the gateway: hosts, web origins, keys."""

import ipaddress
import re
import socket
from collections.abc import Mapping

from proxyapp.errors import Forbidden
from proxyapp.errors import MisdirectedHost
from proxyapp.settings.schema import ServerSettings

_REMEMBERED = 256
"""Host headers that were found in order and need not be looked at again."""

_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::(\d{1,5}))?")
_LOCAL_ORIGIN = re.compile(
    r"https?://(?:localhost|127(?:\.\d{1,3}){3}|\[::1\]|[a-z0-9-]+\.localhost)(?::\d+)?"
    r"|(?:vscode-webview|vscode-file|app|tauri|file)://[^\s,]*",
    re.IGNORECASE,
)

CORS_HEADERS = (
    "Authorization, Content-Type, User-Agent, Accept, X-Requested-With, OpenAI-Beta,"
    " x-api-key, anthropic-version, anthropic-beta,"
    " anthropic-dangerous-direct-browser-access, x-stainless-arch, x-stainless-lang,"
    " x-stainless-os, x-stainless-package-version, x-stainless-retry-count,"
    " x-stainless-runtime, x-stainless-runtime-version, x-stainless-timeout"
)


class Guard:
    """Refuse requests that a web page made behind its user's back.

    A page can reach a local port through a name that resolves to it, so the Host must
    be an address or a name of this machine. It can send a request across origins, so
    an Origin must be local or configured. Some requests of a page carry no Origin,
    such as those for images and scripts; browsers tell of them in Sec-Fetch-Site.
    """

    def __init__(self, settings: ServerSettings) -> None:
        own = {"localhost", socket.gethostname().lower(), "host.docker.internal"}
        self._hosts = own | {host.lower() for host in settings.allowed_hosts}
        self._met: set[str] = set()
        self._origins = {origin.lower() for origin in settings.allowed_origins}

    def check(self, headers: Mapping[str, str]) -> None:
        """Raise MisdirectedHost or Forbidden unless both headers are in order."""
        host = headers.get("Host", "")
        if host not in self._met:
            self._check_host(host)
        origin = headers.get("Origin")
        if origin is not None and not self.allows(origin):
            raise Forbidden(
                f"Pages of '{origin[:100]}' may not use this gateway. If they should,"
                " add the origin to server.allowed_origins."
            )
        if origin is None and headers.get("Sec-Fetch-Site") == "cross-site":
            _refuse_embedding(headers)

    def _check_host(self, host: str) -> None:
        match = _HOST.fullmatch(host)
        if match is None or int(match.group(2) or 0) > 65535:
            raise MisdirectedHost("The Host header is missing or malformed.")
        if not self._knows(match.group(1).lower()):
            raise MisdirectedHost(
                f"This gateway is not '{host[:100]}'. If it should be, add the name to"
                " server.allowed_hosts."
            )
        if len(self._met) < _REMEMBERED:
            self._met.add(host)

    def allows(self, origin: str) -> bool:
        """Tell whether pages of this origin may call."""
        return bool(_LOCAL_ORIGIN.fullmatch(origin)) or origin.lower() in self._origins

    def _knows(self, host: str) -> bool:
        if host in self._hosts or host.endswith(".localhost"):
            return True
        try:
            ipaddress.ip_address(host.strip("[]"))
        except ValueError:
            return False
        return True


def _refuse_embedding(headers: Mapping[str, str]) -> None:
    """Raise Forbidden unless the user follows a link here."""
    sought = (headers.get("Sec-Fetch-Mode"), headers.get("Sec-Fetch-Dest"))
    if sought != ("navigate", "document"):
        raise Forbidden("A page of another site may not use this gateway.")
