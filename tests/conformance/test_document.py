"""The gateway's own OpenAPI document, held against what it really answers."""

import json

import hypothesis
import pytest
import schemathesis
from schemathesis import checks as schemathesis_checks

from proxyapp.settings.shipped import CONFIG
from tests.fakes.upstream import Finish
from tests.fakes.upstream import Text
from tests.fakes.upstream import Usage

DOCUMENT = json.loads((CONFIG / "openapi.json").read_text("utf-8"))
EXAMPLES = 12
ABSENT = 501
"""What a route says whose endpoint no backend here has."""

OPERATIONS = [
    (method, path)
    for path, item in DOCUMENT["paths"].items()
    for method in item
    if method != "head"
]
HI = [{"role": "user", "content": "hi"}]
GENERATING = {
    "/v1/chat/completions": {"messages": HI},
    "/v1/completions": {"prompt": "hi"},
    "/v1/responses": {"input": "hi"},
    "/v1/messages": {"messages": HI, "max_tokens": 9},
    "/api/chat": {"messages": HI, "stream": False},
    "/api/generate": {"prompt": "hi", "stream": False},
}
STREAMED = ("text/event-stream", "application/x-ndjson")


@pytest.fixture(scope="session")
def described():
    return schemathesis.openapi.from_dict(DOCUMENT)


def generated(case, gateway):
    """Send one generated request and judge the reply."""
    reply = case.call(base_url=gateway.url, timeout=10)
    kind = reply.headers["content-type"][0].partition(";")[0]
    assert kind in {*STREAMED, "application/json", "text/plain"}
    assert reply.status_code < 500 or reply.status_code == ABSENT, reply.text[:500]
    if kind not in STREAMED:
        check = schemathesis_checks.response_schema_conformance
        case.validate_response(reply, checks=[check])


@pytest.mark.reliability("R-050")
@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_what_is_documented_is_answered(gateway, upstream, described, method, path):
    upstream.script(Text("Hello"), Finish(), Usage(3, 1))

    @hypothesis.settings(
        max_examples=EXAMPLES * (3 if path in GENERATING else 1),
        deadline=None,
        database=None,
        derandomize=True,
        phases=[hypothesis.Phase.generate],
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @hypothesis.given(case=described[path][method.upper()].as_strategy())
    def ask(case):
        generated(case, gateway)

    ask()


@pytest.mark.parametrize("path", GENERATING)
def test_a_good_request_is_answered_as_documented(gateway, upstream, described, path):
    upstream.script(Text("Hello"), Finish(), Usage(3, 1))
    case = described[path]["POST"].Case(body={"model": "tiny"} | GENERATING[path])
    reply = case.call(base_url=gateway.url, timeout=10)
    assert reply.status_code == 200
    case.validate_response(reply)
