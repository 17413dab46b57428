"""Ollama's routes."""

import time
from collections.abc import Callable
from collections.abc import Iterable
from functools import partial

import flask

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
from proxyapp.web.call import json_reply
from proxyapp.web.call import NDJSON
from proxyapp.web.call import read_call
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
    target = gateway.registry.resolve(request.model)
    source = gateway.complete(target, request)
    return told_by(_reply(gateway, request, source, encoder), target)
