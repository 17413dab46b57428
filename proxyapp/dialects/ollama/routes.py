"""Ollama's routes."""

import time
from collections.abc import Callable
from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from typing import Any

import flask

from proxyapp.dialects import fields
from proxyapp.dialects.ollama import embed
from proxyapp.dialects.ollama import models
from proxyapp.dialects.ollama import options
from proxyapp.dialects.ollama.chat import CHAT
from proxyapp.dialects.ollama.chat import decode_chat
from proxyapp.dialects.ollama.chat import possible_reasoning
from proxyapp.dialects.ollama.generate import decode_generate
from proxyapp.dialects.ollama.generate import GENERATE
from proxyapp.dialects.ollama.lines import LineEncoder
from proxyapp.dialects.vectors import shortened
from proxyapp.errors import NotSupported
from proxyapp.gateway import Gateway
from proxyapp.neutral.request import ChatRequest
from proxyapp.neutral.request import CompletionRequest
from proxyapp.neutral.request import EmbeddingRequest
from proxyapp.neutral.request import Embeddings
from proxyapp.relay.reply import collect
from proxyapp.relay.reply import Source
from proxyapp.relay.reply import stream
from proxyapp.routing.registry import Target
from proxyapp.tools.repair import RepairedTools
from proxyapp.web.call import Call
from proxyapp.web.call import JSON
from proxyapp.web.call import json_reply
from proxyapp.web.call import NDJSON
from proxyapp.web.call import read_call
from proxyapp.web.call import record
from proxyapp.web.call import stream_reply
from proxyapp.web.call import told_by
from proxyapp.wire import jsons

View = Callable[..., flask.Response]


def chat(gateway: Gateway) -> flask.Response:
    """Answer ``POST /api/chat``."""
    call = read_call(gateway)
    repaired = gateway.repair(call.body.get("tools"))
    request = decode_chat(call.body, repaired.tools)
    encoder = LineEncoder(request.model, CHAT)
    return _conversation(gateway, call, request, repaired, encoder)


def generate(gateway: Gateway) -> flask.Response:
    """Answer ``POST /api/generate``."""
    call = read_call(gateway)
    request = decode_generate(call.body)
    encoder = LineEncoder(request.model, GENERATE)
    if isinstance(request, ChatRequest):
        return _conversation(gateway, call, request, gateway.repair(None), encoder)
    options.unloads(call.body)
    target = gateway.resolve(request.model, call.record)
    source = gateway.complete(target, request, call.record)
    return told_by(_reply(gateway, request, source, encoder), target)


def _conversation(
    gateway: Gateway,
    call: Call,
    request: ChatRequest,
    repaired: RepairedTools,
    encoder: LineEncoder,
) -> flask.Response:
    unload = options.unloads(call.body)
    target = gateway.resolve(request.model, call.record)
    if not request.messages:
        loaded = encoder.loaded(unload=unload)
        reply = _lines([loaded]) if request.stream else json_reply(loaded)
        return told_by(reply, target)
    thinking = request.reasoning is None or not request.reasoning.off
    reasoning = possible_reasoning(request.reasoning, request.model, target.model)
    request = gateway.prepared(replace(request, reasoning=reasoning))
    source = gateway.chat(
        target, request, repaired, call.record, whole_calls=True, thinking=thinking
    )
    return told_by(_reply(gateway, request, source, encoder), target, repaired)


def _reply(
    gateway: Gateway,
    request: ChatRequest | CompletionRequest,
    source: Source,
    encoder: LineEncoder,
) -> flask.Response:
    if request.stream:
        return stream_reply(stream(source, encoder, gateway.pace), NDJSON)
    return json_reply(encoder.whole(collect(source)))


def _lines(objects: Iterable[Any]) -> flask.Response:
    lines = b"".join(jsons.dumps(one) + b"\n" for one in objects)
    return flask.Response(lines, content_type=NDJSON)


def embed_texts(gateway: Gateway) -> flask.Response:
    """Answer ``POST /api/embed``."""
    begun = time.monotonic_ns()
    call = read_call(gateway)
    request = embed.decode_embed(call.body)
    target, vectors = _vectors(gateway, call, request)
    reply = embed.encode_embed(request.model, vectors, begun)
    return told_by(stream_reply(reply, JSON), target)


