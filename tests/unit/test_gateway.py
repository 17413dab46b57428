from functools import partial

import pytest

from proxyapp.app import build_gateway
from proxyapp.errors import BadRequest
from proxyapp.errors import Forbidden
from proxyapp.errors import NotSupported
from proxyapp.errors import TooManyRequests
from proxyapp.gateway import estimated_prompt
from proxyapp.neutral.messages import Message
from proxyapp.neutral.messages import TextPart
from proxyapp.neutral.messages import Tool
from proxyapp.neutral.record import Caller
from proxyapp.neutral.record import Record
from proxyapp.neutral.request import ChatRequest
from proxyapp.neutral.request import EmbeddingRequest
from proxyapp.neutral.request import Reasoning
from proxyapp.neutral.request import ResponseFormat
from proxyapp.neutral.request import Sampling
from proxyapp.neutral.request import ToolChoice
from proxyapp.neutral.scope import Access
from proxyapp.neutral.scope import Scope
from proxyapp.relay.reply import collect
from proxyapp.settings.schema import BackendSettings
from proxyapp.settings.schema import Settings
from proxyapp.settings.schema import StreamSettings

ECHO = (BackendSettings(name="echo", kind="echo"),)
LOOK = {"type": "function", "function": {"name": "look"}}


def gateway(**stream):
    return build_gateway(Settings(backends=ECHO, stream=StreamSettings(**stream)))


def request(said="a b c", **fields):
    return ChatRequest("echo", (Message("user", (TextPart(said),)),), **fields)


def answer(house, asked, **options):
    target = house.registry.resolve("echo")
    options = {"whole_calls": True, **options}
    return collect(
        house.chat(target, asked, house.repair(None), Record(), **options)
    ).choices[0]


def test_a_chat_is_answered():
    assert answer(gateway(), request()).text == "a b c"


def test_a_repair_is_counted():
    house = gateway()
    house.repair([LOOK])
    counts = house.counters.snapshot()
    assert counts["tool_repairs", "parameters-missing"] == 1


def test_a_schema_that_a_reply_must_fit_is_repaired_too():
    broken = {"type": "string", "minLength": 5, "maxLength": 2}
    house = gateway()
    made = house.prepared(request(response_format=ResponseFormat(broken)))
    assert made.response_format.schema == {"type": "string"}


@pytest.mark.parametrize(
    "choice", [ToolChoice("required"), ToolChoice("required", ("other",))]
)
def test_a_choice_that_cannot_be_met_is_refused(choice):
    with pytest.raises(BadRequest, match="tool_choice"):
        answer(gateway(), request(tool_choice=choice))


def test_the_reply_ends_at_a_stop_string():
    choice = answer(gateway(), request(sampling=Sampling(stop=("b",))))
    assert (choice.text, choice.stop_sequence) == ("a ", "b")


@pytest.mark.parametrize(
    ("mode", "thinking", "text"),
    [
        ("default", "I repeat what I was told.", "a"),
        ("off", "", "a"),
        ("show_reasoning", "", "> I repeat what I was told.\n\na"),
    ],
)
def test_the_mode_says_what_becomes_of_thinking(mode, thinking, text):
    choice = answer(gateway(thinking_mode=mode), request("a", reasoning=Reasoning()))
    assert (choice.thinking, choice.text) == (thinking, text)


def test_thinking_can_be_declined():
    choice = answer(gateway(), request(reasoning=Reasoning()), thinking=False)
    assert choice.thinking == ""


def test_an_endpoint_nobody_has_is_not_supported():
    with pytest.raises(NotSupported, match="files"):
        gateway().forward("files", "GET", "/v1/files", b"", "", Record())


def forwarding(upstream, *names):
    entries = [
        BackendSettings(name, url=upstream.url, endpoints=("rerank", "files"))
        for name in names
    ]
    return build_gateway(Settings(backends=(*ECHO, *entries)))


def record_of(**bounds):
    limits = bounds.pop("limits", {})
    caller = Caller("team", scope=Scope(**limits), access=Access(**bounds))
    return Record(caller=caller)


def test_an_endpoint_is_taken_to_a_backend_that_the_key_is_good_for(upstream):
    house = forwarding(upstream, "one", "two")
    asked = record_of(backends=("two",))
    house.forward("files", "GET", "/v1/files", b"", "", asked)
    assert asked.backend == "two"
    with pytest.raises(Forbidden, match="'files' here"):
        house.forward("files", "GET", "/v1/files", b"", "", record_of(backends=("x",)))
    assert len(upstream.requests) == 1


def test_an_endpoint_is_no_way_around_a_keys_models(upstream):
    house = forwarding(upstream, "one")
    ask = partial(house.forward, "rerank", "POST", "/v1/rerank")
    with pytest.raises(Forbidden, match="'big'"):
        ask(b'{"model":"big"}', "", record_of(models=(("!big",),)))
    assert upstream.requests == []
    ask(b'{"model":"big","model":"small"}', "", record_of(models=(("!big",),)))
    assert upstream.requests[0].body == b'{"model":"small"}'


def test_an_endpoint_is_no_way_around_a_keys_limits(upstream):
    house = forwarding(upstream, "one")
    limited = record_of(limits={"requests_per_minute": 1})
    house.forward("files", "GET", "/v1/files", b"", "", limited)
    with pytest.raises(TooManyRequests):
        house.forward("files", "GET", "/v1/files", b"", "", limited)


def test_however_many_come_at_once_no_more_begin_than_the_limit_allows():
    house = gateway()
    limited = record_of(limits={"requests_per_minute": 2})
    targets = [house.resolve("echo", limited) for _ in range(3)]

    def begin(target):
        return house.chat(
            target, request(), house.repair(None), limited, whole_calls=True
        )

    assert all(map(begin, targets[:2]))
    with pytest.raises(TooManyRequests):
        begin(targets[2])


def test_tokens_are_counted_by_the_backend():
    house = gateway()
    assert house.count(house.registry.resolve("echo"), request()) == 3


def test_an_estimate_grows_with_the_prompt():
    tool = Tool("look", "x" * 400)
    assert estimated_prompt(request()) < estimated_prompt(request(tools=(tool,)))


def embedded(count):
    house = gateway()
    asked = EmbeddingRequest("echo", tuple(f"text {n}" for n in range(count)))
    kept = Record()
    made = house.embed(house.registry.resolve("echo"), asked, kept)
    return house, made, kept


def test_many_texts_are_embedded_in_their_order():
    house, made, kept = embedded(300)
    echo = house.backends[0]
    model = echo.models()[0]
    alone = [
        echo.embed(model, EmbeddingRequest("echo", (f"text {n}",))) for n in (0, 299)
    ]
    assert [made.vectors[0], made.vectors[299]] == [one.vectors[0] for one in alone]
    assert (len(made.vectors), made.tokens, kept.usage.total) == (300, 600, 600)


def test_more_texts_than_anybody_means_are_refused():
    with pytest.raises(BadRequest, match="8193 texts"):
        embedded(8193)
