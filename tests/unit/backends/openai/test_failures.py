import json

import pytest

from proxyapp.backends.openai.failures import from_event
from proxyapp.backends.openai.failures import from_response
from proxyapp.backends.openai.failures import MAX_WORDS
from proxyapp.errors import BadRequest
from proxyapp.errors import ContextOverflow
from proxyapp.errors import NotSupported
from proxyapp.errors import UnknownModel
from proxyapp.errors import UpstreamBusy
from proxyapp.errors import UpstreamError
from proxyapp.errors import UpstreamInvalid
from proxyapp.errors import UpstreamRateLimited
from proxyapp.errors import UpstreamRefusedKey
from proxyapp.errors import UpstreamTimeout
from tests.recordings import recorded
from tests.recordings import recordings

URL = "http://127.0.0.1:11433"

RECORDED = {
    "chat_grammar_bad": (BadRequest, "tools"),
    "chat_n9_too_many": (BadRequest, None),
    "chat_tool_history_bad_args": (BadRequest, "messages"),
    "chat_tools_logprobs_stream": (BadRequest, "logprobs"),
    "embeddings_none": (BadRequest, None),
    "embeddings_on_chat_server": (NotSupported, None),
    "err_401_chat": (UpstreamRefusedKey, None),
    "err_404_post": (UpstreamInvalid, None),
    "err_415_gzip": (UpstreamError, None),
    "err_bad_json": (BadRequest, None),
    "err_context_overflow": (ContextOverflow, "messages"),
    "err_image_unsupported": (BadRequest, "messages"),
    "err_max_tokens_negative": (BadRequest, None),
    "err_messages_string": (BadRequest, "messages"),
    "err_msg_no_role": (BadRequest, "messages"),
    "err_no_messages": (BadRequest, "messages"),
    "err_temperature_string": (BadRequest, None),
    "err_tools_missing_type": (BadRequest, "tools"),
    "err_tools_params_array": (BadRequest, "tools"),
    "err_two_assistant_tail": (BadRequest, "messages"),
}


def failure(status, body=b"", retry_after=None):
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return from_response(URL, status, data, retry_after)


def told(message, **more):
    return {"error": {"message": message, **more}}


@pytest.mark.parametrize(
    ("name", "kind", "param"), [(n, *w) for n, w in RECORDED.items()]
)
def test_what_llama_server_said_is_understood(name, kind, param):
    recording = recorded(name)
    error = failure(recording.status, recording.body)
    assert (type(error), error.param) == (kind, param)


def test_every_recorded_failure_is_among_those():
    failed = {name for name in recordings() if recorded(name).status != 200}
    assert failed == set(RECORDED)


def test_a_recorded_overflow_tells_both_counts():
    error = failure(400, recorded("err_context_overflow").body)
    assert (error.tokens, error.limit) == (5033, 2048)


@pytest.mark.parametrize(
    "message",
    [
        "request (9000 tokens) exceeds the available context size (8192 tokens), try",
        "This model's maximum context length is 8192 tokens. However, your messages"
        " resulted in 9000 tokens. Please reduce the length of the messages.",
        "maximum context length is 8192 tokens, however you requested 9000 tokens",
    ],
)
def test_an_overflow_is_known_by_its_words(message):
    error = failure(400, told(message))
    assert isinstance(error, ContextOverflow)
    assert (error.tokens, error.limit) == (9000, 8192)


def test_a_clients_fault_is_one_whatever_the_status():
    assert failure(500, told("Failed to parse messages: x")).status == 400


def test_an_unknown_model_is_not_found():
    error = failure(400, told("model 'qwen' not found"))
    assert isinstance(error, UnknownModel)
    assert error.model == "qwen"


def test_a_server_without_jinja_is_told_to_be_started_with_it():
    error = failure(500, told("tools param requires --jinja flag"))
    assert (error.status, "restart llama-server with --jinja" in error.message) == (
        400,
        True,
    )


@pytest.mark.parametrize(
    ("status", "kind", "code"),
    [
        (401, UpstreamRefusedKey, 502),
        (403, UpstreamRefusedKey, 502),
        (404, UpstreamInvalid, 502),
        (408, UpstreamTimeout, 504),
        (429, UpstreamRateLimited, 429),
        (500, UpstreamError, 502),
        (502, UpstreamError, 502),
        (503, UpstreamBusy, 503),
        (504, UpstreamTimeout, 504),
        (204, UpstreamInvalid, 502),
        (302, UpstreamInvalid, 502),
        (307, UpstreamInvalid, 502),
        (418, UpstreamError, 502),
        (400, UpstreamError, 502),
        (999, UpstreamError, 502),
    ],
)
def test_without_words_the_status_tells(status, kind, code):
    error = failure(status)
    assert (type(error), error.status) == (kind, code)


@pytest.mark.parametrize("status", [400, 413, 422])
def test_a_refusal_in_words_is_the_clients_to_read(status):
    error = failure(status, told("the sky is too blue"))
    assert type(error) is BadRequest
    assert error.message == "The model server refused: the sky is too blue"


@pytest.mark.parametrize(
    ("status", "given", "told"),
    [(429, "7", "7"), (429, None, None), (503, "9", "9"), (503, None, "5")],
)
def test_the_time_to_wait_is_passed_on(status, given, told):
    assert failure(status, b"", given).retry_after == told


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_is_not_quoted(status):
    assert "sk-123" not in failure(status, told("Invalid API key: sk-123")).message


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html><script>alert(1)</script>inner-host-7</html>",
        b"plain words inner-host-7",
        b"[1, 2]",
        b"null",
        b'"inner-host-7',
        {"error": None},
        {"error": {"message": None}},
        {"error": {"message": {"x": "inner-host-7"}}},
        {"error": ["inner-host-7"]},
        {"detail": "inner-host-7"},
    ],
)
def test_what_is_no_error_message_stays_behind(body):
    error = failure(502, body)
    assert type(error) is UpstreamError
    assert "inner-host-7" not in error.message
    assert error.message.endswith("502.")


@pytest.mark.parametrize(
    "body", [told("it broke"), {"error": "it broke"}, {"message": "it broke"}]
)
def test_a_message_is_found_in_many_places(body):
    assert failure(500, body).message.endswith("500: it broke")


def test_a_long_message_is_cut():
    assert len(failure(400, told("x" * 100_000)).message) < MAX_WORDS + 100


# ---------------------------------------------------------------- in a stream


@pytest.mark.parametrize(
    ("error", "words"),
    [
        ({"message": "context shift failed", "code": 500}, "context shift failed"),
        ("it broke", "it broke"),
        ({"code": 500}, "no reason given"),
        ({"message": 7}, "no reason given"),
        (True, "no reason given"),
        (["x"], "no reason given"),
    ],
)
def test_an_error_in_a_stream_is_told_in_its_words(error, words):
    found = from_event(error)
    assert type(found) is UpstreamError
    assert found.message == f"The model server failed while answering: {words}"


def test_an_error_in_a_stream_may_be_the_clients_fault():
    error = from_event({"message": "image input is not supported - hint: x"})
    assert (type(error), error.param) == (BadRequest, "messages")


def test_an_overflow_in_a_stream_is_one():
    error = from_event({"message": "x", "n_prompt_tokens": 9, "n_ctx": 8})
    assert isinstance(error, ContextOverflow)


def test_a_long_error_in_a_stream_is_cut():
    assert len(from_event("x" * 100_000).message) < MAX_WORDS + 100
