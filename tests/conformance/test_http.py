"""A. HTTP, access, errors, routes: what holds for every dialect."""

import gzip
import json
import time
import zlib

import ollama
import openai
import pytest
import requests
import zstandard

from tests import oracles
from tests.conformance.conftest import KEY
from tests.conformance.conftest import strict_openai
from tests.conformance.conftest import UPSTREAM_KEY
from tests.fakes.upstream import Finish
from tests.fakes.upstream import Text
from tests.fakes.upstream import ToolCall
from tests.fakes.upstream import Usage
from tests.oracles import sse
from tests.speakers import each_speaker
from tests.speakers import get
from tests.speakers import needs
from tests.speakers import post
from tests.speakers import SPEAKERS

SERVER_SENT = [row for row in SPEAKERS if row.content_type.startswith("text/event")]
OVERFLOW = "err_context_overflow"
BOTH = pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])


def violations_of(speaker, reply):
    """Check an error reply as its dialect's own."""
    assert "html" not in reply.headers["Content-Type"]
    return speaker.error_violations(reply.status_code, reply.json())


@pytest.mark.conformance("C-001")
@each_speaker(SERVER_SENT)
def test_server_sent_events_are_framed_for_every_reader(gateway, upstream, speaker):
    upstream.script(Text("one"), Text("two\nlines"), Finish("stop"), Usage(3, 2))
    reply = speaker.post(gateway, stream=True)
    assert reply.headers["Content-Type"] == "text/event-stream; charset=utf-8"
    events, violations = sse.read(reply.content)
    assert violations == []
    assert len(events) > 3


@each_speaker()
def test_a_stream_is_passed_on_unbuffered_and_uncached(gateway, upstream, speaker):
    headers = speaker.post(gateway, stream=True).headers
    assert headers["Content-Type"] == speaker.content_type
    assert headers["Cache-Control"] == "no-cache"
    assert headers["X-Accel-Buffering"] == "no"


@pytest.mark.conformance("C-002")
@needs("ollama")
def test_the_root_says_what_ollama_says(gateway):
    reply = get(gateway, "/")
    assert (reply.status_code, reply.text) == (200, "Ollama is running")


@pytest.mark.conformance("C-002")
@needs("ollama")
def test_the_root_answers_a_head_request(gateway):
    assert requests.head(gateway.url + "/", timeout=5).status_code == 200


@pytest.mark.conformance("C-003")
@needs("anthropic")
@pytest.mark.parametrize("path", ["/v1/messages", "/v1/messages/count_tokens"])
def test_a_query_does_not_change_the_route(gateway, upstream, path):
    body = {"model": "tiny", "max_tokens": 9, "messages": [USER]}
    plain = post(gateway, path, body).json()
    queried = post(gateway, f"{path}?beta=true", body).json()
    assert {**plain, "id": 0} == {**queried, "id": 0}


USER = {"role": "user", "content": "hi"}


@pytest.mark.conformance("C-004")
@pytest.mark.parametrize(
    "headers",
    [{"Authorization": f"Bearer {KEY}"}, {"x-api-key": KEY}],
    ids=["bearer", "x-api-key"],
)
@each_speaker()
def test_both_kinds_of_key_open_every_route(keyed, upstream, speaker, headers):
    given = {**speaker.headers, **headers}
    assert post(keyed, speaker.path, speaker.body(), given).status_code == 200


@pytest.mark.reliability("R-043")
@pytest.mark.conformance("C-005")
@each_speaker()
def test_a_wrong_key_is_refused_in_the_dialects_shape(keyed, upstream, speaker):
    given = {**speaker.headers, "Authorization": "Bearer wrong"}
    reply = post(keyed, speaker.path, speaker.body(), given)
    assert reply.status_code == 401
    assert reply.headers["WWW-Authenticate"] == "Bearer"
    assert violations_of(speaker, reply) == []
    assert upstream.generations == []


@pytest.mark.conformance("C-005")
def test_a_wrong_key_is_refused_by_the_model_list(keyed):
    reply = get(keyed, "/v1/models", {"x-api-key": "wrong"})
    assert reply.status_code == 401
    assert oracles.openai_error(401, reply.json()) == []


@pytest.mark.conformance("C-005")
def test_the_sdk_knows_a_wrong_key(keyed):
    with (
        strict_openai(keyed, "wrong") as client,
        pytest.raises(openai.AuthenticationError) as caught,
    ):
        client.models.list()
    assert caught.value.code == "invalid_api_key"


@pytest.mark.conformance("C-005")
@needs("ollama")
def test_ollamas_client_knows_a_wrong_key(keyed):
    given = {"Authorization": "Bearer wrong"}
    with (
        ollama.Client(keyed.url, headers=given) as client,
        pytest.raises(ollama.ResponseError) as caught,
    ):
        client.chat("tiny", [USER])
    assert caught.value.status_code == 401