def embed_prompt(gateway: Gateway) -> flask.Response:
    """Answer ``POST /api/embeddings``, the older form."""
    call = read_call(gateway)
    target, vectors = _vectors(gateway, call, embed.decode_embeddings(call.body))
    return told_by(json_reply(embed.encode_embeddings(vectors)), target)


def _vectors(
    gateway: Gateway, call: Call, request: EmbeddingRequest
) -> tuple[Target, Embeddings]:
    options.unloads(call.body)
    target = gateway.resolve(request.model, call.record)
    if not request.inputs:
        return target, Embeddings((), 0)
    truncate = fields.flag(call.body, "truncate", True)
    ask = partial(gateway.embed, target, record=call.record)
    made = embed.embedded(ask, request, truncate=truncate)
    return target, shortened(made, request.dimensions)


def tags(gateway: Gateway) -> flask.Response:
    """Answer ``GET /api/tags``."""
    return json_reply(models.tags(gateway.seen_by(record())))


def show(gateway: Gateway) -> flask.Response:
    """Answer ``POST /api/show``."""
    call = read_call(gateway)
    model = gateway.seen_by(call.record).model(models.named_model(call.body))
    return json_reply(models.description(model))


def running(gateway: Gateway) -> flask.Response:
    """Answer ``GET /api/ps``."""
    return json_reply(models.running(gateway.seen_by(record())))


def recommendations(gateway: Gateway) -> flask.Response:
    """Answer ``GET /api/experimental/model-recommendations``."""
    return json_reply(models.recommended(gateway.seen_by(record())))


def pull(gateway: Gateway) -> flask.Response:
    """Answer ``POST /api/pull``: what is served needs no pulling, the rest is unknown.

    Open WebUI and others pull a model before they use it.
    """
    call = read_call(gateway)
    gateway.seen_by(call.record).model(models.named_model(call.body))
    done = {"status": "success"}
    if fields.flag(call.body, "stream", True):
        return _lines([{"status": "pulling manifest"}, done])
    return json_reply(done)


def version(gateway: Gateway) -> flask.Response:
    """Answer ``GET /api/version``: Ollama's, since clients refuse what is too old."""
    return json_reply({"version": gateway.settings.ollama.version})


def alive(gateway: Gateway) -> flask.Response:
    """Answer ``GET /`` with the words by which clients know an Ollama."""
    return flask.Response("Ollama is running", content_type="text/plain; charset=utf-8")


def unsupported(gateway: Gateway, **_: str) -> flask.Response:
    """Refuse what would change the models."""
    raise NotSupported(
        f"{flask.request.path} is not supported by this gateway; add or remove models"
        " on the model server itself."
    )


_ROUTES: tuple[tuple[str, str, View], ...] = (
    ("GET", "/", alive),
    ("POST", "/api/chat", chat),
    ("POST", "/api/generate", generate),
    ("POST", "/api/embed", embed_texts),
    ("POST", "/api/embeddings", embed_prompt),
    ("GET", "/api/tags", tags),
    ("POST", "/api/show", show),
    ("GET", "/api/ps", running),
    ("GET", "/api/version", version),
    ("POST", "/api/pull", pull),
    ("GET", "/api/experimental/model-recommendations", recommendations),
    ("POST", "/api/create", unsupported),
    ("POST", "/api/copy", unsupported),
    ("DELETE", "/api/delete", unsupported),
    ("POST", "/api/push", unsupported),
    ("HEAD", "/api/blobs/<digest>", unsupported),
    ("POST", "/api/blobs/<digest>", unsupported),
)


def blueprint(gateway: Gateway) -> flask.Blueprint:
    """Make the routes."""
    routes = flask.Blueprint("ollama", __name__)
    for method, path, view in _ROUTES:
        routes.add_url_rule(
            path,
            endpoint=f"{method} {path}".replace(".", "_"),
            view_func=partial(view, gateway),
            methods=[method],
            provide_automatic_options=False,
        )
    return routes
