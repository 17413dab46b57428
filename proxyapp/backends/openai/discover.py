"""What an OpenAI-compatible server serves, asked of the server itself."""

import re
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

from proxyapp.backends.base import Capability
from proxyapp.backends.base import ModelInfo

_SHARD = re.compile(r"-\d{5}-of-\d{5}$")
_QUANTIZATION = re.compile(r"(?:^|[-._])(I?Q\d\w*|BF16|F16|F32|MXFP4)$", re.IGNORECASE)


def friendly_name(upstream_id: str) -> str:
    """Make a model path readable: ``/models/Qwen3-8B-Q8_0.gguf`` is Qwen3-8B-Q8_0.

    A name that is no path to a GGUF file is left alone: ``org/model`` stays.
    """
    if not upstream_id.lower().endswith(".gguf"):
        return upstream_id
    stem = PurePosixPath(upstream_id.replace("\\", "/")).name[: -len(".gguf")]
    return _SHARD.sub("", stem) or upstream_id


def model_info(
    backend: str,
    entry: Mapping[str, Any],
    props: Mapping[str, Any],
    aliases: tuple[str, ...] = (),
) -> ModelInfo:
    """Describe one entry of ``/v1/models``, with llama-server's ``/props`` if any.

    The context is the one a request gets: llama-server divides ``-c`` among its
    slots, and ``n_ctx_train`` promises what the server does not hold.
    """
    upstream_id = str(entry.get("id", ""))
    name = friendly_name(upstream_id)
    meta = _mapping(entry.get("meta"))
    known = _strings(entry.get("aliases"))
    path = props.get("model_path")
    quantization = _quantization(name) or str(meta.get("ftype") or "")
    return ModelInfo(
        id=name,
        backend=backend,
        upstream_id=upstream_id,
        aliases=aliases,
        also_known=tuple(dict.fromkeys((upstream_id, *known))),
        context_length=_context(meta, props, entry),
        capabilities=_capabilities(entry, meta, props),
        family=_family(friendly_name(path) if isinstance(path, str) else name),
        parameter_size=_size_words(_integer(meta.get("n_params"))),
        quantization=quantization,
        size=_integer(meta.get("size")),
        created=_integer(entry.get("created")),
        owned_by=str(entry.get("owned_by") or "proxyapp"),
    )


def _context(
    meta: Mapping[str, Any], props: Mapping[str, Any], entry: Mapping[str, Any]
) -> int | None:
    settings = _mapping(props.get("default_generation_settings"))
    for source, field in (
        (settings, "n_ctx"),
        (meta, "n_ctx"),
        (entry, "context_length"),
        (entry, "max_model_len"),
        (entry, "context_window"),
    ):
        if tokens := _integer(source.get(field)):
            return tokens
    return None


def _capabilities(
    entry: Mapping[str, Any], meta: Mapping[str, Any], props: Mapping[str, Any]
) -> frozenset[Capability]:
    """Tell what the model can do, as far as the server says.

    Without ``/props`` nothing is known, and tools are assumed: a model without them
    disappears from agents, while a server that lacks them says so in words.
    """
    found: set[Capability] = {"completion"}
    caps = props.get("chat_template_caps")
    known = _mapping(caps)
    if caps is None or known.get("supports_tools") or known.get("supports_tool_calls"):
        found.add("tools")
    modalities = _mapping(props.get("modalities"))
    if modalities.get("vision"):
        found.add("vision")
    if modalities.get("audio"):
        found.add("audio")
    template = props.get("chat_template")
    if _thinks(template if isinstance(template, str) else "", known):
        found.add("thinking")
    if "embedding" in _strings(entry.get("capabilities")) or meta.get("pooling"):
        found.add("embedding")
    return frozenset(found)


def _thinks(template: str, caps: Mapping[str, Any]) -> bool:
    marks = ("<think>", "enable_thinking", "reasoning_content", "<|channel|>analysis")
    return bool(caps.get("supports_reasoning_effort")) or any(
        mark in template for mark in marks
    )


def _quantization(name: str) -> str:
    match = _QUANTIZATION.search(name)
    return match.group(1).upper() if match else ""


def _family(name: str) -> str:
    match = re.match(r"[A-Za-z]+[\d.]*", PurePosixPath(name).name)
    return match.group(0).lower().rstrip(".") if match else "unknown"


def _size_words(parameters: int) -> str:
    for unit, size in (("B", 10**9), ("M", 10**6), ("K", 10**3)):
        if parameters >= size:
            return f"{parameters / size:.1f}{unit}"
    return str(parameters) if parameters else ""


def _integer(value: Any) -> int:
    return value if isinstance(value, int) and value > 0 else 0


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _strings(value: Any) -> list[str]:
    items = value if isinstance(value, list) else []
    return [item for item in items if isinstance(item, str) and item]
