from proxyapp.dialects.ollama import stamps
from tests.oracles.ollama import RFC3339


def test_now_is_rfc3339_in_utc():
    now = stamps.now()
    assert RFC3339.fullmatch(now)
    assert now.endswith("Z")


def test_a_stamp_is_the_moment_it_was_given():
    assert stamps.stamp(1767225600) == "2026-01-01T00:00:00Z"