@pytest.mark.reliability("R-041")
@pytest.mark.conformance("C-006")
@each_speaker()
def test_a_clients_key_stays_here(keyed, upstream, speaker):
    given = {
        **speaker.headers,
        "Authorization": f"Bearer {KEY}",
        "x-api-key": KEY,
        "Cookie": f"key={KEY}",
    }
    assert post(keyed, speaker.path, speaker.body(), given).status_code == 200
    for request in upstream.requests:
        assert KEY not in str(request.headers)
        assert KEY.encode() not in request.body


@pytest.mark.reliability("R-041")
@pytest.mark.conformance("C-006")
@each_speaker()
def test_the_upstreams_key_stays_behind_the_gateway(served, upstream, speaker):
    upstream.reply(401, {"error": {"message": "Invalid API Key", "code": 401}})
    body = {**speaker.body(), "model": "org/coder:7b"}
    reply = post(served, speaker.path, body, speaker.headers)
    sent = upstream.generations[-1].headers["authorization"]
    assert sent == f"Bearer {UPSTREAM_KEY}"
    assert UPSTREAM_KEY not in reply.text + str(reply.headers) + served.log


@pytest.mark.conformance("C-007")
@pytest.mark.parametrize("path", ["/v1/nothing", "/v1", "/nothing", "/v1/chat/x"])
def test_an_unknown_path_is_an_openai_error(gateway, path):
    reply = get(gateway, path)
    assert reply.status_code == 404
    assert oracles.openai_error(404, reply.json()) == []


@pytest.mark.conformance("C-007")
@needs("ollama")
def test_an_unknown_path_under_api_is_an_ollama_error(gateway):
    reply = get(gateway, "/api/nothing")
    assert reply.status_code == 404
    assert oracles.ollama_error(404, reply.json()) == []


@pytest.mark.conformance("C-007")
@needs("anthropic")
def test_an_unknown_path_for_an_anthropic_client_is_an_anthropic_error(gateway):
    reply = get(gateway, "/v1/nothing", {"anthropic-version": "2023-06-01"})
    assert reply.status_code == 404
    assert oracles.anthropic_error(404, reply.json()) == []


@pytest.mark.conformance("C-008")
@each_speaker()
def test_a_wrong_method_names_the_right_one(gateway, speaker):
    reply = get(gateway, speaker.path, speaker.headers)
    assert reply.status_code == 405
    assert "POST" in reply.headers["Allow"]
    assert violations_of(speaker, reply) == []


@pytest.mark.conformance("C-009")
@pytest.mark.parametrize("body", [b"{", b"", b'{"model":"m",}', b"\xff", b"{}{}"])
@each_speaker()
def test_a_body_that_is_no_json_is_a_client_error(gateway, speaker, body):
    reply = post(gateway, speaker.path, body, speaker.headers)
    assert reply.status_code == 400
    assert violations_of(speaker, reply) == []


@pytest.mark.conformance("C-010")
@pytest.mark.parametrize("body", [b"[]", b'"x"', b"null", b"7", b"true"])
@each_speaker()
def test_a_body_that_is_no_object_is_a_client_error(gateway, speaker, body):
    reply = post(gateway, speaker.path, body, speaker.headers)
    assert reply.status_code == 400
    assert violations_of(speaker, reply) == []


@pytest.mark.conformance("C-011")
@pytest.mark.parametrize(
    "content_type", ["application/x-www-form-urlencoded", "text/plain", "image/png", ""]
)
@each_speaker()
def test_the_content_type_of_a_body_does_not_matter(
    gateway, upstream, speaker, content_type
):
    given = {**speaker.headers, "Content-Type": content_type}
    body = json.dumps(speaker.body()).encode()
    assert post(gateway, speaker.path, body, given).status_code == 200


@pytest.mark.reliability("R-037")
@pytest.mark.conformance("C-012")
@each_speaker()
def test_a_body_over_the_limit_is_refused(gateway, upstream, speaker):
    reply = post(gateway, speaker.path, b" " * (3 << 20), speaker.headers)
    assert reply.status_code == 413
    assert violations_of(speaker, reply) == []


@pytest.mark.reliability("R-037")
@pytest.mark.conformance("C-012")
def test_a_body_without_a_length_meets_the_same_limit(gateway):
    def pieces():
        yield from [b" " * 65536] * 48

    reply = requests.post(
        f"{gateway.url}/v1/chat/completions", data=pieces(), timeout=10
    )
    assert reply.status_code == 413


