import base64

import pytest

from proxyapp.dialects.ollama.generate import decode_generate
from proxyapp.dialects.ollama.generate import GENERATE
from proxyapp.errors import BadRequest
from proxyapp.neutral.messages import ImagePart
from proxyapp.neutral.messages import Message
from proxyapp.neutral.messages import TextPart
from proxyapp.neutral.request import ChatRequest
from proxyapp.neutral.request import CompletionRequest

GIF = base64.b64encode(b"GIF89a").decode()


def decoded(**body):
    return decode_generate({"model": "m", **body})


def test_a_prompt_is_a_chat_of_one_turn():
    request = decoded(prompt="hi", context=[1, 2], template="")
    assert isinstance(request, ChatRequest)
    assert request.messages == (Message("user", (TextPart("hi"),)),)
    assert request.stream is True


def test_the_system_text_comes_first():
    request = decoded(prompt="hi", system="be")
    assert [message.role for message in request.messages] == ["system", "user"]
    assert request.messages[0].text == "be"


def test_images_go_with_the_prompt():
    (message,) = decoded(prompt="hi", images=[GIF]).messages
    assert isinstance(message.content[1], ImagePart)


def test_images_alone_are_enough_to_ask():
    (message,) = decoded(images=[GIF]).messages
    assert len(message.content) == 1


@pytest.mark.parametrize("body", [{}, {"prompt": ""}, {"prompt": "", "raw": True}])
def test_without_a_prompt_there_is_nothing_to_say(body):
    assert decoded(**body, system="be").messages == ()


def test_a_raw_prompt_goes_past_the_template():
    request = decoded(prompt="<|im_start|>", raw=True, stream=False)
    assert isinstance(request, CompletionRequest)
    assert request.prompt == "<|im_start|>"
    assert request.suffix is None
    assert request.stream is False


def test_a_suffix_goes_along_with_the_prompt():
    request = decoded(prompt="def f(", suffix="return 1")
    assert isinstance(request, CompletionRequest)
    assert (request.prompt, request.suffix) == ("def f(", "return 1")


def test_an_empty_suffix_is_none():
    assert isinstance(decoded(prompt="hi", suffix=""), ChatRequest)


def test_a_raw_prompt_takes_no_system_text():
    with pytest.raises(BadRequest, match="put the system text into it"):
        decoded(prompt="hi", raw=True, system="be")


@pytest.mark.parametrize(
    ("wish", "count"), [({}, 1), ({"top_logprobs": 4}, 4), ({"top_logprobs": 0}, 1)]
)
def test_log_probabilities_of_a_raw_prompt_are_a_number(wish, count):
    request = decoded(prompt="hi", raw=True, logprobs=True, **wish)
    assert request.sampling.fields == {"logprobs": count}


def test_a_template_is_refused():
    with pytest.raises(BadRequest, match="'template' cannot be set"):
        decoded(prompt="hi", template="{{ .Prompt }}")


@pytest.mark.parametrize("field", ["prompt", "system", "suffix", "template"])
def test_a_text_that_is_none_is_refused(field):
    with pytest.raises(BadRequest, match=f"'{field}' must be a string"):
        decoded(**{"prompt": "hi", field: [1]})


def test_options_are_read():
    request = decoded(prompt="hi", options={"num_predict": 3})
    assert request.sampling.max_tokens == 3


def test_the_shape_leaves_out_what_was_not_said():
    call = {"function": {"name": "f", "arguments": {}}}
    assert GENERATE.said("a", "", []) == {"response": "a"}
    assert GENERATE.said("", "b", [call]) == {
        "response": "",
        "thinking": "b",
        "tool_calls": [call],
    }
