"""The command line, read."""

import argparse
import os
import sys
from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
from types import MappingProxyType
from typing import Final

from proxyapp import __version__
from proxyapp.cli import copilot
from proxyapp.cli import doctor
from proxyapp.cli import key
from proxyapp.cli import models
from proxyapp.cli import serve
from proxyapp.cli.terminal import Terminal
from proxyapp.settings.errors import SettingsError

Command = Callable[[Terminal], int]
Group = Mapping[str, tuple[str, Command]]

_COMMANDS: Final[Mapping[str, tuple[str, Command | Group]]] = MappingProxyType(
    {
        "serve": ("start the gateway", serve.run),
        "models": ("list the models that clients can ask for", models.run),
        "doctor": ("find what is wrong, and say what to do", doctor.run),
        "key": ("make a key for a client", key.run),
        "copilot": ("use a GitHub Copilot subscription", copilot.COMMANDS),
    }
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one subcommand; give the exit code, 2 for settings that cannot be used."""
    chosen = _parser().parse_args(arguments)
    terminal = Terminal(sys.stdout, sys.stderr, os.environ)
    _, command = _COMMANDS[chosen.command]
    if isinstance(command, Mapping):
        _, command = command[chosen.action]
    try:
        return command(terminal)
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
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, (words, command) in _COMMANDS.items():
        told = f"{words[0].upper()}{words[1:]}."
        added = commands.add_parser(name, help=words, description=told)
        if isinstance(command, Mapping):
            _add_actions(added, command)
    return parser


def _add_actions(parser: argparse.ArgumentParser, group: Group) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    for name, (words, _) in group.items():
        actions.add_parser(name, help=words, description=f"{words.capitalize()}.")
