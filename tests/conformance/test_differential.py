"""L. Across dialects: one upstream reply, told in every dialect."""

import concurrent.futures
import itertools
import json

import hypothesis
import pytest
from hypothesis import strategies as st

from proxyapp.backends.openai.encode import encode_chat
from proxyapp.dialects.openai.chat import decode_chat
from proxyapp.settings.schema import COMPAT
from proxyapp.tools.repair import ToolRepairer
from tests import oracles
from tests.fakes.answers import Script
from tests.fakes.upstream import Cut
from tests.fakes.upstream import Delta
from tests.fakes.upstream import Error
from tests.fakes.upstream import Finish
from tests.fakes.upstream import NoDone
from tests.fakes.upstream import Pause
from tests.fakes.upstream import Reasoning
from tests.fakes.upstream import Text
from tests.fakes.upstream import ToolCall
from tests.fakes.upstream import Usage
from tests.speakers import CHATS
from tests.speakers import each_speaker
from tests.speakers import post
from tests.speakers import SPEAKERS

PATH_SCHEMA = {"type": "object", "properties": {"path": {"type": "string"}}}
TOOLS = {"ls": PATH_SCHEMA, "cat": PATH_SCHEMA}
LS = ToolCall("call_1", "ls", {"path": "/etc"}, fragments=4)
CAT = ToolCall("call_2", "cat", {"path": "h\u00e9 \U0001f680"}, fragments=9)
TEXTS = {
    "text": (Text("Hel"), Text("lo \U0001f680"), Finish(), Usage(30, 4)),
    "lines": (Text("a\n\nb\u2028c"), Text('\t"d"\\'), Finish(), Usage(30, 4)),
    "empty": (Finish(), Usage(30, 0)),
    "length": (Text("cut o"), Finish("length"), Usage(30, 2)),
    "cached": (Text("again"), Finish(), Usage(30, 1, cached=29)),
}
TURNS = {
    "call": (LS, Finish("tool_calls"), Usage(30, 9)),
    "two calls": (LS, CAT, Finish("tool_calls"), Usage(30, 18)),
    "text and call": (Text("I look."), LS, Finish("stop"), Usage(30, 9)),
    "reasoning": (Reasoning("Hm"), Reasoning("."), Text("So."), Finish(), Usage(30, 3)),
    "all": (
        Reasoning("Hm."),
        Text("I look."),
        LS,
        CAT,
        Finish("tool_calls"),
        Usage(30, 20, 5, 3),
    ),
}
# A stream of OpenAI's has told the beginning by the time the end is known.
CUT_OFF = (
    LS,
    ToolCall("call_2", "cat", '{"path": "/e'),
    Finish("length"),
    Usage(30, 12),
)


def views(gateway, speakers):
    """Ask in each dialect, streamed and whole; give what each was told."""
    for speaker, stream in itertools.product(speakers, (False, True)):
        tools = TOOLS if speaker.calls else {}
        reply = speaker.post(gateway, "go", tools, stream=stream)
        assert reply.status_code == 200, reply.text
        if stream:
            assert speaker.stream_violations(reply.content) == []
        else:
            assert speaker.whole_violations(reply.json()) == []
        told = speaker.view(reply.content if stream else reply.json())
        yield f"{speaker.name} {'streamed' if stream else 'whole'}", told


def disagreements(told):
    """Give what any view tells otherwise than the first."""
    (_, first), *rest = told
    return {
        name: found
        for name, view in rest
        if (found := oracles.differences(first, view))
    }


@pytest.mark.conformance("C-210")
@pytest.mark.parametrize("name", TEXTS)
def test_text_is_the_same_in_every_dialect(gateway, upstream, name):
    upstream.script(*TEXTS[name])
    assert disagreements(views(gateway, SPEAKERS)) == {}


@pytest.mark.conformance("C-210")
@pytest.mark.parametrize("name", TURNS)
def test_calls_and_reasoning_are_the_same_in_every_dialect(gateway, upstream, name):
    upstream.script(*TURNS[name])
    assert disagreements(views(gateway, CHATS)) == {}


