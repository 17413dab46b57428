"""Models: the list, the description of one, what runs, what is recommended."""

import datetime
import hashlib
from typing import Any

from proxyapp.backends.base import Capability
from proxyapp.backends.base import ModelInfo
from proxyapp.dialects import fields
from proxyapp.dialects.listing import listed
from proxyapp.dialects.ollama.stamps import stamp
from proxyapp.errors import BadRequest
from proxyapp.routing.registry import Registry

_UNKNOWN_CREATION = 1767225600
_UNKNOWN_CONTEXT = 32768
"""Tokens: what VS Code's two Ollama clients assume of a model that does not say."""

_FOREVER = stamp(int(datetime.datetime(2318, 1, 1, tzinfo=datetime.UTC).timestamp()))
_CAPABILITIES: tuple[Capability, ...] = (
    "completion",
    "tools",
    "vision",
    "thinking",
    "embedding",
    "insert",
    "audio",
)


def named_model(body: fields.Body) -> str:
    """Read which model is meant; older clients write ``name``."""
    for field in ("model", "name"):
        name = fields.optional(body, field, str)
        if name:
            return str(name)
    raise BadRequest("'model' is required: a string.", param="model")


def tags(registry: Registry) -> dict[str, Any]:
    """List every model and alias."""
    return {"models": [_tag(name, model) for name, model in listed(registry)]}


def _tag(name: str, model: ModelInfo) -> dict[str, Any]:
    """Describe a model in brief: clients read ``name`` or ``model``, never both."""
    return {
        "name": name,
        "model": name,
        "modified_at": _modified(model),
        "size": model.size,
        "digest": _digest(name),
        "details": _details(model),
        "capabilities": _capabilities(model),
    }


def running(registry: Registry) -> dict[str, Any]:
    """List the models whose context is known; those of remote services are not here.

    VS Code's Ollama extension asks this up to 40 times a second while it waits, and
    warns its user when the context is small. So it is answered from what is known.
    """
    models = [
        {
            "name": model.id,
            "model": model.id,
            "size": model.size,
            "digest": _digest(model.id),
            "details": _details(model),
            "expires_at": _FOREVER,
            "size_vram": model.size,
            "context_length": model.context_length,
        }
        for model in registry.models()
        if model.context_length
    ]
    return {"models": models}


def recommended(registry: Registry) -> dict[str, Any]:
    """Recommend what is served."""
    return {"recommendations": [{"model": model.id} for model in registry.models()]}


def description(model: ModelInfo) -> dict[str, Any]:
    """Describe one model at length.

    VS Code shows ``general.basename`` as the model's name, and cuts prompts to the
    context length: both must be what is really served.
    """
    context = model.context_length or _UNKNOWN_CONTEXT
    return {
        "license": "",
        "modelfile": f"FROM {model.id}\nPARAMETER num_ctx {context}\n",
        "parameters": f"num_ctx                        {context}",
        "template": "{{ .Prompt }}",
        "details": _details(model),
        "model_info": {
            "general.architecture": model.family,
            "general.basename": model.id,
            f"{model.family}.context_length": context,
        },
        "capabilities": _capabilities(model),
        "modified_at": _modified(model),
    }


def _details(model: ModelInfo) -> dict[str, Any]:
    return {
        "parent_model": "",
        "format": "gguf",
        "family": model.family,
        "families": [model.family],
        "parameter_size": model.parameter_size,
        "quantization_level": model.quantization,
    }


def _capabilities(model: ModelInfo) -> list[Capability]:
    return [one for one in _CAPABILITIES if one in model.capabilities]


def _modified(model: ModelInfo) -> str:
    return stamp(model.created or _UNKNOWN_CREATION)


def _digest(name: str) -> str:
    """Make what stands for a digest: the content is not ours to read."""
    return hashlib.sha256(name.encode()).hexdigest()
