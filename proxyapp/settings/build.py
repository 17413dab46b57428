"""Make the frozen settings from checked values."""

from collections.abc import Mapping
from dataclasses import fields
from dataclasses import is_dataclass
from dataclasses import replace
from pathlib import Path
from typing import Any

from proxyapp.settings.errors import Problem
from proxyapp.settings.errors import SettingsError
from proxyapp.settings.layer import dotted
from proxyapp.settings.layer import KeyPath
from proxyapp.settings.layer import Layer
from proxyapp.settings.schema import BackendSettings
from proxyapp.settings.schema import COMPAT
from proxyapp.settings.schema import DEFAULT_UPSTREAM
from proxyapp.settings.schema import Filters
from proxyapp.settings.schema import Settings
from proxyapp.settings.state import state_directory
from proxyapp.settings.urls import normal_url


def build_settings(
    values: dict[str, Any],
    file: Layer,
    environ: Mapping[str, str],
    source: Path | None,
) -> Settings:
    """Make the settings from merged values that every check has passed.

    Raises SettingsError for a backend that lacks its URL or its key.
    """
    upstream = normal_url(values["upstream"]["url"] or DEFAULT_UPSTREAM)
    given = bool(values["upstream"]["url"])
    tables = _place_upstream(values.get("backends", []), upstream if given else "")
    _refuse_incomplete(tables, file, environ)
    sections: dict[str, Any] = {
        field.name: _section(field.type, values[field.name])
        for field in fields(Settings)
        if isinstance(field.type, type) and is_dataclass(field.type)
    }
    sections["upstream"] = replace(sections["upstream"], url=upstream if given else "")
    digests = _digests(values["auth"]["keys"])
    sections["auth"] = replace(sections["auth"], keys=digests)
    kept_in = state_directory(values["state"]["directory"], environ)
    sections["state"] = replace(sections["state"], directory=kept_in)
    backends = tuple(_backend(table, environ) for table in tables)
    return Settings(
        **sections,
        backends=backends or (BackendSettings(name="llama", url=upstream),),
        configured=bool(backends) or given,
        own_backends=bool(backends),
        source=source,
    )


def _place_upstream(tables: list[dict[str, Any]], url: str) -> list[dict[str, Any]]:
    """Give ``upstream.url`` to the first backend that has an address at all."""
    taker = next((table for table in tables if _needs_url(table)), None)
    return [
        {**table, "url": url} if url and table is taker else table for table in tables
    ]


def _needs_url(table: Mapping[str, Any]) -> bool:
    return table.get("kind") != "echo"


def _refuse_incomplete(
    tables: list[dict[str, Any]], file: Layer, environ: Mapping[str, str]
) -> None:
    wrong: list[tuple[KeyPath, str]] = []
    for at, table in enumerate(tables):
        if _needs_url(table) and not table.get("url"):
            wrong.append((("backends", at, "url"), "is missing; expected a server"))
        # The variable's name is not shown: people put the key itself there.
        if "key_env" in table and not _is_key(environ.get(table["key_env"], "")):
            words = "names a variable that is unset or holds no usable key"
            wrong.append((("backends", at, "key_env"), words))
    if wrong:
        raise SettingsError(
            [
                Problem(file.place(path), f"{dotted(path)} {text}")
                for path, text in wrong
            ]
        )


def _is_key(text: str) -> bool:
    """Tell whether a text can stand in an Authorization header."""
    key = text.strip()
    return key.isascii() and key.isprintable() and key != "" and " " not in key


def _backend(table: Mapping[str, Any], environ: Mapping[str, str]) -> BackendSettings:
    kind = table.get("kind", "llama")
    given = {key: value for key, value in table.items() if key != "key_env"}
    if "key_env" in table:
        given["key"] = environ[table["key_env"]].strip()
    given["url"] = normal_url(table["url"]) if _needs_url(table) else ""
    given["filters"] = _section(Filters, table.get("filters", {}))
    given["compat"] = replace(COMPAT[kind], **_frozen(table.get("compat", {})))
    return BackendSettings(**_frozen(given))


def _digests(keys: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(key.removeprefix("sha256:").lower() for key in keys))


def _section(kind: Any, values: Mapping[str, Any]) -> Any:
    """Fill a dataclass; a number written without a point becomes a float where due."""
    floats = {field.name for field in fields(kind) if field.type is float}
    frozen = _frozen(values)
    return kind(**frozen | {key: float(frozen[key]) for key in floats & frozen.keys()})


def _frozen(values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: tuple(value) if isinstance(value, list) else value
        for key, value in values.items()
    }