@pytest.mark.conformance("C-210")
def test_a_call_the_limit_cut_off_is_told_by_none_that_can_wait(gateway, upstream):
    upstream.script(*CUT_OFF)
    told = [one for one in views(gateway, CHATS) if one[0] != "openai streamed"]
    assert disagreements(told) == {}
    assert [call.name for call in told[0][1].calls] == ["ls"]
    assert told[0][1].finish == "length"


# -------------------------------------------------------------- requests, both ways

words = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)
# What the gateway keeps as it is: turns that alternate, each call with its result.
names = st.sampled_from(sorted(TOOLS))
arguments = st.dictionaries(words, words | st.integers(-9, 9), max_size=2)


@st.composite
def conversations(draw):
    messages = (
        [{"role": "system", "content": draw(words)}] if draw(st.booleans()) else []
    )
    for turn in range(draw(st.integers(1, 3))):
        messages.append({"role": "user", "content": draw(words)})
        calls = [
            {
                "id": f"call_{turn}_{number}",
                "type": "function",
                "function": {"name": name, "arguments": json.dumps(draw(arguments))},
            }
            for number, name in enumerate(draw(st.lists(names, max_size=2)))
        ]
        said = draw(words)
        assistant = {"role": "assistant", "content": said}
        messages.append({**assistant, "tool_calls": calls} if calls else assistant)
        messages += [
            {"role": "tool", "tool_call_id": call["id"], "content": draw(words)}
            for call in calls
        ]
    return [*messages, {"role": "user", "content": draw(words)}]


fields = st.fixed_dictionaries(
    {},
    optional={
        "temperature": st.floats(0, 2),
        "top_p": st.floats(0, 1),
        "seed": st.integers(0, 2**31),
        "max_tokens": st.integers(0, 9999),
        "stop": st.lists(words, min_size=1, max_size=3),
        "n": st.integers(2, 4),
        "reasoning_effort": st.sampled_from(["none", "low", "high"]),
        "response_format": st.just({"type": "json_object"}),
        "tool_choice": st.just("required"),
        "parallel_tool_calls": st.just(False),
    },
)


def there_and_back(body):
    """Decode a request as OpenAI's dialect does, and write it for an upstream."""
    repaired = ToolRepairer().repair(body["tools"])
    request = decode_chat(body, repaired.tools)
    return encode_chat("tiny", request, COMPAT["openai"])


@pytest.mark.conformance("C-211")
@hypothesis.settings(max_examples=150, deadline=None, derandomize=True)
@hypothesis.given(messages=conversations(), given=fields)
def test_a_request_that_passes_through_means_the_same(messages, given):
    tools = [
        {"type": "function", "function": {"name": name, "parameters": PATH_SCHEMA}}
        for name in TOOLS
    ]
    body = {"model": "tiny", "messages": messages, "tools": tools, **given}
    written = there_and_back(body)
    assert written.pop("stream") is True
    assert written.pop("stream_options") == {"include_usage": True}
    assert written == body


# ----------------------------------------------------------------- replies as history


def openai_history(asked, reply):
    return {**asked, "messages": [*asked["messages"], reply["choices"][0]["message"]]}


def ollama_history(asked, reply):
    return {**asked, "messages": [*asked["messages"], reply["message"]]}


def anthropic_history(asked, reply):
    turn = {"role": "assistant", "content": reply["content"]}
    results = [
        {"type": "tool_result", "tool_use_id": block["id"], "content": "done"}
        for block in reply["content"]
        if block["type"] == "tool_use"
    ]
    user = {"role": "user", "content": results or "go on"}
    return {**asked, "messages": [*asked["messages"], turn, user]}


def responses_history(asked, reply):
    said = {"role": "user", "content": asked["input"]}
    return {**asked, "input": [said, *reply["output"]]}


HISTORIES = {
    "openai": openai_history,
    "ollama": ollama_history,
    "anthropic": anthropic_history,
    "responses": responses_history,
}


