"""The address to listen on, and whether it is safe to."""

import ipaddress
from pathlib import Path

from proxyapp.settings.errors import Problem
from proxyapp.settings.errors import SettingsError
from proxyapp.settings.schema import Required
from proxyapp.settings.schema import Settings
from proxyapp.settings.state import KEYS
from proxyapp.settings.state import may_be_there


def check_bind(settings: Settings) -> None:
    """Refuse to serve other machines without keys.

    Raises SettingsError unless the address is a loopback one, a key is configured, or
    the owner has said that no key is wanted.
    """
    server = settings.server
    if server.allow_unauthenticated or has_keys(settings):
        return
    if not is_loopback(server.listen_host):
        raise SettingsError(
            [
                Problem(
                    "server.listen_host",
                    f"{server.listen_host} can be reached from other machines, and no"
                    " key is set: anyone there could use your models. Make one"
                    " (python -m proxyapp keys create NAME), or listen on 127.0.0.1,"
                    " or set ALLOW_UNAUTHENTICATED=1 if that is meant.",
                )
            ]
        )


def has_keys(settings: Settings) -> bool:
    """Tell whether callers need a key."""
    if settings.auth.required != "auto":
        return settings.auth.required == "always"
    place = settings.state.directory
    return bool(settings.auth.keys) or (bool(place) and may_be_there(Path(place, KEYS)))


def needs_keys(settings: Settings) -> Required:
    """Give ``auth.required``; open to other machines, "auto" does not wait for a key.

    Otherwise a file of keys that is lost while nobody looks would let them all in.
    """
    server, required = settings.server, settings.auth.required
    local = is_loopback(server.listen_host) or server.allow_unauthenticated
    return required if local or required != "auto" else "always"


def bind_address(settings: Settings) -> str:
    """Write ``host:port`` for gunicorn, an IPv6 address in brackets."""
    host = settings.server.listen_host.strip("[]")
    shown = f"[{host}]" if ":" in host else host
    return f"{shown}:{settings.server.listen_port}"


def is_loopback(host: str) -> bool:
    """Tell whether only this machine can reach an address or name."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"
