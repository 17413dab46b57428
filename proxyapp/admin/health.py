"""Whether the gateway lives."""

from collections.abc import Mapping
from functools import partial
from typing import cast

import flask

from proxyapp import __version__
from proxyapp.errors import KeysUnreadable
from proxyapp.errors import Unauthorized
from proxyapp.gateway import Gateway
from proxyapp.neutral.scope import EVERYTHING
from proxyapp.web.call import json_reply


def health(gateway: Gateway) -> flask.Response:
    """Answer ``GET /health``: the process serves; no backend is asked.

    What is amiss is told to those only who may use all of the gateway.
    """
    told = {"status": "ok", "name": "proxyapp", "version": __version__}
    down = [b.name for b in gateway.backends if getattr(b, "unavailable", False)]
    if (gateway.settings_fault or down) and _may_know(gateway):
        if gateway.settings_fault:
            told["settings"] = gateway.settings_fault
        if down:
            told["unavailable"] = ", ".join(down)
    return json_reply(told)


def _may_know(gateway: Gateway) -> bool:
    headers = cast("Mapping[str, str]", flask.request.headers)
    try:
        return gateway.keys.check(headers).scope is EVERYTHING
    except (Unauthorized, KeysUnreadable):
        return False


def blueprint(gateway: Gateway) -> flask.Blueprint:
    """Make the routes."""
    routes = flask.Blueprint("admin", __name__)
    routes.add_url_rule(
        "/health", view_func=partial(health, gateway), endpoint="health"
    )
    return routes
