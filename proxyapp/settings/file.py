"""The owner's settings file: where it lies, and what it says."""

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path

from proxyapp.settings.errors import Problem
from proxyapp.settings.errors import SettingsError
from proxyapp.settings.layer import KeyPath
from proxyapp.settings.layer import Layer
from proxyapp.settings.lines import key_lines


def find_file(environ: Mapping[str, str], cwd: Path) -> Path | None:
    """Choose the settings file, or None when there is none.

    A file that PROXYAPP_CONFIG names must exist; the usual places are only looked at.
    """
    named = environ.get("PROXYAPP_CONFIG", "").strip()
    if named:
        return cwd / _at_home(named, environ)
    places = [cwd / "config.toml", *_xdg_places(environ)]
    # Path.is_file raises where a directory on the way may not be entered.
    return next((place for place in places if os.path.isfile(place)), None)


def read_file(path: Path) -> Layer:
    """Read a settings file.

    Raises SettingsError when it cannot be read, or is not TOML in UTF-8.
    """
    # Editors on Windows like to begin a file with a byte order mark.
    try:
        text = path.read_text(encoding="utf-8-sig")
        values = tomllib.loads(text)
    except OSError as error:
        raise _unreadable(path, f"cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise _unreadable(path, f"is not UTF-8 (byte {error.start})") from error
    except tomllib.TOMLDecodeError as error:
        raise _unreadable(path, f"is not valid TOML: {error}") from error
    except RecursionError as error:
        raise _unreadable(path, "is nested too deeply") from error

    def place(key: KeyPath) -> str:
        return f"{path}, line {_line(text, key)}"

    return Layer(values, place)


def _line(text: str, path: KeyPath) -> int:
    lines = key_lines(text)
    prefixes = (path[:end] for end in range(len(path), 0, -1))
    return next((lines[prefix] for prefix in prefixes if prefix in lines), 1)


def _xdg_places(environ: Mapping[str, str]) -> list[Path]:
    # The XDG specification tells programs to ignore a relative path here.
    chosen = Path(environ.get("XDG_CONFIG_HOME", ""))
    home = environ.get("HOME", "")
    if chosen.is_absolute():
        return [chosen / "proxyapp" / "config.toml"]
    return [Path(home, ".config", "proxyapp", "config.toml")] if home else []


def _at_home(name: str, environ: Mapping[str, str]) -> str:
    # No shell expands "~" in a compose file or a systemd unit.
    home = environ.get("HOME", "")
    return f"{home}{name[1:]}" if home and name.startswith("~/") else name


def _unreadable(path: Path, words: str) -> SettingsError:
    return SettingsError([Problem(str(path), words)])
