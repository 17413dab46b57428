"""A server examined as its user would meet it."""

from typing import Any

from proxyapp.backends.base import Finding
from proxyapp.backends.http import HttpClient
from proxyapp.errors import UpstreamError
from proxyapp.errors import UpstreamUnreachable
from proxyapp.wire import jsons

_PATIENCE = 5.0
_SMALL_CONTEXT = 16384

_TOOL = {
    "type": "function",
    "function": {
        "name": "look",
        "description": "Look at something",
        "parameters": {"type": "object", "properties": {}},
    },
}


def check_server(name: str, http: HttpClient, *, llama: bool) -> list[Finding]:
    """Find what stops a client from working, the most basic fault first.

    A fault that explains the later ones ends the examination.
    """
    try:
        status, listing = _ask(http, "/v1/models")
    except UpstreamUnreachable as error:
        return [_unreachable(name, http, error)]
    except UpstreamError as error:
        return [Finding(False, name, error.message, "Set UPSTREAM to a model server.")]
    fault = _answer_fault(name, http, status, listing)
    if fault is not None:
        return [fault]
    found = [Finding(True, name, f"{http.url} answers")]
    if llama:
        found += _llama_findings(name, http)
    return found


def _unreachable(name: str, http: HttpClient, error: UpstreamError) -> Finding:
    port = http.url.rpartition(":")[2]
    return Finding(
        False,
        name,
        # The advice in the rest of the message is to ask for this very finding.
        error.message.partition(". ")[0],
        f"Start one (llama-server -m MODEL.gguf --jinja --port"
        f" {port if port.isdigit() else '11433'}), or set UPSTREAM to its address.",
    )


def _answer_fault(
    name: str, http: HttpClient, status: int, listing: Any
) -> Finding | None:
    where = f"{http.url}/v1/models"
    if status == 503:
        return Finding(
            False,
            name,
            f"{http.url} is still loading its model (503)",
            "Wait: requests are answered with 503 and Retry-After until it is ready.",
        )
    if status in (401, 403):
        return Finding(
            False,
            name,
            f"{where} refused the key ({status})",
            "Set the backend's key, or key_env, to the one the server was given.",
        )
    if status != 200 or not isinstance(listing, dict) or "data" not in listing:
        return Finding(
            False,
            name,
            f"{where} answered {status}: this is no OpenAI-compatible server",
            "Another program may hold that port. Set UPSTREAM to the model server's"
            " address; llama-server prints it when it starts.",
        )
    if not listing["data"]:
        return Finding(
            False, name, f"{where} lists no models", "Load a model on that server."
        )
    return None


def _llama_findings(name: str, http: HttpClient) -> list[Finding]:
    status, props = _ask(http, "/props")
    if status != 200 or not isinstance(props, dict):
        return [
            Finding(
                False,
                name,
                f"{http.url}/props answered {status}: the context length is unknown",
                'If this is no llama-server, set kind = "openai" for the backend.',
            )
        ]
    return [_tools_finding(name, http, props), _context_finding(name, props)]


def _tools_finding(name: str, http: HttpClient, props: dict[str, Any]) -> Finding:
    """Send a tool to the template: without --jinja the server refuses it in words."""
    body = {"messages": [{"role": "user", "content": "hi"}], "tools": [_TOOL]}
    status, answer = _ask(http, "/apply-template", jsons.dumps(body))
    said = _message(answer)
    if status != 200 and "jinja" in said:
        return Finding(
            False,
            name,
            f"tools cannot be used: {said}",
            "Restart llama-server with --jinja.",
        )
    caps = props.get("chat_template_caps")
    if isinstance(caps, dict) and not (
        caps.get("supports_tools") or caps.get("supports_tool_calls")
    ):
        return Finding(
            False,
            name,
            "the model's chat template knows no tools",
            "Use a model made for tool calls, or give llama-server a template"
            " that knows them: --chat-template-file.",
        )
    return Finding(True, name, "tools can be used")


def _context_finding(name: str, props: dict[str, Any]) -> Finding:
    settings = props.get("default_generation_settings")
    tokens = settings.get("n_ctx") if isinstance(settings, dict) else None
    if not isinstance(tokens, int):
        return Finding(True, name, "the context length is not told")
    if tokens >= _SMALL_CONTEXT:
        return Finding(True, name, f"each request may use {tokens} tokens of context")
    slots = props.get("total_slots")
    return Finding(
        False,
        name,
        f"each request may use only {tokens} tokens ({slots} slots share the context)",
        "Agents need 16384 or more: start llama-server with a larger -c, or fewer"
        " slots (-np 1).",
    )


def _message(answer: Any) -> str:
    error = answer.get("error") if isinstance(answer, dict) else None
    return str(error.get("message", ""))[:300] if isinstance(error, dict) else ""


def _ask(http: HttpClient, path: str, body: bytes | None = None) -> tuple[int, Any]:
    method = "GET" if body is None else "POST"
    response, data = http.document(method, path, body, timeout=_PATIENCE)
    try:
        return response.status_code, jsons.loads(data)
    except ValueError:
        return response.status_code, None