@pytest.mark.conformance("C-013")
@pytest.mark.parametrize(
    ("encoding", "pack"),
    [
        ("gzip", gzip.compress),
        ("zstd", zstandard.compress),
        ("deflate", zlib.compress),
        ("identity", bytes),
    ],
)
@each_speaker()
def test_compressed_bodies_are_read(gateway, upstream, speaker, encoding, pack):
    given = {**speaker.headers, "Content-Encoding": encoding}
    body = pack(json.dumps(speaker.body()).encode())
    assert post(gateway, speaker.path, body, given).status_code == 200


@pytest.mark.reliability("R-037")
@pytest.mark.conformance("C-013")
@each_speaker()
def test_an_encoding_nobody_reads_is_refused(gateway, speaker):
    given = {**speaker.headers, "Content-Encoding": "br"}
    reply = post(gateway, speaker.path, b"x", given)
    assert reply.status_code == 415
    assert violations_of(speaker, reply) == []


@pytest.mark.reliability("R-037")
@pytest.mark.conformance("C-013")
@pytest.mark.parametrize(
    ("encoding", "pack"), [("gzip", gzip.compress), ("zstd", zstandard.compress)]
)
def test_a_compressed_body_is_measured_unpacked(gateway, encoding, pack):
    bomb = pack(b" " * (64 << 20))
    reply = post(gateway, "/v1/chat/completions", bomb, {"Content-Encoding": encoding})
    assert reply.status_code == 413


@pytest.mark.reliability("R-046")
@pytest.mark.conformance("C-014", "C-015")
@BOTH
@each_speaker()
def test_unknown_fields_are_ignored_and_kept_from_the_upstream(
    gateway, upstream, speaker, stream
):
    extra = {"zzz": 1, "n_probs": 5, "id_slot": 3, "api_base": "http://127.0.0.1:1"}
    assert speaker.post(gateway, stream=stream, **extra).status_code == 200
    assert extra.keys() & upstream.generations[-1].json.keys() == set()


@pytest.mark.conformance("C-016")
@needs("anthropic")
def test_any_version_and_beta_is_accepted(gateway, upstream):
    given = {"anthropic-version": "2099-01-01", "anthropic-beta": "foo-2099-01-01"}
    body = {"model": "tiny", "max_tokens": 9, "messages": [USER]}
    assert post(gateway, "/v1/messages", body, given).status_code == 200


@pytest.mark.reliability("R-004")
@pytest.mark.conformance("C-017")
@BOTH
@each_speaker()
def test_an_early_failure_leaves_with_its_true_status(
    gateway, upstream, speaker, stream
):
    upstream.reply(503, {"error": {"message": "Loading model", "code": 503}})
    reply = speaker.post(gateway, stream=stream)
    assert reply.status_code in (503, 529)
    assert reply.headers["Retry-After"]
    assert violations_of(speaker, reply) == []


@pytest.mark.reliability("R-004")
@pytest.mark.conformance("C-018")
@BOTH
@each_speaker()
def test_a_refused_connection_is_a_bad_gateway(bereft, speaker, stream):
    began = time.monotonic()
    reply = speaker.post(bereft, stream=stream)
    assert reply.status_code == 502
    assert violations_of(speaker, reply) == []
    # Refusal is told at once; the connect timeout is for silence.
    assert time.monotonic() - began < 10


@pytest.mark.reliability("R-008")
@pytest.mark.conformance("C-019")
@pytest.mark.parametrize("retry_after", ["7", "Wed, 21 Oct 2026 07:28:00 GMT"])
@BOTH
@each_speaker()
def test_a_rate_limit_passes_with_its_date(
    gateway, upstream, speaker, stream, retry_after
):
    told = {"error": {"message": "Rate limit", "type": "rate_limit_error"}}
    upstream.reply(429, told, headers={"Retry-After": retry_after})
    reply = speaker.post(gateway, stream=stream)
    assert reply.status_code == 429
    assert reply.headers["Retry-After"] == retry_after
    assert violations_of(speaker, reply) == []


@pytest.mark.conformance("C-019")
def test_the_sdk_knows_a_rate_limit(sdk, upstream):
    upstream.reply(429, {"error": {"message": "Rate limit"}})
    with pytest.raises(openai.RateLimitError):
        sdk.chat.completions.create(model="tiny", messages=[USER])


@pytest.mark.reliability("R-008")
@pytest.mark.conformance("C-020")
@pytest.mark.parametrize("status", [401, 403])
@BOTH
@each_speaker()
def test_the_gateways_own_refused_key_is_not_the_clients_fault(
    gateway, upstream, speaker, stream, status
):
    upstream.reply(status, {"error": {"message": "Invalid API Key"}})
    reply = speaker.post(gateway, stream=stream)
    assert reply.status_code == 502
    assert violations_of(speaker, reply) == []


