import pytest

from proxyapp.backends.base import ModelInfo
from proxyapp.dialects.ollama.chat import CHAT
from proxyapp.dialects.ollama.chat import decode_chat
from proxyapp.dialects.ollama.chat import possible_reasoning
from proxyapp.errors import BadRequest
from proxyapp.neutral.messages import Message
from proxyapp.neutral.messages import TextPart
from proxyapp.neutral.messages import Tool
from proxyapp.neutral.request import Reasoning
from proxyapp.neutral.request import ResponseFormat

ASKED = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
PLAIN = ModelInfo("m", "b", "m")
THINKER = ModelInfo("m", "b", "m", capabilities=frozenset({"completion", "thinking"}))


def test_a_chat_streams_unless_told_otherwise():
    assert decode_chat(ASKED, ()).stream is True
    assert decode_chat({**ASKED, "stream": None}, ()).stream is True
    assert decode_chat({**ASKED, "stream": False}, ()).stream is False


def test_what_is_asked_for_is_read():
    more = {"think": "low", "format": "json", "logprobs": True, "zzz": 1}
    tool = Tool("f")
    options = {"num_predict": 5, "stop": ["x"], "temperature": 0.5}
    request = decode_chat({**ASKED, **more, "options": options}, (tool,))
    assert request.model == "m"
    assert request.messages == (Message("user", (TextPart("hi"),)),)
    assert request.tools == (tool,)
    assert request.reasoning == Reasoning("low")
    assert request.response_format == ResponseFormat()
    assert request.sampling.max_tokens == 5
    assert request.sampling.stop == ("x",)
    assert request.sampling.fields == {"temperature": 0.5, "logprobs": True}


@pytest.mark.parametrize("model", [None, "", 1])
def test_a_model_is_required(model):
    with pytest.raises(BadRequest, match="'model'"):
        decode_chat({**ASKED, "model": model}, ())


def test_a_model_that_thinks_gets_the_wish():
    wish = Reasoning("high")
    assert possible_reasoning(wish, "m", THINKER) is wish


def test_a_model_that_does_not_think_is_not_asked_to():
    with pytest.raises(BadRequest, match='"x" does not support thinking'):
        possible_reasoning(Reasoning("medium"), "x", PLAIN)


def test_a_model_that_does_not_think_need_not_be_stopped():
    assert possible_reasoning(Reasoning("none"), "m", PLAIN) is None


def test_no_wish_is_no_wish():
    assert possible_reasoning(None, "m", PLAIN) is None


def test_the_shape_leaves_out_what_was_not_said():
    assert CHAT.said("a", "", []) == {"message": {"role": "assistant", "content": "a"}}
