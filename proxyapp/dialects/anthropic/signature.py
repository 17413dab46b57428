"""The signature under reasoning that no Anthropic model wrote.

Clients keep a thinking block only with a signature, and send it back with the next
request. Ours is recognised there and goes no further. It is a mark and no proof:
nothing is trusted for it, so its key need not be a secret.
"""

import hmac

_PREFIX = "gw1."
_KEY = b"proxyapp thinking"


def sign(thinking: str) -> str:
    """Make the signature of a thinking block: the same text, the same signature."""
    return _PREFIX + hmac.digest(_KEY, thinking.encode(), "sha256").hex()


def foreign(signature: str) -> str:
    """Keep a signature that is not ours, for the model that made it."""
    return "" if signature.startswith(_PREFIX) else signature
