"""The rule on ``pattern``."""

from proxyapp.tools.regexes import fault_of
from proxyapp.tools.rules.context import Context
from proxyapp.tools.walk import Schema


def remove_broken_pattern(schema: Schema, _: Context) -> bool:
    """Remove a pattern that llama-server refuses, hangs over or breaks JSON with.

    One that it merely ignores stays.
    """
    pattern = schema["pattern"]
    if isinstance(pattern, str) and fault_of(pattern) is None:
        return False
    del schema["pattern"]
    return True
