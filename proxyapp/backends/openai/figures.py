"""The figures of a reply: tokens, times and log probabilities.

They are reported, not trusted: an odd one is 0 or left out, and the reply goes on.
"""

from collections.abc import Callable
from typing import Any

from proxyapp.neutral.usage import Timings
from proxyapp.neutral.usage import Usage

Entry = dict[str, Any]


def read_usage(usage: Entry) -> Usage:
    """Read OpenAI's usage object; a part is never more than its whole."""
    prompt, completion = (
        details if isinstance(details := usage.get(name), dict) else {}
        for name in ("prompt_tokens_details", "completion_tokens_details")
    )
    read = count(prompt.get("cached_tokens"))
    write = count(prompt.get("cache_write_tokens"))
    reasoning = count(completion.get("reasoning_tokens"))
    return Usage(
        input=max(count(usage.get("prompt_tokens")), read + write),
        output=max(count(usage.get("completion_tokens")), reasoning),
        cache_read=read,
        cache_write=write,
        reasoning=reasoning,
    )


def read_timings(timings: Entry) -> Timings:
    """Read llama-server's own timings."""
    return Timings(
        _milliseconds(timings.get("prompt_ms")),
        _milliseconds(timings.get("predicted_ms")),
    )


def read_logprobs(value: Any) -> Entry | None:
    """Read a piece's log probabilities: ``content``, or the lists of completions."""
    if not isinstance(value, dict):
        return None
    read = {
        name: _each(_READERS.get(name, _plain), entries)
        for name, entries in value.items()
        if isinstance(entries, list)
    }
    return {name: entries for name, entries in read.items() if entries} or None


def _each(read: Callable[[Any], Any], entries: list[Any]) -> list[Any]:
    return [one for one in map(read, entries) if one is not _NOTHING]


def _token(value: Any) -> Any:
    """Read a token, without its rivals."""
    if not isinstance(value, dict) or not isinstance(value.get("token"), str):
        return _NOTHING
    if not _is_number(value.get("logprob")):
        return _NOTHING
    raw = value.get("bytes")
    plain = isinstance(raw, list) and all(type(one) is int for one in raw)
    scalars = {key: one for key, one in value.items() if _plain(one) is not _NOTHING}
    return {**scalars, "bytes": raw if plain else None}


def _chosen(value: Any) -> Any:
    """Read a token with its rivals."""
    read = _token(value)
    if read is not _NOTHING:
        rivals = value.get("top_logprobs")
        read["top_logprobs"] = _each(_token, rivals if isinstance(rivals, list) else [])
    return read


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, str | int | float) else _NOTHING


def _rivals(value: Any) -> Any:
    """Read what completions write beside a token: rivals and their figures."""
    if not isinstance(value, dict):
        return None
    return {token: one for token, one in value.items() if _is_number(one)}


_NOTHING = object()
_READERS: dict[str, Callable[[Any], Any]] = {
    "content": _chosen,
    "refusal": _chosen,
    "top_logprobs": _rivals,
}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def count(value: Any) -> int:
    """Take a count or a number of a choice as it is; an odd one is 0."""
    return value if type(value) is int and value > 0 else 0


def _milliseconds(value: Any) -> float:
    return max(float(value), 0.0) if _is_number(value) else 0.0
