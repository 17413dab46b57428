import pytest

from proxyapp.backends.openai.backend import OpenAIBackend
from proxyapp.errors import BadRequest
from proxyapp.errors import NotSupported
from proxyapp.errors import UpstreamError
from proxyapp.errors import UpstreamInvalid
from proxyapp.neutral.messages import Message
from proxyapp.neutral.messages import TextPart
from proxyapp.neutral.record import Record
from proxyapp.neutral.request import ChatRequest
from proxyapp.neutral.request import CompletionRequest
from proxyapp.neutral.request import EmbeddingRequest
from proxyapp.relay.fold import fold
from proxyapp.settings.schema import BackendSettings
from proxyapp.settings.schema import COMPAT
from proxyapp.settings.schema import Compat
from proxyapp.settings.schema import Filters
from proxyapp.settings.schema import UpstreamSettings
from tests.fakes.upstream import Finish
from tests.fakes.upstream import Text
from tests.fakes.upstream import Usage

REQUEST = ChatRequest("m", (Message("user", (TextPart("hi"),)),))


def backend(upstream, **fields):
    settings = BackendSettings(name="up", url=upstream.url, **fields)
    return OpenAIBackend(settings, UpstreamSettings())


def chat(house, request=REQUEST):
    batches = house.chat(house.models()[0], request, Record())
    return fold(event for batch in batches for event in batch)


def test_a_chat_is_streamed_whatever_the_client_wants(upstream):
    upstream.script(Text("Hel"), Text("lo"), Finish("stop"), Usage(3, 2))
    assert chat(backend(upstream)).choices[0].text == "Hello"
    assert upstream.generations[0].json["stream"] is True


def test_the_backends_key_goes_with_every_request(upstream):
    backend(upstream, key="secret").models()
    assert upstream.requests[0].headers["authorization"] == "Bearer secret"


def test_the_owners_filters_have_the_last_word(upstream):
    upstream.script(Text("a"), Finish("stop"), Usage(1, 1))
    filters = Filters({"temperature": 0}, ("stream_options",))
    chat(backend(upstream, filters=filters))
    sent = upstream.generations[0].json
    assert (sent["temperature"], "stream_options" in sent) == (0, False)


def test_listed_models_are_not_asked_for(upstream):
    house = backend(upstream, models=("a", "b"), kind="openai", compat=COMPAT["openai"])
    assert [model.id for model in house.models()] == ["a", "b"]
    assert upstream.requests == []


def test_the_context_is_the_servers_own(upstream):
    assert backend(upstream).models()[0].context_length == 16384


def test_vectors_come_in_order(upstream):
    house = backend(upstream)
    request = EmbeddingRequest("m", ("a", "b"))
    assert len(house.embed(house.models()[0], request).vectors) == 2


def test_a_missing_vector_is_an_error(upstream):
    upstream.reply(200, b'{"data":[]}', path="/v1/embeddings")
    house = backend(upstream)
    with pytest.raises(UpstreamInvalid, match="0 embeddings for 1"):
        house.embed(house.models()[0], EmbeddingRequest("m", ("a",)))


def test_what_a_backend_lacks_is_refused_before_it_is_asked(upstream):
    lacking = Compat(supports_n=False, supports_completions=False)
    house = backend(upstream, compat=lacking, models=("m",))
    model = house.models()[0]
    with pytest.raises(BadRequest):
        house.chat(model, ChatRequest("m", REQUEST.messages, n=2), Record())
    with pytest.raises(NotSupported):
        house.complete(model, CompletionRequest("m", "x"))
    assert upstream.generations == []


def test_llama_server_does_not_echo(upstream):
    house = backend(upstream)
    with pytest.raises(BadRequest, match="echo"):
        house.complete(house.models()[0], CompletionRequest("m", "x", echo=True))


def test_an_optional_endpoint_is_carried(upstream):
    upstream.reply(200, b"{}", path="/v1/files")
    house = backend(upstream, endpoints=("files",))
    reply = house.forward("files", "GET", "/v1/files", b"", "")
    assert (reply.status, reply.body) == (200, b"{}")


def test_another_endpoint_is_not(upstream):
    with pytest.raises(NotSupported):
        backend(upstream).forward("audio", "POST", "/v1/audio", b"", "")


def test_llama_server_counts_for_itself(upstream):
    house = backend(upstream)
    assert isinstance(house.count(house.models()[0], REQUEST), int)


QUOTING = {"error": {"message": "Incorrect API key provided: a-long-secret."}}


@pytest.mark.reliability("R-041")
@pytest.mark.parametrize("ask", ["chat", "embed"])
def test_an_error_that_quotes_the_key_is_told_without_it(upstream, ask):
    upstream.reply(500, QUOTING)
    upstream.reply(500, QUOTING, path="/v1/embeddings")
    house = backend(upstream, key="a-long-secret", models=("m",))
    asks = {
        "chat": lambda: chat(house),
        "embed": lambda: house.embed(house.models()[0], EmbeddingRequest("m", ("a",))),
    }
    with pytest.raises(UpstreamError, match=r"provided: \*\*\*") as caught:
        asks[ask]()
    assert "secret" not in str(caught.value)


@pytest.mark.reliability("R-041")
def test_a_carried_error_that_quotes_the_key_is_carried_without_it(upstream):
    upstream.reply(401, QUOTING, path="/v1/files")
    house = backend(upstream, key="a-long-secret", endpoints=("files",))
    assert b"provided: ***." in house.forward("files", "GET", "/v1/files", b"", "").body


@pytest.mark.reliability("R-040")
@pytest.mark.parametrize("odd", ["text/html\rX-Evil: 1", "text/\u00e9", ""])
def test_a_media_type_that_is_none_is_not_carried(upstream, odd):
    upstream.reply(200, b"{}", path="/v1/files", content_type=odd)
    reply = backend(upstream, endpoints=("files",)).forward(
        "files", "GET", "/v1/files", b"", ""
    )
    assert reply.content_type == "application/octet-stream"
