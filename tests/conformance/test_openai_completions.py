"""E. OpenAI completions."""

import openai
import pytest

from tests import oracles
from tests.fakes.upstream import Cut
from tests.fakes.upstream import Finish
from tests.fakes.upstream import NoDone
from tests.fakes.upstream import Pause
from tests.fakes.upstream import Text
from tests.fakes.upstream import Usage
from tests.speakers import post

PATH = "/v1/completions"
TEXT = (Text("Hel"), Text("lo"), Finish(), Usage(3, 2))
ASKED = {"stream_options": {"include_usage": True}}


@pytest.fixture
def ask(gateway, upstream):
    """Ask; give the reply, after the steps the upstream shall play."""

    def asking(*steps, **fields):
        if steps:
            upstream.script(*steps, path=PATH)
        return post(gateway, PATH, {"model": "tiny", "prompt": "Say", **fields})

    return asking


@pytest.mark.conformance("C-098")
def test_a_whole_completion_is_well_formed(ask):
    body = ask(*TEXT).json()
    assert oracles.openai_completion(body) == []
    assert oracles.matches("completion", body) == []
    assert body["object"] == "text_completion"


@pytest.mark.conformance("C-098")
@pytest.mark.parametrize("usage", [False, True])
def test_a_streamed_completion_is_well_formed(ask, usage):
    raw = ask(*TEXT, stream=True, **(ASKED if usage else {})).content
    assert oracles.openai_completion_stream(raw, include_usage=usage) == []


@pytest.mark.conformance("C-098")
def test_the_strict_sdk_reads_a_whole_completion(sdk, upstream):
    upstream.script(*TEXT)
    whole = sdk.completions.create(model="tiny", prompt="Say")
    assert whole.choices[0].text == "Hello"


@pytest.mark.conformance("C-098")
def test_the_sdk_reads_a_streamed_completion(loose_sdk, upstream):
    # Its strict mode refuses the null finish_reason that OpenAI itself sends.
    upstream.script(*TEXT)
    stream = loose_sdk.completions.create(model="tiny", prompt="Say", stream=True)
    with stream:
        assert "".join(chunk.choices[0].text for chunk in stream) == "Hello"


@pytest.mark.conformance("C-098")
def test_a_recorded_completion_is_well_formed(ask, upstream):
    upstream.replay("completions_stream", path=PATH)
    raw = ask(stream=True).content
    assert oracles.openai_completion_stream(raw) == []
    assert oracles.text_of("completion", raw)


@pytest.mark.conformance("C-099")
@pytest.mark.parametrize(
    "prompt", [["a", "b"], [[1, 2], [3]], ["one"]], ids=["texts", "tokens", "one"]
)
def test_each_prompt_has_a_choice(sdk, upstream, prompt):
    said = [Text(f"said {n}", n) for n in range(len(prompt))]
    ends = [Finish(choice=n) for n in range(len(prompt))]
    upstream.script(*said, *ends, Usage(1, 2), path=PATH)
    reply = sdk.completions.create(model="tiny", prompt=prompt)
    assert [choice.index for choice in reply.choices] == list(range(len(prompt)))
    assert upstream.generations[-1].json["prompt"] == prompt


@pytest.mark.conformance("C-099")
@pytest.mark.parametrize("prompt", [[], [None], {}, 7, [True], [[1.5]]], ids=repr)
def test_an_odd_prompt_is_a_client_error(ask, prompt):
    reply = ask(prompt=prompt)
    assert reply.status_code == 400
    assert reply.json()["error"]["param"] == "prompt"


@pytest.mark.conformance("C-100")
@pytest.mark.parametrize(("field", "value"), [("suffix", "end"), ("echo", True)])
def test_what_llama_server_would_ignore_is_refused(ask, upstream, field, value):
    reply = ask(**{field: value})
    assert reply.status_code == 400
    assert reply.json()["error"]["param"] == field
    assert upstream.generations == []


@pytest.mark.conformance("C-100")
def test_suffix_and_echo_go_to_a_server_that_has_them(served, upstream):
    wishes = {"suffix": "end", "echo": True}
    body = {"model": "org/coder:7b", "prompt": "Say", **wishes}
    assert post(served, PATH, body).status_code == 200
    sent = upstream.generations[-1].json
    assert (sent["suffix"], sent["echo"]) == ("end", True)


@pytest.mark.conformance("C-100")
def test_more_attempts_than_choices_are_refused(ask):
    assert ask(best_of=3).json()["error"]["param"] == "best_of"


@pytest.mark.conformance("C-101")
@pytest.mark.parametrize("steps", [TEXT, TEXT[:-1]], ids=["given", "estimated"])
def test_usage_that_was_asked_for_is_told(loose_sdk, upstream, steps):
    upstream.script(*steps, path=PATH)
    stream = loose_sdk.completions.create(
        model="tiny", prompt="Say", stream=True, **ASKED
    )
    with stream:
        *rest, last = list(stream)
    assert last.choices == []
    assert last.usage.completion_tokens == 2
    assert all(chunk.usage is None for chunk in rest)


@pytest.mark.conformance("C-102")
def test_a_stream_ends_with_an_empty_text_and_the_mark(ask):
    raw = ask(*TEXT, stream=True).content
    *_, finish, done, rest = raw.split(b"\n\n")
    assert b'"text":""' in finish
    assert b'"finish_reason":"stop"' in finish
    assert (done, rest) == (b"data: [DONE]", b"")


@pytest.mark.parametrize("end", [NoDone(), Cut(), Cut(mid_chunk=True)], ids=repr)
def test_a_completion_that_was_cut_fails(loose_sdk, upstream, end):
    upstream.script(Text("Hel"), end, path=PATH)
    stream = loose_sdk.completions.create(model="tiny", prompt="Say", stream=True)
    with stream, pytest.raises(openai.APIError):
        list(stream)


def test_a_silent_completion_is_kept_alive(ask):
    raw = ask(Text("Hel"), Pause(1.6), *TEXT[1:], stream=True).content
    assert b": ping\n\n" in raw
    assert oracles.openai_completion_stream(raw) == []


def test_sampling_fields_go_upstream_and_others_do_not(ask, upstream):
    ask(temperature=0, max_tokens=5, stop=["x"], user="me", zzz=1)
    sent = upstream.generations[-1].json
    assert (sent["temperature"], sent["max_tokens"], sent["stop"]) == (0, 5, ["x"])
    assert sent.keys() & {"user", "zzz"} == set()
