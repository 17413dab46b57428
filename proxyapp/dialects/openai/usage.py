"""Token counts as OpenAI's clients read them."""

from typing import Any

from proxyapp.neutral.usage import Usage


def encode_usage(usage: Usage) -> dict[str, Any]:
    """Write totals, with cached and reasoning tokens inside them."""
    return {
        "prompt_tokens": usage.input,
        "completion_tokens": usage.output,
        "total_tokens": usage.total,
        "prompt_tokens_details": {"cached_tokens": usage.cache_read},
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning},
    }
