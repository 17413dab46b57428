"""Settings from environment variables."""

import difflib
import re
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any
from typing import Final

import orjson

from proxyapp.settings.errors import Problem
from proxyapp.settings.errors import SettingsError
from proxyapp.settings.layer import KeyPath
from proxyapp.settings.layer import Layer

PREFIX: Final = "PROXYAPP_"
SHORT_NAMES: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "UPSTREAM": ("upstream", "url"),
        "LISTEN_HOST": ("server", "listen_host"),
        "LISTEN_PORT": ("server", "listen_port"),
        "VERBOSE": ("log", "verbose"),
        "THINKING_MODE": ("stream", "thinking_mode"),
        "ALLOW_UNAUTHENTICATED": ("server", "allow_unauthenticated"),
    }
)
_SWITCH: Final[Mapping[str, bool]] = MappingProxyType(
    {"1": True, "true": True, "yes": True, "on": True}
    | {"0": False, "false": False, "no": False, "off": False}
)


def variables(schema: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    """Name every variable and the setting it holds; a later one wins over an earlier.

    ``[[backends]]`` has none: a list of tables belongs in a file.
    """
    sections = schema["properties"].items()
    long_names = {
        f"{PREFIX}{section}__{key}".upper(): (section, key)
        for section, table in sections
        for key in table.get("properties", {})
    }
    return long_names | dict(SHORT_NAMES)


def read_environment(environ: Mapping[str, str], schema: Mapping[str, Any]) -> Layer:
    """Read the variables that hold settings; an empty one counts as unset.

    A value that does not read as its setting's type stays text, and the schema check
    reports it. Raises SettingsError for a variable that means no setting.
    """
    known = variables(schema)
    _refuse_unknown(environ, known)
    values: dict[str, dict[str, Any]] = {}
    names: dict[KeyPath, str] = {}
    for name, (section, key) in known.items():
        text = environ.get(name, "").strip()
        if text:
            wanted = schema["properties"][section]["properties"][key]["type"]
            values.setdefault(section, {})[key] = _PARSERS[wanted](text)
            names[(section, key)] = name

    def place(path: KeyPath) -> str:
        return f"{names[path[:2]]} in the environment"

    return Layer(values, place)


def _refuse_unknown(environ: Mapping[str, str], known: Mapping[str, Any]) -> None:
    problems = list(_unknown(environ, known))
    if problems:
        raise SettingsError(problems)


def _unknown(environ: Mapping[str, str], known: Mapping[str, Any]) -> Iterator[Problem]:
    """Report variables that were meant as settings and are none.

    A foreign PROXYAPP_ variable is common: Kubernetes and Docker links make
    PROXYAPP_PORT_11434_TCP and its like. One is taken as meant for us when it has the
    double underscore, or is a setting's name but for the underscores.
    """
    single = {re.sub("_+", "_", name): name for name in known}
    for name in sorted(environ):
        if not name.startswith(PREFIX) or name in known:
            continue
        alike = single.get(re.sub("_+", "_", name))
        if alike or "__" in name:
            near = [alike] if alike else difflib.get_close_matches(name, known, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            yield Problem(f"{name} in the environment", f"is not a setting{hint}")


def _switch(text: str) -> bool | str:
    return _SWITCH.get(text.lower(), text)


def _whole(text: str) -> int | str:
    return int(text) if re.fullmatch(r"[+-]?[0-9]{1,18}", text) else text


def _number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


def _list(text: str) -> Any:
    if text.startswith("["):
        return _json(text)
    return [entry.strip() for entry in text.split(",") if entry.strip()]


def _json(text: str) -> Any:
    try:
        return orjson.loads(text)
    except ValueError:
        return text


_PARSERS: Final[Mapping[str, Callable[[str], Any]]] = MappingProxyType(
    {
        "boolean": _switch,
        "integer": _whole,
        "number": _number,
        "string": str,
        "array": _list,
        "object": _json,
    }
)
