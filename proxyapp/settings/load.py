"""Read the settings: defaults, then the owner's file, then the environment."""

import os
from collections.abc import Mapping
from pathlib import Path

from proxyapp.settings.build import build_settings
from proxyapp.settings.check import check_layer
from proxyapp.settings.environment import read_environment
from proxyapp.settings.errors import SettingsError
from proxyapp.settings.file import find_file
from proxyapp.settings.file import read_file
from proxyapp.settings.layer import Layer
from proxyapp.settings.layer import merge
from proxyapp.settings.rules import break_rules
from proxyapp.settings.schema import Settings
from proxyapp.settings.shipped import defaults
from proxyapp.settings.shipped import schema


def load_settings(
    environ: Mapping[str, str] | None = None, cwd: Path | None = None
) -> Settings:
    """Read and check everything the owner configured.

    The arguments stand in for the process's environment and working directory. The
    defaults are not checked here: a test does that. Raises SettingsError, which names
    every problem with its file and line, or its variable.
    """
    environ = os.environ if environ is None else environ
    source = find_file(environ, cwd or Path.cwd())
    file = read_file(source) if source else Layer({}, lambda _: "")
    rules = schema()
    layers = (file, read_environment(environ, rules))
    problems = [
        problem
        for layer in layers
        # The rules read values whose shape they trust.
        for problem in check_layer(layer, rules) or break_rules(layer)
    ]
    if problems:
        raise SettingsError(problems)
    values = defaults()
    for layer in layers:
        values = merge(values, layer.values)
    return build_settings(values, file, environ, source)
