"""What all backends serve at one moment."""

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import replace
from typing import Final

from proxyapp.backends.base import Backend
from proxyapp.backends.base import ModelInfo
from proxyapp.errors import UpstreamError
from proxyapp.errors import UpstreamTimeout
from proxyapp.runtime import Task

_PATIENCE: Final = 10.0
"""Seconds that a backend may take to list its models."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The models, and why those of some backends are missing; ``taken`` is when."""

    models: tuple[ModelInfo, ...] = ()
    failures: tuple[tuple[str, UpstreamError], ...] = ()
    taken: float = float("-inf")


def take_snapshot(backends: Mapping[str, Backend]) -> Snapshot:
    """Ask all backends at once; nothing of it says when."""
    asked = [(name, _asking(backend)) for name, backend in backends.items()]
    models: list[ModelInfo] = []
    failures: list[tuple[str, UpstreamError]] = []
    for name, task in asked:
        try:
            if not task.wait(_PATIENCE):
                raise UpstreamTimeout(f"The backend '{name}' lists no models.")
            models += task.result()
        except UpstreamError as error:
            failures.append((name, error))
    return Snapshot(tuple(unique(models)), tuple(failures))


def _asking(backend: Backend) -> Task[list[ModelInfo]]:
    return Task(backend.models, lambda _: None)


def unique(models: list[ModelInfo]) -> list[ModelInfo]:
    """Keep the first model of each name; later ones are ``backend/name``."""
    seen: set[str] = set()
    kept: list[ModelInfo] = []
    for model in models:
        if model.id in seen:
            model = replace(
                model, id=f"{model.backend}/{model.id}", aliases=(), also_known=()
            )
        seen.add(model.id)
        kept.append(model)
    return kept
