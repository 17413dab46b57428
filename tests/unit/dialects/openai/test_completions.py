import pytest

from proxyapp.dialects.openai.completions import CompletionEncoder
from proxyapp.dialects.openai.completions import decode_completion
from proxyapp.errors import BadRequest
from proxyapp.errors import UpstreamIncomplete
from proxyapp.neutral.events import MessageEnd
from proxyapp.neutral.events import MessageStart
from proxyapp.neutral.events import TextDelta
from proxyapp.neutral.usage import Usage
from proxyapp.relay.fold import fold
from tests import oracles

EVENTS = [
    *(MessageStart("", "m"), TextDelta(0, b'"a"'), TextDelta(0, b'"b"')),
    MessageEnd("length", Usage(1, 2)),
]


@pytest.mark.parametrize("prompt", ["a", ["a", "b"], [1, 2], [[1], [2]]])
def test_a_prompt_is_text_tokens_or_several(prompt):
    assert decode_completion({"model": "m", "prompt": prompt}).prompt == prompt


@pytest.mark.parametrize("prompt", [[], 1, [None], [[True]], [-1], {}])
def test_any_other_prompt_is_refused(prompt):
    with pytest.raises(BadRequest, match="prompt"):
        decode_completion({"model": "m", "prompt": prompt})


def test_best_of_several_is_not_promised():
    with pytest.raises(BadRequest, match="best_of"):
        decode_completion({"model": "m", "prompt": "a", "best_of": 3})


@pytest.mark.parametrize("usage", [True, False])
def test_a_stream_obeys_the_grammar(usage):
    encoder = CompletionEncoder("m", include_usage=usage)
    written = encoder.events(EVENTS) + encoder.end()
    assert oracles.openai_completion_stream(written, include_usage=usage) == []


def test_a_whole_reply_is_a_completion():
    body = CompletionEncoder("m").whole(fold(EVENTS))
    assert oracles.openai_completion(body) == []
    assert (body["choices"][0]["text"], body["choices"][0]["finish_reason"]) == (
        *("ab", "length"),
    )


def test_logprobs_are_joined_list_by_list():
    pieces = [{"tokens": ["a"], "x": 1}, {"tokens": ["b"]}]
    events = [TextDelta(0, b'"a"', 0, piece) for piece in pieces]
    body = CompletionEncoder("m").whole(fold([EVENTS[0], *events, EVENTS[-1]]))
    assert body["choices"][0]["logprobs"] == {"tokens": ["a", "b"]}


def test_an_error_ends_the_stream():
    encoder = CompletionEncoder("m")
    written = encoder.events(EVENTS[:2]) + encoder.error(UpstreamIncomplete("cut"))
    assert oracles.openai_completion_stream(written, expect_error=True) == []


def test_a_heartbeat_is_a_comment():
    assert CompletionEncoder("m").heartbeat().startswith(b":")
