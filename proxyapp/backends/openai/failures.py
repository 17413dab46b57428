"""What an upstream's error means, told by its words rather than its status.

llama-server answers the same fault with 400 or 500, depending on the chat template
(measured on build 0c1e570): bad JSON, a missing role, a schema it cannot use. The
messages are steady; the table below knows them.
"""

import re
from typing import Any

from proxyapp.errors import BadRequest
from proxyapp.errors import ContextOverflow
from proxyapp.errors import NotSupported
from proxyapp.errors import ProxyError
from proxyapp.errors import UnknownModel
from proxyapp.errors import UpstreamBusy
from proxyapp.errors import UpstreamError
from proxyapp.errors import UpstreamInvalid
from proxyapp.errors import UpstreamRateLimited
from proxyapp.errors import UpstreamRefusedKey
from proxyapp.errors import UpstreamTimeout
from proxyapp.wire import jsons

MAX_WORDS = 2000
"""How much of an upstream's message is passed on; llama-server quotes whole tools."""

_OVERFLOW = re.compile(
    r"request \((\d+) tokens\) exceeds the available context size \((\d+) tokens\)"
    r"|maximum context length is (\d+) tokens\D{1,80}?(\d+) tokens"
)

# Where each of these words stands in a message, the client's request is at fault.
_CLIENT_FAULTS: tuple[tuple[str, str | None], ...] = (
    ("JSON schema error at", "tools"),
    ("JSON schema conversion failed", "tools"),
    ("failed to parse grammar", "tools"),
    ("Failed to parse tools", "tools"),
    ("Invalid tool_choice", "tool_choice"),
    ("Cannot use custom grammar constraints with tools", "tools"),
    ("Failed to parse tool call arguments as JSON", "messages"),
    ("Missing tool call type", "messages"),
    ("Failed to parse messages", "messages"),
    ("image input is not supported", "messages"),
    ("audio input is not supported", "messages"),
    ("unsupported content[].type", "messages"),
    ("'messages' is required", "messages"),
    ("Expected 'messages'", "messages"),
    ("All non-assistant messages must contain 'content'", "messages"),
    ("Expected 'content'", "messages"),
    ("Cannot have 2 or more assistant messages", "messages"),
    ("logprobs is not supported with tools", "logprobs"),
    ("is too large to process. increase the physical batch size", "input"),
    ("Input content cannot be empty", "input"),
    ("[json.exception.", None),
    ("Value must be between", None),
)

_NO_MODEL = re.compile(r"model '([^']{1,200})' not found")
_UNSUPPORTED = ("does not support", "not_supported_error")


def from_response(
    url: str, status: int, body: bytes, retry_after: str | None
) -> ProxyError:
    """Explain a reply whose status is not 200."""
    message, details = _words(body)
    return _by_message(message, details) or _by_status(
        url, status, message, retry_after
    )


def from_event(error: Any) -> ProxyError:
    """Explain an ``error`` value that came inside a stream."""
    details = error if isinstance(error, dict) else {}
    message = details.get("message") if details else error
    message = message[:MAX_WORDS] if isinstance(message, str) else ""
    return _by_message(message, details) or UpstreamError(
        f"The model server failed while answering: {message or 'no reason given'}"
    )


def _words(body: bytes) -> tuple[str, dict[str, Any]]:
    """Find the message in an error body; HTML and other prose stay behind."""
    try:
        value = jsons.loads(body)
    except ValueError:
        return "", {}
    error = value.get("error", value) if isinstance(value, dict) else value
    if isinstance(error, str):
        return error[:MAX_WORDS], {}
    if not isinstance(error, dict):
        return "", {}
    message = error.get("message")
    return (message[:MAX_WORDS] if isinstance(message, str) else ""), error


def _by_message(message: str, details: dict[str, Any]) -> ProxyError | None:
    overflow = _overflow(message, details)
    if overflow is not None:
        return overflow
    unknown = _NO_MODEL.search(message)
    if unknown is not None:
        return UnknownModel(unknown.group(1), [])
    if "requires --jinja flag" in message:
        return BadRequest(f"{message}; restart llama-server with --jinja.")
    for words, param in _CLIENT_FAULTS:
        if words in message:
            return BadRequest(f"The model server refused: {message}", param=param)
    if any(word in message or word == details.get("type") for word in _UNSUPPORTED):
        return NotSupported(f"The model server cannot do this: {message}")
    return None


def _overflow(message: str, details: dict[str, Any]) -> ContextOverflow | None:
    tokens, limit = details.get("n_prompt_tokens"), details.get("n_ctx")
    if isinstance(tokens, int) and isinstance(limit, int):
        return ContextOverflow(tokens, limit)
    match = _OVERFLOW.search(message)
    if match is None:
        return None
    ours, ours_limit, limit_first, tokens_after = match.groups()
    if ours:
        return ContextOverflow(int(ours), int(ours_limit))
    return ContextOverflow(int(tokens_after), int(limit_first))


def _by_status(
    url: str, status: int, message: str, retry_after: str | None
) -> ProxyError:
    said = f": {message}" if message else "."
    if status in (401, 403):
        return UpstreamRefusedKey(
            f"{url} refused the gateway's own key; set the backend's key setting."
        )
    if status == 429:
        return UpstreamRateLimited(
            f"{url} asks for fewer requests{said}", retry_after=retry_after
        )
    if status == 503:
        return UpstreamBusy(f"{url} is not ready{said}", retry_after=retry_after or "5")
    if status in (408, 504):
        return UpstreamTimeout(f"{url} gave up{said}")
    if 300 <= status < 400:
        return UpstreamInvalid(
            f"{url} redirects, and redirects are not followed; set UPSTREAM to where"
            " the model server is."
        )
    if status in (400, 413, 422) and message:
        return BadRequest(f"The model server refused: {message}")
    if 200 <= status < 300:
        return UpstreamInvalid(f"{url} answered {status} without an answer.")
    if status == 404:
        return UpstreamInvalid(
            f"{url} has no such endpoint (404){said} Is UPSTREAM a model server?"
        )
    return UpstreamError(f"{url} failed with status {status}{said}")
