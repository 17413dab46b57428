import json
import os
import time

import pytest

from proxyapp.backends.copilot.backend import CopilotBackend
from proxyapp.backends.copilot.client import CopilotClient
from proxyapp.backends.copilot.premium import PremiumBounds
from proxyapp.errors import BadRequest
from proxyapp.errors import NotSupported
from proxyapp.errors import ProxyError
from proxyapp.errors import Unauthorized
from proxyapp.errors import UpstreamIncomplete
from proxyapp.neutral.messages import Message
from proxyapp.neutral.messages import TextPart
from proxyapp.neutral.messages import Tool
from proxyapp.neutral.record import Caller
from proxyapp.neutral.record import Record
from proxyapp.neutral.request import ChatRequest
from proxyapp.neutral.request import CompletionRequest
from proxyapp.neutral.request import EmbeddingRequest
from proxyapp.relay.fold import fold
from proxyapp.settings.schema import CopilotSettings

HI = Message("user", (TextPart("hi"),))
ME = Record(caller=Caller(credential="gho_mine"))
KNOWN = {"gpt-x": {"api": "openai-responses"}}


@pytest.fixture
def backend(start, tmp_path):
    """Make a backend whose login is there."""

    def make(**settings):
        store = tmp_path / "copilot.json"
        store.touch()
        bounds = PremiumBounds(0, 0, float, tmp_path / "stamp")
        client = CopilotClient(start())
        return CopilotBackend(CopilotSettings(**settings), client, bounds, KNOWN, store)

    return make


def chat(house, scene, record=None, **fields):
    request = ChatRequest(scene, (HI,), **fields)
    return house.chat(house.model(scene), request, record or Record())


def events(batches):
    return [event for batch in batches for event in batch]


def reply(*args, **fields):
    return fold(events(chat(*args, **fields))).choices[0].text


def test_a_chat_is_answered(backend):
    assert reply(backend(), "hello") == "Hello"


def test_a_chat_is_written_out_whole(backend):
    house = backend(idle_timeout=7)
    sent = json.loads(reply(house, "repeat", tools=(Tool("ls", "list"),)))
    tool = {
        "name": "ls",
        "description": "list",
        "parameters": {"type": "object", "properties": {}},
    }
    hi = {"role": "user", "content": [{"type": "text", "text": "hi"}]}
    assert sent["context"] == {"messages": [hi], "tools": [tool]}
    assert sent["rawTools"] == [tool]
    assert sent["auth"] == {"mode": "managed"}
    assert sent["timeouts"] == {"idleMs": 7000}
    assert sent["model"]["api"] == "openai-completions"


def test_the_subscriptions_models_are_listed(backend):
    assert [model.id for model in backend().models()] == ["hello"]


def test_without_a_login_there_are_no_models_and_no_process(start, tmp_path):
    process = start()
    client = CopilotClient(process)
    bounds = PremiumBounds(0, 0, float, tmp_path / "stamp")
    store = tmp_path / "none.json"
    house = CopilotBackend(CopilotSettings(), client, bounds, KNOWN, store)
    assert (house.models(), house.check(), process.reach()) == ([], [], None)


def test_with_passed_tokens_the_known_models_are_listed(backend):
    house = backend(auth="passthrough")
    assert [model.id for model in house.models()] == ["gpt-x"]
    assert [model.id for model in house.models_of(ME.caller)] == ["hello"]
    assert house.models_of(Caller()) == []


def test_a_passed_token_is_the_callers(backend):
    house = backend(auth="passthrough")
    sent = json.loads(reply(house, "repeat", ME))
    assert sent["auth"] == {"mode": "token", "token": "gho_mine"}
    with pytest.raises(Unauthorized, match="token is needed"):
        chat(house, "hello")


def test_a_managed_login_never_sends_a_callers_credential(backend):
    assert "gho_mine" not in reply(backend(), "repeat", ME)


@pytest.mark.conformance("C-206")
def test_a_failure_is_raised_in_the_gateways_words(backend):
    with pytest.raises(ProxyError, match="it is rate_limit") as failed:
        events(chat(backend(), "fail:rate_limit"))
    assert (failed.value.status, failed.value.retry_after) == (429, "7")


@pytest.mark.reliability("R-025")
@pytest.mark.parametrize("scene", ["garbage", "list-line", "long", "close", "die"])
def test_a_process_that_breaks_off_is_an_error_in_words(backend, scene):
    with pytest.raises(UpstreamIncomplete, match="broke off"):
        events(chat(backend(), scene))


@pytest.mark.reliability("R-024")
def test_a_process_that_hangs_is_an_error_and_is_replaced(backend):
    house = backend()
    with pytest.raises(UpstreamIncomplete, match="broke off"):
        events(chat(house, "hang"))
    assert reply(house, "hello") == "Hello"


@pytest.mark.conformance("C-208")
@pytest.mark.reliability("R-023")
def test_after_a_crash_the_next_call_is_served(backend):
    house = backend()
    with pytest.raises(UpstreamIncomplete):
        events(chat(house, "die"))
    assert reply(house, "hello") == "Hello"


def test_a_call_that_nothing_was_heard_of_is_made_once_more(backend):
    assert reply(backend(), "die-once") == "Hello"


def test_silence_ticks(backend):
    assert () in [tuple(batch) for batch in chat(backend(), "slow")]


def test_closing_a_reply_cancels_it(backend, tmp_path):
    batches = chat(backend(), "watch")
    while not next(batches):
        pass
    batches.close()
    deadline = time.monotonic() + 10
    while not os.path.exists(tmp_path / "cancelled") and time.monotonic() < deadline:
        time.sleep(0.02)
    assert os.path.exists(tmp_path / "cancelled")


def test_what_copilot_cannot_do_is_refused(backend):
    house = backend()
    model = house.model("hello")
    with pytest.raises(BadRequest, match="embeddings"):
        house.embed(model, EmbeddingRequest("hello", ("a",)))
    with pytest.raises(BadRequest, match="bare text"):
        house.complete(model, CompletionRequest("hello", "a"))
    with pytest.raises(NotSupported):
        house.forward("audio", "POST", "/v1/audio", b"", "")
    assert house.count(model, ChatRequest("hello", (HI,))) is None


def test_a_check_counts_the_models(backend):
    (finding,) = backend().check()
    assert finding.ok
    assert finding.message == "1 models of the subscription answer"


def test_a_list_that_cannot_be_renewed_stays(backend, monkeypatch):
    house = backend()
    house.models()
    monkeypatch.setenv("PATH", "")
    for process in [house.client._process]:
        connection = process.reach()
        os.kill(connection.pid, 9)
        connection.close()
        process._child.wait(10)
    assert [model.id for model in house.models()] == ["hello"]
