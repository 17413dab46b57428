"""Errors as Anthropic's clients read them."""

from typing import Any

from proxyapp.errors import ContextOverflow
from proxyapp.errors import ProxyError
from proxyapp.web.call import request_id

_TYPES = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    429: "rate_limit_error",
    503: "overloaded_error",
    504: "timeout_error",
}


def error_body(error: ProxyError) -> dict[str, Any]:
    """Write the error of the request at hand."""
    return write_error(error, request_id())


def write_error(error: ProxyError, request: str) -> dict[str, Any]:
    """Write the error object; ``request`` is the id its headers carry.

    The types are the nine that Anthropic's SDK knows: a 413 is among the invalid ones.
    """
    fallback = "api_error" if error.status >= 500 else "invalid_request_error"
    return {
        "type": "error",
        "error": {
            "type": _TYPES.get(error.status, fallback),
            "message": _message(error),
        },
        "request_id": request,
    }


def _message(error: ProxyError) -> str:
    """Word an overflow as Anthropic does: clients compact upon exactly these words."""
    if isinstance(error, ContextOverflow):
        return f"prompt is too long: {error.tokens} tokens > {error.limit} maximum"
    return error.message
