"""M. OpenAI's own OpenAPI schema: hand-made replies, and generated requests."""

import copy
import json

import hypothesis
import pytest
import schemathesis
from schemathesis import checks as schemathesis_checks

from tests import oracles
from tests.conformance.test_openai_stream import SCRIPTS
from tests.fakes.upstream import Finish
from tests.fakes.upstream import Text
from tests.fakes.upstream import Usage
from tests.oracles import schema
from tests.speakers import get
from tests.speakers import post

USER = {"role": "user", "content": "hi"}
CHAT = "/v1/chat/completions"


@pytest.mark.conformance("C-215")
@pytest.mark.parametrize("name", SCRIPTS)
def test_whole_and_streamed_chats_match_the_schema(gateway, upstream, name):
    upstream.script(*SCRIPTS[name])
    body = {"model": "tiny", "messages": [USER]}
    whole = post(gateway, CHAT, body).json()
    streamed = post(gateway, CHAT, {**body, "stream": True}).content
    assert oracles.matches("chat", whole) == []
    assert oracles.stream_matches("chat_chunk", streamed) == []


@pytest.mark.conformance("C-215")
def test_the_keys_only_the_schema_demands_are_there(gateway, upstream):
    upstream.script(Text("a"), Finish(), Usage(1, 1))
    body = {"model": "tiny", "messages": [USER]}
    (choice,) = post(gateway, CHAT, body).json()["choices"]
    assert choice["logprobs"] is None
    raw = post(gateway, CHAT, {**body, "stream": True}).content
    events = [json.loads(line[6:]) for line in raw.split(b"\n\n")[:-2]]
    assert [e["choices"][0]["finish_reason"] for e in events] == [None, None, "stop"]


@pytest.mark.conformance("C-215")
def test_the_other_replies_match_the_schema(gateway, upstream):
    prompt = {"model": "tiny", "prompt": "a"}
    given = {"model": "tiny", "input": "a"}
    completion = post(gateway, "/v1/completions", prompt).json()
    embeddings = post(gateway, "/v1/embeddings", given).json()
    models = get(gateway, "/v1/models").json()
    assert oracles.matches("completion", completion) == []
    assert oracles.matches("embeddings", embeddings) == []
    assert oracles.matches("models", models) == []
    assert oracles.matches("model", models["data"][0]) == []


# --------------------------------------------------------------------- generated

OPERATIONS = (
    ("POST", "/chat/completions", 25),
    ("POST", "/completions", 25),
    ("POST", "/embeddings", 25),
    ("GET", "/models", 5),
    ("GET", "/models/{model}", 15),
)
CHECKS = (
    schemathesis_checks.not_a_server_error,
    schemathesis_checks.response_schema_conformance,
)


@pytest.fixture(scope="session")
def subset():
    """Give OpenAI's schema of the paths served here, streams left to the oracles."""
    document = copy.deepcopy(schema.document())
    for path in document["paths"].values():
        for operation in path.values():
            for reply in operation["responses"].values():
                reply.get("content", {}).pop("text/event-stream", None)
    return schemathesis.openapi.from_dict(document)


@pytest.mark.conformance("C-216")
@pytest.mark.parametrize(("method", "path", "examples"), OPERATIONS)
def test_generated_requests_meet_no_server_error(
    gateway, upstream, subset, method, path, examples
):
    @hypothesis.settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[hypothesis.Phase.generate],
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @hypothesis.given(case=subset[path][method].as_strategy())
    def generated(case):
        if isinstance(case.body, dict):
            case.body.pop("stream", None)
            # Else most requests end there.
            case.body["model"] = "tiny"
        reply = case.call(base_url=f"{gateway.url}/v1", timeout=10)
        assert "html" not in reply.headers["content-type"][0]
        case.validate_response(reply, checks=list(CHECKS))

    generated()
