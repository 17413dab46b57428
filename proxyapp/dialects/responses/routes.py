"""The routes of OpenAI Responses, each with and without ``/v1``."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import flask

from proxyapp.dialects.responses.clients import counts_events
from proxyapp.dialects.responses.clients import drops_hosted
from proxyapp.dialects.responses.document import repeated
from proxyapp.dialects.responses.encoder import ResponseEncoder
from proxyapp.dialects.responses.request import decode_response
from proxyapp.dialects.responses.tools import ClientTools
from proxyapp.dialects.responses.tools import read_tools
from proxyapp.errors import NotFound
from proxyapp.gateway import Gateway
from proxyapp.neutral.request import ChatRequest
from proxyapp.relay.reply import collect
from proxyapp.relay.reply import stream
from proxyapp.routing.registry import Target
from proxyapp.tools.repair import RepairedTools
from proxyapp.web.call import Call
from proxyapp.web.call import json_reply
from proxyapp.web.call import read_call
from proxyapp.web.call import stream_reply
from proxyapp.web.call import told_by

View = Callable[..., flask.Response]


def responses(gateway: Gateway) -> flask.Response:
    """Answer ``POST /v1/responses``."""
    call = read_call(gateway)
    tools, repaired, request, target = _understood(gateway, call)
    source = gateway.chat(
        target,
        request,
        repaired,
        call.record,
        whole_calls=True,
        thinking=request.reasoning is None or not request.reasoning.off,
    )
    encoder = ResponseEncoder(
        repeated(call.body, request, tools),
        tools,
        heartbeat_events=counts_events(call.user_agent),
    )
    if request.stream:
        response = stream_reply(stream(source, encoder, gateway.pace))
    else:
        response = json_reply(encoder.whole(collect(source)))
    return told_by(response, target, tools.repaired(repaired))


def input_tokens(gateway: Gateway) -> flask.Response:
    """Answer ``POST /v1/responses/input_tokens``."""
    _, _, request, target = _understood(gateway, read_call(gateway))
    count = gateway.count(target, request)
    reply = {"object": "response.input_tokens", "input_tokens": count}
    return told_by(json_reply(reply), target)


def _understood(
    gateway: Gateway, call: Call
) -> tuple[ClientTools, RepairedTools, ChatRequest, Target]:
    drop = drops_hosted(gateway.settings.tools.hosted, call.user_agent)
    tools = read_tools(call.body, drop_hosted=drop)
    repaired = gateway.repair(tools.functions)
    request = gateway.prepared(decode_response(call.body, tools, repaired))
    target = gateway.resolve(request.model, call.record)
    named = replace(request, model=request.model or target.model.id)
    return tools, repaired, named, target


def stored(gateway: Gateway, name: str, rest: str = "") -> flask.Response:
    """Answer for a response that a client believes to be stored: none ever is."""
    raise NotFound(
        f"No response '{name}' is stored here; every request stands for itself.",
        param="response_id",
    )


_ROUTES: tuple[tuple[str, str, View], ...] = (
    ("POST", "", responses),
    ("POST", "/input_tokens", input_tokens),
    ("GET", "/<name>", stored),
    ("DELETE", "/<name>", stored),
    ("GET", "/<name>/<path:rest>", stored),
    ("POST", "/<name>/cancel", stored),
)


def blueprint(gateway: Gateway) -> flask.Blueprint:
    """Make the routes."""
    routes = flask.Blueprint("responses", __name__)
    for prefix in ("/v1/responses", "/responses"):
        for method, path, view in _ROUTES:
            routes.add_url_rule(
                prefix + path,
                endpoint=f"{method} {prefix}{path}".replace(".", "_"),
                view_func=partial(view, gateway),
                methods=[method],
                provide_automatic_options=False,
            )
    return routes
