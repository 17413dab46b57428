"""What there is to know about an agent in order to run it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PROMPT = "Run the shell command you are told to run, then say what it printed."
COMMAND = "echo marker-$((40 + 2))"
PRINTED = "marker-42"
"""What the command prints stands nowhere in the prompt: only a shell can know it."""


@dataclass(frozen=True)
class Agent:
    """An agent: how to find it, start it and make it call a tool.

    ``find`` gives the command's first words, or None where it is not installed; its
    argument is npm's prefix. ``environment`` and ``arguments`` take the gateway's URL
    and the agent's home. ``tool`` and ``call`` are the tool that runs a shell command
    and its arguments. ``wire`` names the dialect the agent speaks.
    """

    name: str
    wire: str
    find: Callable[[Path], list[str] | None]
    environment: Callable[[str, Path], Mapping[str, str]]
    arguments: Callable[[str, Path], list[str]]
    tool: str
    call: Mapping[str, Any]


def installed(name: str, prefix: Path) -> list[str] | None:
    """Find a command under npm's prefix, or else on the path."""
    places = f"{prefix / 'bin'}:{prefix / 'node_modules/.bin'}"
    found = shutil.which(name, path=places) or shutil.which(name)
    return [found] if found else None
