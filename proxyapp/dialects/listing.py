"""The names a model list shows, the same in every dialect."""

from proxyapp.backends.base import ModelInfo
from proxyapp.routing.registry import Registry


def listed(registry: Registry) -> list[tuple[str, ModelInfo]]:
    """Give every model under its id, then under each further name."""
    models = {model.id: model for model in registry.models()}
    aliases = registry.aliases().items()
    further = [(alias, models[name]) for alias, name in aliases if name in models]
    return [*models.items(), *further]