def turn_of(body):
    """Give text and calls of the assistant's turn in a body that went upstream."""
    (turn,) = [m for m in body["messages"] if m["role"] == "assistant"]
    calls = [
        (c["id"], c["function"]["name"], json.loads(c["function"]["arguments"]))
        for c in turn.get("tool_calls", [])
    ]
    return turn["content"] or "", calls


@pytest.mark.conformance("C-212")
@pytest.mark.parametrize("name", ["call", "two calls", "text and call", "all"])
@each_speaker(CHATS)
def test_a_reply_sent_back_is_the_turn_it_was(gateway, upstream, speaker, name):
    steps = TURNS[name]
    upstream.script(*steps)
    asked = speaker.body("go", TOOLS)
    reply = post(gateway, speaker.path, asked, speaker.headers).json()
    again = HISTORIES[speaker.name](asked, reply)
    assert post(gateway, speaker.path, again, speaker.headers).status_code == 200
    text = "".join(step.text for step in steps if isinstance(step, Text))
    calls = [(s.id, s.name, s.arguments) for s in steps if isinstance(s, ToolCall)]
    assert turn_of(upstream.generations[-1].json) == (text, calls)


# ------------------------------------------------------------------- whatever comes

texts = st.builds(Text, st.text(max_size=12).filter(lambda t: t.isprintable()))
reasonings = st.builds(Reasoning, words)
pieces = texts | reasonings | st.just(Delta({"content": None, "tool_calls": []}))


@st.composite
def replies(draw):
    """Make what comes before the end; the ids of its calls differ."""
    said = [draw(pieces | st.none()) for _ in range(draw(st.integers(0, 8)))]
    return tuple(
        ToolCall(
            f"call_{number}",
            draw(names),
            draw(st.sampled_from(["{}", '{"path":"/"}', '{"path": "h\u00e9"}', ""])),
            fragments=draw(st.integers(1, 5)),
            index=draw(st.none() | st.integers(0, 1)),
        )
        if step is None
        else step
        for number, step in enumerate(said)
    )


ENDS = st.sampled_from(
    [
        (Finish("stop"), Usage(9, 5)),
        (Finish("tool_calls"), Usage(9, 5)),
        (Finish("length"),),
        (Finish("eos"),),
        (Finish(None), NoDone()),
        (Error("boom"),),
        (NoDone(),),
        (Cut(),),
        (Cut(mid_chunk=True),),
    ]
)
scripts = st.tuples(replies(), ENDS)


@pytest.mark.conformance("C-213")
@each_speaker()
@hypothesis.settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture],
)
@hypothesis.given(script=scripts, split=st.none() | st.integers(1, 64))
def test_whatever_comes_no_stream_breaks_its_grammar(
    gateway, upstream, speaker, script, split
):
    hypothesis.note(repr((script, split)))
    begun, end = script
    upstream.reset()
    upstream.script(*begun, *end, split=split)
    reply = speaker.post(gateway, "go", TOOLS if speaker.calls else {}, stream=True)
    if reply.status_code != 200:
        assert reply.status_code == 502
        assert speaker.error_violations(502, reply.json()) == []
        return
    failed = speaker.view(reply.content).failure is not None
    assert speaker.stream_violations(reply.content, failed=failed) == []
    assert failed == isinstance(end[-1], Error | NoDone | Cut)


# -------------------------------------------------------------------- side by side


@pytest.mark.conformance("C-214")
@each_speaker(CHATS)
def test_streams_side_by_side_never_mix(gateway, upstream, speaker):
    def echo(request):
        said = request.json["messages"][-1]["content"]
        spoken = [step for _ in range(5) for step in (Text(said), Pause(0.01))]
        call = ToolCall(f"call_{said}", "ls", {"path": said}, fragments=3)
        return Script((*spoken, call, Finish("tool_calls"), Usage(1, 6)))

    upstream.respond(echo)
    said = [f"w{number:02}" for number in range(20)]

    def ask(word):
        return speaker.post(gateway, word, TOOLS, stream=True).content

    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        told = [speaker.view(raw) for raw in pool.map(ask, said)]
    assert [view.text for view in told] == [word * 5 for word in said]
    assert [view.calls[0].arguments for view in told] == [{"path": w} for w in said]
