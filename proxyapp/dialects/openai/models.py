"""The model list, in the union of two shapes.

OpenAI's and Anthropic's SDKs ask the same path. An item that holds both field sets is
accepted strictly by both (tested with openai 3.52 and anthropic 2.11), so nobody's
dialect has to be guessed; Anthropic's header decides about paging only.
"""

import datetime
from collections.abc import Mapping
from typing import Any

from proxyapp.backends.base import ModelInfo
from proxyapp.dialects.listing import listed
from proxyapp.errors import BadRequest
from proxyapp.routing.registry import Registry

_MAX_OUTPUT = 8192
_UNKNOWN_CREATION = 1767225600


def list_models(registry: Registry) -> list[dict[str, Any]]:
    """Describe every model and alias."""
    return [model_item(name, model) for name, model in listed(registry)]


def model_item(name: str, model: ModelInfo) -> dict[str, Any]:
    """Describe one model under one of its names."""
    created = model.created or _UNKNOWN_CREATION
    stamp = datetime.datetime.fromtimestamp(created, datetime.UTC)
    item: dict[str, Any] = {
        "id": name,
        "object": "model",
        "created": created,
        "owned_by": model.owned_by,
        "type": "model",
        "display_name": name,
        "created_at": stamp.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "lifecycle": "active",
    }
    if model.context_length:
        item["max_input_tokens"] = model.context_length
        item["max_tokens"] = model.max_output or min(_MAX_OUTPUT, model.context_length)
        item["context_length"] = model.context_length
    return item


def envelope(items: list[dict[str, Any]], *, has_more: bool = False) -> dict[str, Any]:
    """Wrap a page of items in both lists' envelopes."""
    return {
        "object": "list",
        "data": items,
        "has_more": has_more,
        "first_id": items[0]["id"] if items else None,
        "last_id": items[-1]["id"] if items else None,
    }


def page(items: list[dict[str, Any]], query: Mapping[str, str]) -> dict[str, Any]:
    """Cut a page as Anthropic's clients ask for it, ``claude*`` names first."""
    items = sorted(items, key=lambda item: not item["id"].startswith("claude"))
    limit = query.get("limit", "20")
    if not limit.isdecimal() or not 1 <= int(limit) <= 1000:
        raise BadRequest("'limit' must be from 1 to 1000.", param="limit")
    ids = [item["id"] for item in items]
    if query.get("after_id") in ids:
        items = items[ids.index(query["after_id"]) + 1 :]
    elif query.get("before_id") in ids:
        items = items[: ids.index(query["before_id"])][-int(limit) :]
        return envelope(items, has_more=ids.index(query["before_id"]) > len(items))
    return envelope(items[: int(limit)], has_more=len(items) > int(limit))
