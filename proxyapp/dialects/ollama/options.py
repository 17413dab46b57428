"""Fields that several of Ollama's requests share."""

import re
from typing import Any

from proxyapp.dialects import fields
from proxyapp.errors import BadRequest
from proxyapp.neutral.request import Effort
from proxyapp.neutral.request import Reasoning
from proxyapp.neutral.request import ResponseFormat
from proxyapp.neutral.request import Sampling

_WHERE = "options"
_NUMBERS = (
    "frequency_penalty",
    "min_p",
    "mirostat_eta",
    "mirostat_tau",
    "presence_penalty",
    "repeat_penalty",
    "temperature",
    "top_p",
    "typical_p",
)
# Ollama's name and llama-server's.
_INTEGERS = {
    "mirostat": "mirostat",
    "num_keep": "n_keep",
    "repeat_last_n": "repeat_last_n",
    "seed": "seed",
    "top_k": "top_k",
}
_LEVELS: dict[Any, Effort] = {
    True: "medium",
    False: "none",
    "low": "low",
    "medium": "medium",
    "high": "high",
    "max": "max",
}
_LARGEST = 2**53
_DURATION = re.compile(r"[+-]?(?:\d+|(?:(?:\d+\.?\d*|\.\d+)(?:[nuµm]?s|m|h))+)")


def sampling(body: fields.Body, more: dict[str, Any] | None = None) -> Sampling:
    """Read ``options``: unknown ones are ignored, as are those for loading a model.

    ``num_predict`` of -1 and -2 (and 0, to Ollama's runner) means no limit. ``more``
    are fields to add that do not stand among the options.
    """
    options = fields.optional(body, _WHERE, dict) or {}
    found = dict(more or {})
    for name in _NUMBERS:
        value = fields.optional(options, name, (int, float), _WHERE)
        if value is not None:
            found[name] = value
    for name, known_as in _INTEGERS.items():
        whole = _whole(options, name)
        if whole is not None:
            found[known_as] = whole
    limit = _whole(options, "num_predict") or 0
    return Sampling(limit if limit > 0 else None, fields.stops(options, "stop"), found)


def _whole(options: fields.Body, name: str) -> int | None:
    """Read a number as Ollama does, its fraction cut off."""
    value = fields.optional(options, name, (int, float), _WHERE)
    if value is None:
        return None
    if abs(value) > _LARGEST:
        raise BadRequest(f"'{_WHERE}.{name}' is too large.", param=_WHERE)
    return int(value)


def logprobs(body: fields.Body) -> dict[str, Any]:
    """Read the wish for log probabilities, in the words of a chat."""
    top = fields.integer(body, "top_logprobs", low=0, high=20)
    if not fields.flag(body, "logprobs"):
        return {}
    return {"logprobs": True} | ({"top_logprobs": top} if top else {})


def response_format(body: fields.Body) -> ResponseFormat | None:
    """Read ``format``: "json", a schema, or (as empty text or null) none."""
    wanted = body.get("format")
    if wanted is None or wanted == "":
        return None
    if wanted == "json":
        return ResponseFormat()
    if isinstance(wanted, dict):
        return ResponseFormat(wanted)
    raise BadRequest("'format' must be \"json\" or a JSON Schema.", param="format")


def reasoning(body: fields.Body) -> Reasoning | None:
    """Read ``think``; absent, the model does as it does by default."""
    level = body.get("think")
    if level is None:
        return None
    if isinstance(level, bool | str) and level in _LEVELS:
        return Reasoning(_LEVELS[level])
    raise BadRequest(
        "'think' must be true, false, low, medium, high or max.",
        param="think",
    )


def unloads(body: fields.Body) -> bool:
    """Check ``keep_alive`` and tell whether it is 0: how a client unloads a model.

    It is a number of seconds or a duration as Go writes it. Models stay where they
    are, whatever it says. A bare number in a string is not Ollama's, yet common.
    """
    value = body.get("keep_alive")
    if value is None:
        return False
    zero = _is_zero(value)
    if zero is None:
        raise BadRequest(
            "'keep_alive' must be a duration such as \"5m\", or seconds; negative means"
            " for ever.",
            param="keep_alive",
        )
    return zero


def _is_zero(value: Any) -> bool | None:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value == 0
    if isinstance(value, str) and _DURATION.fullmatch(value):
        return not re.search("[1-9]", value)
    return None
