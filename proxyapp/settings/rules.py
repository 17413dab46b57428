"""What a settings file must obey and JSON Schema cannot say."""

import ipaddress
import math
from collections.abc import Iterator
from typing import Any
from typing import Final

from proxyapp.settings.errors import Problem
from proxyapp.settings.layer import dotted
from proxyapp.settings.layer import KeyPath
from proxyapp.settings.layer import Layer
from proxyapp.settings.urls import normal_url

Wording = Iterator[tuple[KeyPath, str]]


def break_rules(layer: Layer) -> list[Problem]:
    """List the broken rules of one source whose shape the schema has accepted."""
    return [
        Problem(layer.place(path), f"{dotted(path)} {text}")
        for rule in _RULES
        for path, text in rule(layer.values)
    ]


def _unusable_values(values: dict[str, Any]) -> Wording:
    """Find what TOML or the environment can hold and JSON cannot.

    NaN also passes every bound of the schema, as it compares false with all of them.
    """
    for path, value in _leaves(values, ()):
        if isinstance(value, float) and not math.isfinite(value):
            yield path, "is not a finite number"
        if isinstance(value, str) and not _is_unicode(value):
            yield path, "is not valid UTF-8"


def _bad_urls(values: dict[str, Any]) -> Wording:
    written: list[tuple[KeyPath, dict[str, Any]]]
    written = [(("upstream", "url"), values.get("upstream", {}))]
    written += [(("backends", at, "url"), entry) for at, entry in _backends(values)]
    for path, table in written:
        if table.get("url"):
            try:
                normal_url(table["url"])
            except ValueError as error:
                yield path, str(error)


def _same_names(values: dict[str, Any]) -> Wording:
    first: dict[str, int] = {}
    for at, backend in _backends(values):
        if first.setdefault(backend["name"], at) != at:
            yield (
                ("backends", at, "name"),
                f"is {backend['name']!r}, as is backends[{first[backend['name']]}];"
                " every backend needs a name of its own",
            )


def _two_keys(values: dict[str, Any]) -> Wording:
    for at, backend in _backends(values):
        if "key" in backend and "key_env" in backend:
            yield ("backends", at, "key_env"), "stands beside key; keep one of them"


def _bad_networks(values: dict[str, Any]) -> Wording:
    for at, text in enumerate(values.get("server", {}).get("trusted_proxies", ())):
        try:
            ipaddress.ip_network(text)
        except ValueError as error:
            yield ("server", "trusted_proxies", at), f"is no network: {error}"


_RULES: Final = (_unusable_values, _bad_urls, _bad_networks, _same_names, _two_keys)


def _backends(values: dict[str, Any]) -> list[tuple[int, dict[str, Any]]]:
    return list(enumerate(values.get("backends", [])))


def _leaves(node: Any, path: KeyPath) -> Iterator[tuple[KeyPath, Any]]:
    if not isinstance(node, dict | list):
        yield path, node
        return
    inner = node.items() if isinstance(node, dict) else enumerate(node)
    for key, value in inner:
        yield from _leaves(value, (*path, key))


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
