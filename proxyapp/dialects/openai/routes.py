"""OpenAI's routes, each with and without ``/v1``."""

import re
from collections.abc import Callable
from functools import partial
from typing import Final
from urllib.parse import quote

import flask

from proxyapp.dialects.openai import models
from proxyapp.dialects.openai.chat import ChatEncoder
from proxyapp.dialects.openai.chat import decode_chat
from proxyapp.dialects.openai.chat import tool_definitions
from proxyapp.dialects.openai.completions import CompletionEncoder
from proxyapp.dialects.openai.completions import decode_completion
from proxyapp.dialects.openai.embeddings import decode_embeddings
from proxyapp.dialects.openai.embeddings import encode_embeddings
from proxyapp.dialects.openai.errors import is_vscode
from proxyapp.dialects.vectors import shortened
from proxyapp.errors import NotFound
from proxyapp.gateway import Gateway
from proxyapp.relay.reply import collect
from proxyapp.relay.reply import stream
from proxyapp.web.call import forwarded_reply
from proxyapp.web.call import JSON
from proxyapp.web.call import json_reply
from proxyapp.web.call import read_call
from proxyapp.web.call import read_raw
from proxyapp.web.call import record
from proxyapp.web.call import stream_reply
from proxyapp.web.call import told_by

View = Callable[..., flask.Response]

_IN_PATHS: Final = "/:@!$&'()*+,;=~"
"""What may stand in a path as it is, by RFC 3986; flask has decoded the rest."""


def chat(gateway: Gateway) -> flask.Response:
    """Answer ``POST /v1/chat/completions``."""
    call = read_call(gateway)
    repaired = gateway.repair(tool_definitions(call.body))
    request = decode_chat(call.body, repaired.tools, call.stream_by_default)
    request = gateway.prepared(request)
    target = gateway.resolve(request.model, call.record)
    encoder = ChatEncoder(
        request.model,
        include_usage=request.include_usage,
        thinking_mode=gateway.settings.stream.thinking_mode,
        vscode=is_vscode(call.user_agent),
    )
    source = gateway.chat(
        target, request, repaired, call.record, whole_calls=not request.stream
    )
    if request.stream:
        response = stream_reply(stream(source, encoder, gateway.pace))
    else:
        response = json_reply(encoder.whole(collect(source)))
    return told_by(response, target, repaired)


def completions(gateway: Gateway) -> flask.Response:
    """Answer ``POST /v1/completions``."""
    call = read_call(gateway)
    request = decode_completion(call.body, call.stream_by_default)
    target = gateway.resolve(request.model, call.record)
    encoder = CompletionEncoder(request.model, include_usage=request.include_usage)
    source = gateway.complete(target, request, call.record)
    if request.stream:
        response = stream_reply(stream(source, encoder, gateway.pace))
    else:
        response = json_reply(encoder.whole(collect(source)))
    return told_by(response, target)


def embeddings(gateway: Gateway) -> flask.Response:
    """Answer ``POST /v1/embeddings``."""
    call = read_call(gateway)
    request = decode_embeddings(call.body)
    target = gateway.resolve(request.model, call.record)
    vectors = shortened(gateway.embed(target, request, call.record), request.dimensions)
    encoding = call.body.get("encoding_format")
    reply = encode_embeddings(request.model, vectors, encoding)
    return told_by(stream_reply(reply, JSON), target)


def model_list(gateway: Gateway) -> flask.Response:
    """Answer ``GET /v1/models``, a page of it if an Anthropic client asks."""
    items = models.list_models(gateway.seen_by(record()))
    if "anthropic-version" in flask.request.headers:
        return json_reply(models.page(items, flask.request.args))
    return json_reply(models.envelope(items))


def model_details(gateway: Gateway, name: str) -> flask.Response:
    """Answer ``GET /v1/models/{id}``; an id may hold slashes and colons."""
    return json_reply(models.model_item(name, gateway.seen_by(record()).model(name)))


def optional_endpoint(
    gateway: Gateway, endpoint: str, rest: str = ""
) -> flask.Response:
    """Carry an endpoint that only some backends have, and nothing beside it.

    A segment of dots would lead a server that resolves it to any route it has.
    """
    asked = flask.request
    body = read_raw(gateway)
    path = asked.path if asked.path.startswith("/v1/") else f"/v1{asked.path}"
    if not {".", ".."}.isdisjoint(re.split(r"[/\\]", path)):
        raise NotFound(f"There is no route {asked.method} {asked.path} here.")
    path = quote(path, safe=_IN_PATHS)
    if asked.query_string:
        path += "?" + asked.query_string.decode("latin-1")
    media_type = asked.content_type or "application/json"
    reply = gateway.forward(endpoint, asked.method, path, body, media_type, record())
    return forwarded_reply(reply)


_ROUTES: tuple[tuple[str, str, View], ...] = (
    ("POST", "/chat/completions", chat),
    ("POST", "/completions", completions),
    ("POST", "/embeddings", embeddings),
    ("GET", "/models", model_list),
    ("GET", "/models/<path:name>", model_details),
)

OPTIONAL_ENDPOINTS = {
    "files": "files",
    "uploads": "files",
    "batches": "files",
    "fine_tuning": "fine_tuning",
    "audio": "audio",
    "images": "images",
    "moderations": "moderations",
    "rerank": "rerank",
    "reranking": "rerank",
    "tokenize": "tokenize",
    "detokenize": "tokenize",
}


def blueprint(gateway: Gateway) -> flask.Blueprint:
    """Make the routes."""
    routes = flask.Blueprint("openai", __name__)
    for prefix in ("/v1", ""):
        for method, path, view in _ROUTES:
            routes.add_url_rule(
                prefix + path,
                endpoint=f"{prefix.strip('/')}{view.__name__}",
                view_func=partial(view, gateway),
                methods=[method],
                provide_automatic_options=False,
            )
        for name, endpoint in OPTIONAL_ENDPOINTS.items():
            _add_optional(routes, gateway, f"{prefix}/{name}", endpoint)
    return routes


def _add_optional(
    routes: flask.Blueprint, gateway: Gateway, path: str, endpoint: str
) -> None:
    for rule in (path, f"{path}/<path:rest>"):
        routes.add_url_rule(
            rule,
            endpoint=f"optional{rule.replace('/', '_').replace(':', '_')}",
            view_func=partial(optional_endpoint, gateway, endpoint),
            methods=["GET", "POST", "DELETE"],
            provide_automatic_options=False,
        )
