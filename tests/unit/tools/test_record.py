"""Repairs are written down as they are made."""

from proxyapp.tools.record import Recorder
from proxyapp.tools.record import Repair


def test_a_note_carries_the_tools_name():
    record = Recorder("search")
    record.note("type-name", "#/properties/x")
    assert record.repairs == [Repair("search", "type-name", "#/properties/x")]


def test_a_note_about_the_whole_tool_has_no_path():
    record = Recorder("search")
    record.note("name-number")
    assert record.repairs == [Repair("search", "name-number", "")]
