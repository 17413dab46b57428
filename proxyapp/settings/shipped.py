"""The files that come with the gateway: the defaults and their schema."""

import tomllib
from pathlib import Path
from typing import Any
from typing import Final

import orjson

CONFIG: Final = Path(__file__).resolve().parents[2] / "config"


def defaults_text() -> str:
    """Read defaults.toml, comments and all."""
    return (CONFIG / "defaults.toml").read_text(encoding="utf-8")


def defaults() -> dict[str, Any]:
    """Read every setting's default, by section."""
    return tomllib.loads(defaults_text())


def catalogue() -> dict[str, dict[str, Any]]:
    """Read what is known of GitHub Copilot's models, by id."""
    text = (CONFIG / "models.toml").read_text(encoding="utf-8")
    known: dict[str, dict[str, Any]] = tomllib.loads(text)["copilot"]
    return known


def schema() -> dict[str, Any]:
    """Read the JSON Schema of a settings file.

    orjson is called directly because ``wire`` is on the same floor.
    """
    document: dict[str, Any] = orjson.loads(
        (CONFIG / "schemas" / "settings.json").read_bytes()
    )
    return document
