"""One folder per client dialect; none knows another."""

from collections.abc import Callable
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import flask

from proxyapp.dialects.anthropic import routes as anthropic_routes
from proxyapp.dialects.anthropic.errors import error_body as anthropic_body
from proxyapp.dialects.ollama import routes as ollama_routes
from proxyapp.dialects.ollama.errors import error_body as ollama_body
from proxyapp.dialects.openai import routes as openai_routes
from proxyapp.dialects.openai.errors import error_body as openai_body
from proxyapp.dialects.openai.errors import error_status as openai_status
from proxyapp.dialects.responses import routes as responses_routes
from proxyapp.errors import ProxyError
from proxyapp.gateway import Gateway
from proxyapp.web.call import error_reply


@dataclass(frozen=True, slots=True)
class Dialect:
    """A dialect's routes, and how it tells of failures before a reply has begun.

    ``generating`` are the paths where models work: requests there are kept on record.
    """

    generating: tuple[str, ...]
    blueprint: Callable[[Gateway], flask.Blueprint]
    error_body: Callable[[ProxyError], Any]
    error_status: Callable[[ProxyError, str], int] = lambda error, _: error.status

    def error_response(self, error: ProxyError, user_agent: str) -> flask.Response:
        """Answer with an error in this dialect's shape."""
        status = self.error_status(error, user_agent)
        return error_reply(self.error_body(error), error, status)


DIALECTS = {
    "anthropic": Dialect(("/v1/messages",), anthropic_routes.blueprint, anthropic_body),
    "ollama": Dialect(
        ("/api/chat", "/api/generate", "/api/embed", "/api/embeddings"),
        ollama_routes.blueprint,
        ollama_body,
    ),
    "openai": Dialect(
        (
            *("/v1/chat/completions", "/v1/completions", "/v1/embeddings"),
            *("/chat/completions", "/completions", "/embeddings"),
        ),
        openai_routes.blueprint,
        openai_body,
        openai_status,
    ),
    "responses": Dialect(
        ("/v1/responses", "/responses"),
        responses_routes.blueprint,
        openai_body,
        openai_status,
    ),
}

GENERATING = {
    path: name for name, dialect in DIALECTS.items() for path in dialect.generating
}
"""The dialect of each path where models work."""


def dialect_of(path: str, headers: Mapping[str, str]) -> Dialect:
    """Tell whose errors a path answers with, also when no route has it."""
    if path == "/" or path == "/api" or path.startswith("/api/"):
        return DIALECTS["ollama"]
    if "anthropic-version" in headers or path.startswith("/v1/messages"):
        return DIALECTS["anthropic"]
    return DIALECTS["openai"]
