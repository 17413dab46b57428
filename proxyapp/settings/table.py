"""Write docs/settings.md: ``python -m proxyapp.settings.table > docs/settings.md``.

The words come from the comments in defaults.toml and, for ``[[backends]]``, from the
descriptions in the schema, so each setting is explained in one place only.
"""

import sys
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any
from typing import Final

import orjson

from proxyapp.settings.check import expectation
from proxyapp.settings.environment import variables
from proxyapp.settings.lines import key_lines
from proxyapp.settings.schema import COMPAT
from proxyapp.settings.shipped import defaults
from proxyapp.settings.shipped import defaults_text
from proxyapp.settings.shipped import schema

Cells = Iterator[tuple[str, ...]]

_COLUMNS: Final = ("Key", "Default", "Accepts", "Environment", "Meaning")
_INTRODUCTION: Final = """\
# Settings

This page is made from `config/defaults.toml` and `config/schemas/settings.json` with
`python -m proxyapp.settings.table > docs/settings.md`.

Settings come from three places; a later one wins:

1. `config/defaults.toml`, which comes with proxyapp and holds every default.
2. Your file, if there is one: the file that `PROXYAPP_CONFIG` names, else
   `./config.toml`, else `$XDG_CONFIG_HOME/proxyapp/config.toml`
   (`~/.config/proxyapp/config.toml` when that variable is unset). `config/example.toml`
   is a full one.
3. The environment: `PROXYAPP_SECTION__KEY`, and some short names. Lists are comma
   separated or JSON, tables are JSON, switches are `1`, `true`, `yes`, `on` or `0`,
   `false`, `no`, `off`. An empty variable counts as unset. Where both names of a
   setting are present, the short one wins.

Lists in a later place replace those of an earlier one; tables are joined. A key that
does not exist, or a value that does not fit, stops the start with a message that names
the file and line, or the variable. Durations are in seconds.
"""

_BACKENDS: Final = """\
## [[backends]]

One table per model server, in the file only. With none, the gateway talks to one
llama-server at `upstream.url`. `upstream.url` (`UPSTREAM`), where set, takes the place
of the URL of the first backend that is not `echo`.
"""


def settings_page() -> str:
    """Write the whole page."""
    return "\n".join(_lines())


def comments(text: str) -> dict[tuple[str, str], str]:
    """Read the comment above each ``section.key`` of a TOML text, as one line."""
    lines = text.replace("\r\n", "\n").split("\n")
    return {
        (str(path[0]), str(path[1])): _comment_above(lines, line)
        for path, line in key_lines(text).items()
        if len(path) == 2
    }


def _comment_above(lines: list[str], line: int) -> str:
    start = line - 1
    while start > 0 and lines[start - 1].startswith("#"):
        start -= 1
    return " ".join(text.lstrip("# ") for text in lines[start : line - 1])


def _lines() -> Iterator[str]:
    rules = schema()["properties"]
    yield _INTRODUCTION
    for section, values in defaults().items():
        yield f"## [{section}]\n"
        yield from _rows(_COLUMNS, _settings(section, values, rules[section]))
    backend = rules["backends"]["items"]["properties"]
    yield _BACKENDS
    yield from _rows(("Key", "Accepts", "Meaning"), _described(backend))
    yield "### [backends.filters]\n"
    filters = backend["filters"]["properties"]
    yield from _rows(("Key", "Accepts", "Meaning"), _described(filters))
    yield "### [backends.compat]\n"
    yield from _rows(
        ("Key", *(f"Default for {kind}" for kind in COMPAT), "Accepts", "Meaning"),
        _quirks(backend["compat"]["properties"]),
    )


def _settings(section: str, values: dict[str, Any], rules: dict[str, Any]) -> Cells:
    words = comments(defaults_text())
    # A short name comes last among the variables, and replaces the long one here.
    names = {setting: name for name, setting in variables(schema()).items()}
    for key, value in values.items():
        yield (
            f"`{key}`",
            _code(value),
            expectation(rules["properties"][key]),
            f"`{names[(section, key)]}`",
            words[(section, key)],
        )


def _described(rules: dict[str, Any]) -> Cells:
    for key, rule in rules.items():
        yield f"`{key}`", expectation(rule), rule["description"]


def _quirks(rules: dict[str, Any]) -> Cells:
    of_kinds = [asdict(compat) for compat in COMPAT.values()]
    for key, rule in rules.items():
        codes = (_code(quirks[key]) for quirks in of_kinds)
        yield f"`{key}`", *codes, expectation(rule), rule["description"]


def _code(value: Any) -> str:
    """Write a default as TOML does, whose scalars are those of JSON."""
    return "" if value is None else f"`{orjson.dumps(value).decode()}`"


def _rows(header: tuple[str, ...], rows: Cells) -> Iterator[str]:
    for cells in (header, ("---",) * len(header), *rows):
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"
    yield ""


if __name__ == "__main__":
    sys.stdout.write(settings_page())
