"""Errors as Ollama's clients read them."""

from typing import Any

from proxyapp.errors import ProxyError


def error_body(error: ProxyError) -> dict[str, Any]:
    """Write the error: one string, for clients show anything else as ``[object]``."""
    return {"error": error.message}
