from proxyapp.dialects.openai.usage import encode_usage
from proxyapp.neutral.usage import Usage


def test_totals_hold_cached_and_reasoning_tokens():
    assert encode_usage(Usage(10, 4, cache_read=7, reasoning=3)) == {
        "prompt_tokens": 10,
        "completion_tokens": 4,
        "total_tokens": 14,
        "prompt_tokens_details": {"cached_tokens": 7},
        "completion_tokens_details": {"reasoning_tokens": 3},
    }
