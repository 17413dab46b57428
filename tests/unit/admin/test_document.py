import json
import re

import pytest
from jsonschema import Draft202012Validator

from proxyapp import __version__
from proxyapp.app import create_app
from proxyapp.settings.schema import Settings
from proxyapp.settings.shipped import CONFIG

DOCUMENT = json.loads((CONFIG / "openapi.json").read_text("utf-8"))
AUTOMATIC = {"HEAD", "OPTIONS"}


def served():
    """Give every route and method that is served, written as OpenAPI writes them."""
    for rule in create_app(Settings()).url_map.iter_rules():
        path = re.sub(r"<(?:path:)?(\w+)>", r"{\1}", rule.rule)
        for method in (rule.methods - AUTOMATIC) or {"HEAD"}:
            yield path, method.lower()


def documented():
    for path, item in DOCUMENT["paths"].items():
        for method in item:
            yield path, method


def test_every_route_is_documented_and_nothing_else():
    routes = set(served())
    told = set(documented())
    without = {
        (path.removeprefix("/v1"), method) for path, method in told if "/v1/" in path
    }
    assert told - routes == set()
    assert routes - told - without == set()


@pytest.mark.parametrize("name", DOCUMENT["components"]["schemas"])
def test_every_schema_is_one(name):
    Draft202012Validator.check_schema(DOCUMENT["components"]["schemas"][name])


def test_every_reference_leads_somewhere():
    named = set(re.findall(r'"#/components/schemas/(\w+)"', json.dumps(DOCUMENT)))
    assert named <= DOCUMENT["components"]["schemas"].keys()
    assert DOCUMENT["info"]["version"] == __version__


def test_the_document_is_served():
    reply = create_app(Settings()).test_client().get("/openapi.json")
    assert reply.json == DOCUMENT
    assert reply.mimetype == "application/json"
