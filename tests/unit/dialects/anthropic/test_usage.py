from proxyapp.dialects.anthropic.usage import encode_usage
from proxyapp.neutral.usage import Usage


def test_cached_tokens_stand_beside_the_input():
    usage = Usage(input=100, output=7, cache_read=60, cache_write=30)
    assert encode_usage(usage) == {
        "input_tokens": 10,
        "cache_creation_input_tokens": 30,
        "cache_read_input_tokens": 60,
        "output_tokens": 7,
    }


def test_no_count_is_negative():
    assert encode_usage(Usage(input=5, cache_read=9))["input_tokens"] == 0
