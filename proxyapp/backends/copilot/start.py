"""What the Node process is told when it starts."""

from pathlib import Path
from typing import Any
from typing import Final

from proxyapp.settings.schema import CopilotSettings

STORE: Final = "copilot.json"
"""The file the login is kept in; only the Node process writes it."""

_LINGER: Final = 10
"""Seconds that it outlives its last connection: a worker that is replaced finds it."""

_STREAMS: Final = 64


def told_at_start(settings: CopilotSettings, directory: Path) -> dict[str, Any]:
    """Write its options; no secret is among them, for others can read them."""
    domain = settings.enterprise_domain
    own = [domain, f"api.{domain}", f"copilot-api.{domain}"] if domain else []
    told: dict[str, Any] = {
        "store": str(directory / STORE),
        "hosts": [*own, *settings.hosts],
        "limits": {"streams": _STREAMS},
        "linger": _LINGER,
    }
    return told | ({"egress": settings.egress} if settings.egress else {})
