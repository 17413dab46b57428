"""What is wrong with an installation, each fault with its remedy.

One function is one check. A check never raises: what it cannot examine is a fault.
"""

import importlib.util
import resource
import sys
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from proxyapp.admin.port import check_port
from proxyapp.auth.keyfile import read_keys
from proxyapp.backends.base import Backend
from proxyapp.backends.base import Finding
from proxyapp.errors import KeysUnreadable
from proxyapp.runtime import Task
from proxyapp.settings.bind import check_bind
from proxyapp.settings.bind import has_keys
from proxyapp.settings.bind import is_loopback
from proxyapp.settings.bind import needs_keys
from proxyapp.settings.errors import SettingsError
from proxyapp.settings.load import load_settings
from proxyapp.settings.schema import Settings
from proxyapp.settings.state import KEYS

_OLDEST: Final = (3, 11)
_SERVING: Final = ("gunicorn", "gevent", "packaging", "flask")
_FEW_FILES: Final = 2048
_PATIENCE: Final = 60.0


def examine(
    environ: Mapping[str, str],
    cwd: Path,
    backends_of: Callable[[Settings], Sequence[Backend]],
) -> list[Finding]:
    """Make every check; those that need settings only when there are any."""
    findings = [check_python(sys.version_info[:3]), check_packages(), check_files()]
    try:
        settings = load_settings(environ, cwd)
    except SettingsError as error:
        return [*findings, *settings_faults(error)]
    return [
        *findings,
        check_source(settings),
        check_binding(settings),
        check_keys(settings),
        check_port(settings.server, may_run=True),
        *check_backends(backends_of(settings)),
    ]


def check_python(version: tuple[int, ...]) -> Finding:
    """Find out whether this Python is new enough."""
    shown = ".".join(map(str, version))
    wanted = ".".join(map(str, _OLDEST))
    if version >= _OLDEST:
        return Finding(True, "python", f"Python {shown}")
    return Finding(
        False,
        "python",
        f"Python {shown} is too old",
        f"Install Python {wanted} or newer, remove .venv and run: make setup",
    )


def check_packages(names: Iterable[str] = _SERVING) -> Finding:
    """Find out whether everything is installed that serving needs.

    ``packaging`` comes with gunicorn's [gevent] extra only, and without it gunicorn
    just says that its gevent worker is not found.
    """
    missing = [name for name in names if importlib.util.find_spec(name) is None]
    if not missing:
        return Finding(True, "packages", "everything is installed")
    return Finding(
        False,
        "packages",
        f"not installed: {', '.join(missing)}",
        "Run: make setup -- or: pip install -r requirements.txt",
    )


def check_files() -> Finding:
    """Find out how many open files the system allows; a stream needs two."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard == resource.RLIM_INFINITY or hard >= _FEW_FILES:
        return Finding(True, "files", "the system allows enough open files")
    return Finding(
        False,
        "files",
        f"the system allows only {hard} open files, which is {hard // 2} streams",
        "Raise the hard limit: ulimit -Hn, LimitNOFILE= in systemd, or --ulimit in"
        " Docker.",
    )


def settings_faults(error: SettingsError) -> list[Finding]:
    """Make each problem in the settings a fault of its own."""
    remedy = "Correct it; docs/settings.md explains every setting."
    return [
        Finding(False, "settings", str(problem), remedy) for problem in error.problems
    ]


def check_source(settings: Settings) -> Finding:
    """Tell which file the settings came from."""
    source = settings.source
    told = f"read from {source}" if source else "defaults and environment, no file"
    return Finding(True, "settings", told)


def check_binding(settings: Settings) -> Finding:
    """Find out whether strangers could use the models."""
    host = settings.server.listen_host
    try:
        check_bind(settings)
    except SettingsError:
        return Finding(
            False,
            "listen",
            f"{host} can be reached from other machines, and no key is set",
            "Make a key (python -m proxyapp keys create NAME), listen on 127.0.0.1, or"
            " set ALLOW_UNAUTHENTICATED=1 if that is meant.",
        )
    if is_loopback(host):
        return Finding(True, "listen", f"only this machine can reach {host}")
    if has_keys(settings):
        return Finding(True, "listen", "other machines need a key")
    return Finding(
        True, "listen", "everyone may call without a key: ALLOW_UNAUTHENTICATED is set"
    )


def check_keys(settings: Settings) -> Finding:
    """Find out whether callers can be told from strangers."""
    place = settings.state.directory
    try:
        named = len(read_keys(Path(place, KEYS))) if place else 0
    except FileNotFoundError:
        named = 0
    except KeysUnreadable as error:
        remedy = "Mend it, or put an older copy there: until then nobody is let in."
        return Finding(False, "keys", error.why, remedy)
    if settings.auth.required == "never":
        return Finding(True, "keys", "switched off: auth.required is never")
    count = named + len(settings.auth.keys)
    if not count and needs_keys(settings) == "always":
        return Finding(
            False,
            "keys",
            "callers need a key, and there is none",
            "Make one: python -m proxyapp keys create NAME",
        )
    return Finding(True, "keys", f"{count} known" if count else "none is needed")


def check_backends(backends: Sequence[Backend]) -> list[Finding]:
    """Examine every model server, all at the same time."""
    asked = [Task(_guarded(backend), _forget) for backend in backends]
    found: list[Finding] = []
    for backend, task in zip(backends, asked, strict=True):
        if task.wait(_PATIENCE):
            found += task.result()
        else:
            task.cancel()
            found.append(
                Finding(
                    False,
                    backend.name,
                    f"the examination took longer than {_PATIENCE:g} s",
                    "Look at that server's log; it may be overloaded.",
                )
            )
    return found


def _guarded(backend: Backend) -> Callable[[], list[Finding]]:
    def check() -> list[Finding]:
        try:
            return backend.check()
        except Exception as error:  # noqa: BLE001 - a doctor survives its patients
            remedy = "This is a fault of proxyapp; please report it."
            return [Finding(False, backend.name, f"the check failed: {error}", remedy)]

    return check


def _forget(_: list[Finding]) -> None:
    """Let a result that nobody waits for go."""
