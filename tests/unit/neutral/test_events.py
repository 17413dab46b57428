import pytest

from proxyapp.neutral.events import MessageEnd
from proxyapp.neutral.events import MessageStart
from proxyapp.neutral.events import TextDelta
from proxyapp.neutral.events import ThinkingDelta
from proxyapp.neutral.events import ToolCallDelta
from proxyapp.neutral.events import ToolCallStart


@pytest.mark.parametrize(
    "event",
    [
        MessageStart("", "m"),
        TextDelta(0, b'"a"'),
        ThinkingDelta(0, b'"a"'),
        ToolCallStart(0, "call_1", "look"),
        ToolCallDelta(0, "{}"),
        MessageEnd("stop"),
    ],
)
def test_an_event_belongs_to_the_first_choice_unless_told(event):
    assert event.choice == 0


def test_an_event_has_no_room_for_more():
    with pytest.raises(AttributeError):
        TextDelta(0, b'"a"').extra = 1
