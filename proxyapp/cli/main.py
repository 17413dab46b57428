"""The command line, read."""

import argparse
import os
import sys
from collections.abc import Mapping
from collections.abc import Sequence
from types import MappingProxyType
from typing import Any
from typing import Final

from proxyapp import __version__
from proxyapp.cli import copilot
from proxyapp.cli import doctor
from proxyapp.cli import key
from proxyapp.cli import keys
from proxyapp.cli import models
from proxyapp.cli import serve
from proxyapp.cli import usage
from proxyapp.cli.command import Command
from proxyapp.cli.terminal import Terminal
from proxyapp.settings.errors import SettingsError

_COMMANDS: Final[Mapping[str, Command]] = MappingProxyType(
    {
        "serve": Command("start the gateway", serve.run),
        "models": Command("list the models that clients can ask for", models.run),
        "usage": Command("show what was asked, day by day", usage.run),
        "doctor": Command("find what is wrong, and say what to do", doctor.run),
        "key": Command("make a key for the settings file", key.run),
    }
)
_GROUPS: Final[Mapping[str, tuple[str, Mapping[str, Command]]]] = MappingProxyType(
    {
        "keys": ("look after named keys", keys.COMMANDS),
        "copilot": ("use a GitHub Copilot subscription", copilot.COMMANDS),
    }
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one subcommand; give the exit code, 2 for settings that cannot be used."""
    options = vars(_parser().parse_args(arguments))
    terminal = Terminal(sys.stdout, sys.stderr, os.environ)
    run = options.pop("run")
    try:
        return int(run(terminal, **options))
    except SettingsError as error:
        terminal.warn(*str(error).splitlines())
        return 2
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m proxyapp",
        description="A gateway for language models: every client dialect on one port.",
        epilog="Settings are explained in docs/settings.md.",
    )
    parser.add_argument(
        "--version", action="version", version=f"proxyapp {__version__}"
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add(commands, _COMMANDS)
    for name, (words, group) in _GROUPS.items():
        added = commands.add_parser(name, help=words, description=_sentence(words))
        _add(added.add_subparsers(required=True, metavar="ACTION"), group)
    return parser


def _add(
    parsers: "argparse._SubParsersAction[Any]", table: Mapping[str, Command]
) -> None:
    for name, command in table.items():
        told = _sentence(command.words)
        parser = parsers.add_parser(name, help=command.words, description=told)
        parser.set_defaults(run=command.run)
        command.options(parser)


def _sentence(words: str) -> str:
    return f"{words[0].upper()}{words[1:]}."
