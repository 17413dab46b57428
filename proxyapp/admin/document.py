"""The gateway's own OpenAPI document, as it lies in config/openapi.json."""

import flask

from proxyapp.settings.shipped import CONFIG


def blueprint() -> flask.Blueprint:
    """Make the route; the document is read once."""
    routes = flask.Blueprint("document", __name__)
    document = (CONFIG / "openapi.json").read_bytes()

    def answer() -> flask.Response:
        return flask.Response(document, mimetype="application/json")

    routes.add_url_rule("/openapi.json", view_func=answer)
    return routes
