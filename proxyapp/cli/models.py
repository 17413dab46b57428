"""``python -m proxyapp models``: list what clients can ask for."""

from collections.abc import Mapping
from collections.abc import Sequence

from proxyapp.app import build_gateway
from proxyapp.backends.base import Backend
from proxyapp.backends.base import ModelInfo
from proxyapp.cli.drawing import draw_table
from proxyapp.cli.terminal import Terminal
from proxyapp.errors import UpstreamError
from proxyapp.settings.load import load_settings

_HEADER = ("MODEL", "BACKEND", "CONTEXT", "CAPABILITIES", "ALIASES")


def run(terminal: Terminal) -> int:
    """Show the models; give 1 if a backend could not be asked for its own."""
    gateway = build_gateway(load_settings())
    registry = gateway.registry
    terminal.say(*table(registry.models(), registry.aliases()))
    silent = [words for b in gateway.backends if (words := unavailable(b))]
    terminal.warn(*silent)
    return 1 if silent else 0


def table(models: Sequence[ModelInfo], aliases: Mapping[str, str]) -> list[str]:
    """Write a model a line; ``aliases`` maps each further name to its model."""
    return draw_table([_HEADER, *(_cells(model, aliases) for model in models)])


def _cells(model: ModelInfo, aliases: Mapping[str, str]) -> tuple[str, ...]:
    names = [alias for alias, name in aliases.items() if name == model.id]
    return (
        model.id,
        model.backend,
        tokens(model),
        ", ".join(sorted(model.capabilities)),
        ", ".join(names),
    )


def tokens(model: ModelInfo) -> str:
    """Write a model's context length."""
    return f"{model.context_length:,}" if model.context_length else "unknown"


def unavailable(backend: Backend) -> str:
    """Say why a backend's models are missing; empty if they are not."""
    try:
        backend.models()
    except UpstreamError as error:
        return f"{backend.name}: {error.message}"
    return ""
