"""Errors as OpenAI's clients read them."""

from typing import Any

from proxyapp.errors import ProxyError

_TYPES = {403: "permission_error", 429: "rate_limit_error", 501: "not_supported_error"}

_VSCODE = "GitHubCopilotChat/"
_UNSEEN = frozenset({500, 502, 503, 504})
_SEEN = 424
"""VS Code hides the body of a 5xx from its user and shows that of a 424 verbatim."""


def error_body(error: ProxyError) -> dict[str, Any]:
    """Write the error object; all four keys are required by OpenAI's schema."""
    fallback = "server_error" if error.status >= 500 else "invalid_request_error"
    return {
        "error": {
            "message": error.message,
            "type": _TYPES.get(error.status, fallback),
            "param": error.param,
            "code": error.code,
        }
    }


def error_status(error: ProxyError, user_agent: str) -> int:
    """Choose the status: the true one, but for a client that would hide the words."""
    if error.status in _UNSEEN and is_vscode(user_agent):
        return _SEEN
    return error.status


def is_vscode(user_agent: str) -> bool:
    """Recognise VS Code's built-in chat client."""
    return user_agent.startswith(_VSCODE)