@pytest.mark.conformance("C-021")
def test_the_sdk_does_not_retry_what_cannot_help(gateway, upstream, sdk):
    upstream.reply(401, {"error": {"message": "Invalid API Key"}})
    patient = sdk.with_options(max_retries=2)
    with pytest.raises(openai.InternalServerError) as caught:
        patient.chat.completions.create(model="tiny", messages=[USER])
    assert caught.value.response.headers["x-should-retry"] == "false"
    assert len(upstream.generations) == 1


@pytest.mark.conformance("C-022")
@pytest.mark.parametrize(
    "upstream_error",
    [
        {"code": 400, "message": "Value must be between 0 and 2", "type": "x"},
        {"message": "Failed to parse messages: no role"},
        {"message": "unheard of"},
    ],
)
def test_an_openai_error_has_all_its_keys(gateway, upstream, upstream_error):
    upstream.reply(400, {"error": upstream_error})
    reply = post(gateway, "/v1/chat/completions", {"model": "m", "messages": [USER]})
    assert reply.status_code == 400
    assert oracles.openai_error(400, reply.json()) == []


@pytest.mark.conformance("C-023")
@needs("anthropic")
def test_an_anthropic_error_names_its_request(gateway):
    reply = post(gateway, "/v1/messages", b"{")
    assert oracles.anthropic_error(400, reply.json()) == []
    assert reply.json()["request_id"] == reply.headers["request-id"]


@pytest.mark.conformance("C-024")
@needs("ollama")
@pytest.mark.parametrize("path", ["/api/chat", "/api/generate", "/api/show"])
def test_an_ollama_error_is_a_sentence(gateway, path):
    reply = post(gateway, path, b"{")
    assert oracles.ollama_error(reply.status_code, reply.json()) == []


@pytest.mark.conformance("C-025")
@BOTH
@each_speaker()
def test_an_overflow_is_the_dialects_context_error(gateway, upstream, speaker, stream):
    upstream.replay(OVERFLOW)
    reply = speaker.post(gateway, stream=stream)
    assert reply.status_code == 400
    assert violations_of(speaker, reply) == []
    assert "5033" in reply.text
    assert "2048" in reply.text


@pytest.mark.conformance("C-025")
def test_the_sdk_knows_an_overflow_by_its_code(sdk, upstream):
    upstream.replay(OVERFLOW)
    with pytest.raises(openai.BadRequestError) as caught:
        sdk.chat.completions.create(model="tiny", messages=[USER])
    assert caught.value.code == "context_length_exceeded"


@pytest.mark.conformance("C-026")
@BOTH
@each_speaker()
def test_an_unknown_model_is_not_found(served, upstream, speaker, stream):
    reply = speaker.post(served, stream=stream, model="tinny")
    assert reply.status_code == 404
    assert violations_of(speaker, reply) == []
    assert "tiny" in reply.text
    assert upstream.generations == []


@pytest.mark.conformance("C-026")
def test_the_sdk_knows_an_unknown_model(served):
    with (
        strict_openai(served) as client,
        pytest.raises(openai.NotFoundError) as caught,
    ):
        client.chat.completions.create(model="tinny", messages=[USER])
    assert caught.value.code == "model_not_found"


@pytest.mark.conformance("C-027")
@pytest.mark.parametrize("name", ["tiny", "tiny:latest"])
@each_speaker()
def test_latest_is_the_same_model(served, upstream, speaker, name):
    reply = speaker.post(served, model=name)
    assert reply.status_code == 200
    assert reply.json()["model"] == name
    assert upstream.generations[-1].json["model"] == "tiny"


@pytest.mark.conformance("C-027")
def test_latest_names_the_same_model_in_the_list(served):
    assert get(served, "/v1/models/tiny:latest").status_code == 200


def test_the_same_routes_are_there_without_their_version(gateway, upstream):
    body = {"model": "tiny", "messages": [USER]}
    assert post(gateway, "/chat/completions", body).status_code == 200
    assert get(gateway, "/models").json() == get(gateway, "/v1/models").json()


@each_speaker([row for row in SPEAKERS if row.calls])
def test_every_reply_names_its_request_and_its_model(gateway, upstream, speaker):
    upstream.script(ToolCall("call_1", "ls"), Finish("tool_calls"), Usage(1, 1))
    headers = speaker.post(gateway, "go", ["ls"]).headers
    assert headers["x-request-id"] == headers["request-id"] != ""
    assert headers["x-proxyapp-model"] == "tiny"
    assert headers["x-proxyapp-backend"] == "llama"
