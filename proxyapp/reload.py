"""The application of the newest settings, taken up while it serves.

Everything that settings decide is built anew and takes the old one's place in one
step: a request is served, to its end, by the application it began with. Backends whose
settings are the same are carried over, with their connections and all they know.
"""

import os
from collections.abc import Iterable
from collections.abc import Mapping
from dataclasses import fields
from dataclasses import replace
from pathlib import Path
from typing import Any

from proxyapp.app import build_app
from proxyapp.app import build_gateway
from proxyapp.observe.log import log_event
from proxyapp.observe.log import log_failure
from proxyapp.observe.log import log_trouble
from proxyapp.settings.bind import check_bind
from proxyapp.settings.errors import SettingsError
from proxyapp.settings.load import load_settings
from proxyapp.settings.schema import Settings
from proxyapp.settings.watch import SettingsWatch

FIXED = (
    *("listen_host", "listen_port", "workers", "worker_connections"),
    *("graceful_timeout", "write_timeout"),
)
"""What gunicorn was told when it started, of ``[server]``."""


class LiveApp:
    """A WSGI application that follows its settings file.

    Building it raises SettingsError; after that broken settings leave the old ones in
    force, and stand in the log and in /health until they are mended.
    """

    def __init__(
        self, environ: Mapping[str, str] | None = None, cwd: Path | None = None
    ) -> None:
        self._environ = os.environ if environ is None else environ
        self._cwd = cwd or Path.cwd()
        self._watch = SettingsWatch(self._environ, self._cwd)
        self._gateway = build_gateway(load_settings(self._environ, self._cwd))
        self._app = build_app(self._gateway)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Serve one request."""
        return self._app(environ, start_response)

    def refresh(self) -> None:
        """Take up changed settings, if there are any; every worker calls this.

        Never raises: there is nobody to tell but the log.
        """
        try:
            if self._watch.changed():
                self._take_up()
        except SettingsError as error:
            self._gateway.settings_fault = "; ".join(map(str, error.problems))
            for problem in error.problems:
                log_trouble(f"settings not taken up, the old ones stay: {problem}")
        except Exception as error:  # noqa: BLE001 - a background check ends here
            log_failure(error)

    def _take_up(self) -> None:
        old = self._gateway.settings
        read = load_settings(self._environ, self._cwd)
        fixed = {name: getattr(old.server, name) for name in FIXED}
        new = replace(read, server=replace(read.server, **fixed))
        check_bind(new)
        if new != old:
            # Nothing is in its place until all is built.
            gateway = build_gateway(new, self._gateway)
            self._app = build_app(gateway)
            self._gateway = gateway
        self._gateway.settings_fault = ""
        log_event("settings taken up", changed=", ".join(_changes(old, new)) or "none")
        waiting = [name for name in FIXED if getattr(read.server, name) != fixed[name]]
        if waiting:
            names = ", ".join(f"server.{name}" for name in waiting)
            log_trouble(f"settings that need a restart have changed: {names}")


def _changes(old: Settings, new: Settings) -> list[str]:
    """Name the sections that differ."""
    names = [field.name for field in fields(Settings)]
    return [name for name in names if getattr(old, name) != getattr(new, name)]
