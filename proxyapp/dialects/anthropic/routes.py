"""Anthropic's routes, and quiet answers to what Claude Code asks beside them."""

from collections.abc import Callable
from functools import partial

import flask

from proxyapp.dialects.anthropic.encoder import MessageEncoder
from proxyapp.dialects.anthropic.messages import decode_prompt
from proxyapp.dialects.anthropic.messages import decode_request
from proxyapp.dialects.anthropic.messages import shows_thinking
from proxyapp.dialects.anthropic.tools import tool_definitions
from proxyapp.errors import ProxyError
from proxyapp.gateway import estimated_prompt
from proxyapp.gateway import Gateway
from proxyapp.relay.reply import collect
from proxyapp.relay.reply import stream
from proxyapp.web.call import json_reply
from proxyapp.web.call import read_call
from proxyapp.web.call import stream_reply
from proxyapp.web.call import told_by

View = Callable[[Gateway], flask.Response]


def messages(gateway: Gateway) -> flask.Response:
    """Answer ``POST /v1/messages``."""
    call = read_call(gateway)
    repaired = gateway.repair(tool_definitions(call.body))
    request = gateway.prepared(decode_request(call.body, repaired.tools))
    target = gateway.resolve(request.model, call.record)
    encoder = MessageEncoder(request.model, estimated_prompt(request), call.record.id)
    source = gateway.chat(
        target,
        request,
        repaired,
        call.record,
        whole_calls=True,
        thinking=shows_thinking(call.body),
    )
    if request.stream:
        response = stream_reply(stream(source, encoder, gateway.pace))
    else:
        response = json_reply(encoder.whole(collect(source)))
    return told_by(response, target, repaired)


def count_tokens(gateway: Gateway) -> flask.Response:
    """Answer ``POST /v1/messages/count_tokens``."""
    call = read_call(gateway)
    repaired = gateway.repair(tool_definitions(call.body))
    request = gateway.prepared(decode_prompt(call.body, repaired.tools))
    try:
        target = gateway.resolve(request.model, call.record)
    except ProxyError:
        # No server to ask; what follows from the count may well need none.
        return json_reply({"input_tokens": estimated_prompt(request)})
    response = json_reply({"input_tokens": gateway.count(target, request)})
    return told_by(response, target, repaired)


def telemetry(gateway: Gateway, rest: str = "") -> flask.Response:
    """Take what Claude Code reports to its maker, and keep nothing of it."""
    return json_reply({})


_ROUTES: tuple[tuple[str, Callable[..., flask.Response]], ...] = (
    ("/v1/messages", messages),
    ("/v1/messages/count_tokens", count_tokens),
    ("/api/event_logging/<path:rest>", telemetry),
    ("/api/claude_code/<path:rest>", telemetry),
)


def blueprint(gateway: Gateway) -> flask.Blueprint:
    """Make the routes."""
    routes = flask.Blueprint("anthropic", __name__)
    for path, view in _ROUTES:
        routes.add_url_rule(
            path,
            endpoint=path,
            view_func=partial(view, gateway),
            methods=["POST"],
            provide_automatic_options=False,
        )
    return routes
