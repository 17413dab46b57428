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
from proxyapp.cli import doctor
from proxyapp.cli import key
from proxyapp.cli import models
from proxyapp.cli import serve
from proxyapp.cli.terminal import Terminal
from proxyapp.settings.errors import SettingsError

_COMMANDS: Final[Mapping[str, tuple[str, Callable[[Terminal], int]]]] = (
    MappingProxyType(
        {
            "serve": ("start the gateway", serve.run),
            "models": ("list the models that clients can ask for", models.run),
            "doctor": ("find what is wrong, and say what to do", doctor.run),
            "key": ("make a key for a client", key.run),
        }
    )
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one subcommand; give the exit code, 2 for settings that cannot be used."""
    chosen = _parser().parse_args(arguments)
    terminal = Terminal(sys.stdout, sys.stderr, os.environ)
    _, command = _COMMANDS[chosen.command]
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
    for name, (words, _) in _COMMANDS.items():
        commands.add_parser(name, help=words, description=f"{words.capitalize()}.")
    return parser
