"""What one word of the command line does."""

import argparse
from collections.abc import Callable
from dataclasses import dataclass


def no_options(parser: argparse.ArgumentParser) -> None:
    """Take no options."""


@dataclass(frozen=True, slots=True)
class Command:
    """A command: ``run`` is given the terminal and the options by their names.

    It gives the exit code.
    """

    words: str
    run: Callable[..., int]
    options: Callable[[argparse.ArgumentParser], None] = no_options
