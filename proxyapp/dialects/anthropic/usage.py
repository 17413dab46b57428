"""Token counts as Anthropic's clients read them."""

from proxyapp.neutral.usage import Usage


def encode_usage(usage: Usage) -> dict[str, int]:
    """Write the counts: cached tokens stand beside the input, not inside it."""
    return {
        "input_tokens": usage.fresh_input,
        "cache_creation_input_tokens": usage.cache_write,
        "cache_read_input_tokens": usage.cache_read,
        "output_tokens": usage.output,
    }
