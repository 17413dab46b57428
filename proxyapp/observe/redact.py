"""Secrets taken out of text that somebody else wrote, before it is logged or kept.

It knows secrets by their looks, so it takes rather too much than too little. A secret
that a model spells over several pieces of a stream has no looks.
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

HIDDEN: Final = "[hidden]"

_LONG_ENCODED: Final = re.compile(r"([A-Za-z0-9+/_-]{24})[A-Za-z0-9+/_-]{232,}={0,2}")
_KEYS: Final = re.compile(
    r"""
    \b(?:sk|pk|rk|pxa)-[\w-]{4,}                   # OpenAI, Anthropic, Stripe, ours
  | \bgh[a-z]_\w+ | \bgithub_pat_\w+               # GitHub
  | \btid=[^\s"'\\,]+                              # Copilot
  | \bxox[a-z]-[\w-]+ | \bhf_\w{8,}                # Slack, Hugging Face
  | \bAKIA[0-9A-Z]{12,} | \bAIza[\w-]{16,}         # Amazon, Google
  | \beyJ[\w-]{8,}\.[\w-]{4,}[\w.-]*               # JSON Web Tokens
  | \bbearer\s+[\w.~+/=-]+ | \bbasic\s+[A-Za-z0-9+/=]{16,}
  | -----BEGIN\ [A-Z\ ]*PRIVATE\ KEY-----[^-]*(?:-----END\ [A-Z\ ]*-----)?
    """,
    re.VERBOSE | re.IGNORECASE,
)
_NAMES: Final = (
    r"[\w.-]*(?:passw|passphrase|secret|token|api[_-]?key|credential|private[_-]?key"
    r"|authorization|cookie)[\w.-]*"
)
# A JSON string, and one inside a JSON string, as the arguments of tool calls are.
_FIELD: Final = re.compile(
    rf'("{_NAMES}"\s*:\s*")(?:[^"\\]|\\.)*', re.IGNORECASE | re.DOTALL
)
_INNER_FIELD: Final = re.compile(
    rf'(\\"{_NAMES}\\"\s*:\s*\\")(?:(?!(?<!\\)\\")[^"]|(?<=\\)")*', re.IGNORECASE
)
_ASSIGNED: Final = re.compile(
    r"\b((?:x-)?api[_-]?key|(?:proxy-)?authorization|(?:set-)?cookie|password|passwd)"
    r"(\s*[:=]\s*)(?!\[hidden)[^\s\"',\\]+",
    re.IGNORECASE,
)


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """Hide what looks like a secret, and the ``secrets`` that are known."""
    for secret in secrets:
        if secret:
            text = text.replace(secret, HIDDEN)
    text = _FIELD.sub(rf"\1{HIDDEN}", text)
    text = _INNER_FIELD.sub(rf"\1{HIDDEN}", text)
    text = _KEYS.sub(HIDDEN, text)
    return _ASSIGNED.sub(rf"\1\2{HIDDEN}", text)


def shorten(text: str) -> str:
    """Leave of long encoded data, such as an image's, the beginning and the length."""
    return _LONG_ENCODED.sub(_shortened, text)


@lru_cache(maxsize=512)
def redact_name(name: str) -> str:
    """Hide what looks like a key in a short text that comes again and again."""
    return _KEYS.sub(HIDDEN, name)


def _shortened(match: re.Match[str]) -> str:
    return f"{match.group(1)}...({len(match.group())} characters)"
