"""Whether the gateway lives."""

from functools import partial

import flask

from proxyapp import __version__
from proxyapp.gateway import Gateway
from proxyapp.web.call import json_reply


def health(gateway: Gateway) -> flask.Response:
    """Answer ``GET /health``: the process serves; no backend is asked."""
    return json_reply({"status": "ok", "name": "proxyapp", "version": __version__})


def blueprint(gateway: Gateway) -> flask.Blueprint:
    """Make the routes."""
    routes = flask.Blueprint("admin", __name__)
    routes.add_url_rule(
        "/health", view_func=partial(health, gateway), endpoint="health"
    )
    return routes
