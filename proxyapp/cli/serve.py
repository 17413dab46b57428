"""``python -m proxyapp serve``: look around, say what there is, become gunicorn."""

import os
import sys
from pathlib import Path
from typing import Final
from typing import NoReturn

from proxyapp.admin.doctor import check_backends
from proxyapp.admin.port import check_port
from proxyapp.app import build_gateway
from proxyapp.cli.summary import summary
from proxyapp.cli.terminal import Terminal
from proxyapp.settings.bind import check_bind
from proxyapp.settings.load import load_settings

ROOT: Final = Path(__file__).resolve().parents[2]


def run(terminal: Terminal) -> int:
    """Serve until a signal comes; give 1 if the port cannot be had.

    gunicorn takes this process's place, so that signals reach it directly. Raises
    SettingsError.
    """
    settings = load_settings()
    check_bind(settings)
    port = check_port(settings.server, may_run=False)
    if not port.ok:
        terminal.warn(f"Port {port.message}.", f"{terminal.pen.arrow} {port.remedy}")
        return 1
    gateway = build_gateway(settings)
    findings = check_backends(gateway.backends)
    models = gateway.registry.models()
    terminal.say(*summary(settings, findings, models, terminal.pen))
    return _become(server_command())


def _become(command: list[str]) -> NoReturn:
    os.execv(command[0], command)  # noqa: S606 - no shell is wanted


def server_command() -> list[str]:
    """Write the command that serves."""
    configuration = ROOT / "gunicorn.conf.py"
    return [sys.executable, "-m", "gunicorn", "-c", str(configuration), "wsgi:app"]
