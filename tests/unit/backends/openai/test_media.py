import pytest

from proxyapp.backends.openai.media import refuse_unread
from proxyapp.errors import BadRequest
from proxyapp.neutral.messages import AudioPart
from proxyapp.neutral.messages import ImagePart
from proxyapp.neutral.messages import Message
from proxyapp.neutral.messages import TextPart
from proxyapp.neutral.messages import ToolResult
from proxyapp.settings.schema import Compat

IMAGE = ImagePart("data:image/png;base64,AA==")
AUDIO = AudioPart("AA==", "wav")
TEXT = Message("user", (TextPart("hi"),))
BLIND = Compat(supports_images=False)
DEAF = Compat(supports_audio=False)


@pytest.mark.parametrize("compat", [Compat(), Compat(supports_images=True), DEAF])
def test_images_pass_unless_they_are_known_to_be_unread(compat):
    refuse_unread((TEXT, Message("user", (IMAGE,))), compat)


@pytest.mark.parametrize("compat", [Compat(), BLIND])
def test_audio_passes_unless_it_is_known_to_be_unread(compat):
    refuse_unread((Message("user", (AUDIO,)),), compat)


@pytest.mark.parametrize(
    ("part", "compat", "word"),
    [(IMAGE, BLIND, "images"), (AUDIO, DEAF, "audio")],
)
def test_the_message_with_the_unread_part_is_named(part, compat, word):
    with pytest.raises(BadRequest, match=word) as caught:
        refuse_unread((TEXT, Message("user", (part,))), compat)
    assert caught.value.param == "messages[1]"


def test_an_image_within_a_tool_result_counts():
    result = Message("tool", (ToolResult("call_1", (IMAGE,)),))
    with pytest.raises(BadRequest):
        refuse_unread((result,), BLIND)
