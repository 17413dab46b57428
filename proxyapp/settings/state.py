"""The directory for what the gateway itself keeps: history, keys, tokens."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

KEYS: Final = "keys.json"
"""The file of named keys; where it is, a key is needed."""


def state_directory(chosen: str, environ: Mapping[str, str]) -> str:
    """Give the directory the owner chose, else XDG's; empty if there is no home."""
    home = environ.get("HOME", "")
    if chosen:
        # No shell expands "~" in a settings file.
        return f"{home}{chosen[1:]}" if home and chosen.startswith("~/") else chosen
    # The XDG specification tells programs to ignore a relative path here.
    base = Path(environ.get("XDG_STATE_HOME", ""))
    if base.is_absolute():
        return str(base / "proxyapp")
    return str(Path(home, ".local", "state", "proxyapp")) if home else ""


def make_private(directory: Path) -> None:
    """Make a directory that only its owner can enter; one that exists stays as it is.

    Raises OSError.
    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)


def may_be_there(path: Path) -> bool:
    """Tell whether a file is there, or is where nobody can tell."""
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    return True
