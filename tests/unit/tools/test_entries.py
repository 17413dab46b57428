"""A tool is read whatever dialect wrote it."""

import pytest

from proxyapp.errors import BadRequest
from proxyapp.tools.entries import Dropped
from proxyapp.tools.entries import entries_of
from proxyapp.tools.entries import Entry
from proxyapp.tools.entries import read_entry

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}
READ = Entry("weather", "weather", "Tells it", SCHEMA)
NAMED = {"name": "weather", "description": "Tells it"}


@pytest.mark.parametrize(
    "value",
    [
        {"type": "function", "function": {**NAMED, "parameters": SCHEMA}},
        {"type": "function", **NAMED, "parameters": SCHEMA, "strict": True},
        {**NAMED, "parameters": SCHEMA},
        {**NAMED, "input_schema": SCHEMA, "cache_control": {"type": "ephemeral"}},
        {"type": "custom", **NAMED, "input_schema": SCHEMA},
        {**NAMED, "inputSchema": SCHEMA, "annotations": {}},
        {"type": "function", "function": {**NAMED, "input_schema": SCHEMA}},
        {"type": None, **NAMED, "parameters": SCHEMA},
    ],
)
def test_every_dialects_shape_is_read(value):
    assert read_entry(value) == READ


@pytest.mark.parametrize("kind", [None, 5, "", "Function", "object"])
def test_a_function_under_a_wrong_type_is_a_function(kind):
    value = {"type": kind, "function": {**NAMED, "parameters": SCHEMA}}
    entry = read_entry(value)
    assert (entry.name, entry.schema, entry.rules) == (
        "weather",
        SCHEMA,
        ("entry-type",),
    )


def test_a_bare_name_is_a_tool_without_parameters():
    assert read_entry("weather") == Entry(
        "weather", "weather", "", None, rules=("entry-text",)
    )


def test_a_tool_in_json_text_is_read():
    entry = read_entry('{"name": "weather", "parameters": {}}')
    assert (entry.name, entry.schema) == ("weather", {})


@pytest.mark.parametrize("value", [None, 5, True, [], "{broken", '["a"]'])
def test_what_is_no_tool_is_dropped(value):
    dropped = read_entry(value)
    assert isinstance(dropped, Dropped) or dropped.name == '["a"]'


@pytest.mark.parametrize(
    "value",
    [
        {"type": "web_search"},
        {"type": "web_search_20250305", "name": "web_search", "max_uses": 5},
        {"type": "bash_20250124", "name": "bash"},
        {"type": "code_interpreter", "container": {"type": "auto"}},
        {"type": "mcp", "server_label": "x", "server_url": "https://example.com"},
        {"type": "custom", "name": "patch", "format": {"type": "text"}},
        {"type": "custom", "custom": {"name": "patch"}},
    ],
)
def test_a_hosted_tool_is_dropped_as_such(value):
    assert read_entry(value) == Dropped("hosted-tool-dropped")


@pytest.mark.parametrize("name", [None, "", " ", "\0", [], {}, True])
def test_a_tool_without_a_name_is_dropped(name):
    value = {"type": "function", "function": {"name": name, "parameters": SCHEMA}}
    assert read_entry(value) == Dropped("nameless-tool-dropped")


@pytest.mark.parametrize("function", [None, [], "f"])
def test_a_function_that_is_none_is_dropped(function):
    assert isinstance(read_entry({"type": "function", "function": function}), Dropped)


def test_a_number_for_a_name_is_written_out():
    entry = read_entry({"name": 5})
    assert (entry.name, entry.client_name, entry.rules) == ("5", "5", ("name-number",))


def test_control_characters_leave_the_name():
    entry = read_entry({"name": "a\0b\x1b"})
    assert (entry.name, entry.client_name) == ("ab", "a\0b\x1b")


@pytest.mark.parametrize("name", ["mcp.server/get:v1", "a b", "東京", 'a"b\\c', "a\nb"])
def test_names_that_work_upstream_stay(name):
    assert read_entry({"name": name}).name == name


@pytest.mark.parametrize(
    ("given", "rules"), [(None, ()), (5, ("description",)), ([], ("description",))]
)
def test_a_description_is_text_or_empty(given, rules):
    entry = read_entry({"name": "f", "description": given})
    assert (entry.description, entry.rules) == ("", rules)


@pytest.mark.parametrize("flag", [None, 1, "true", False])
def test_only_true_makes_a_tool_eager(flag):
    assert not read_entry({"name": "f", "eager_input_streaming": flag}).eager


def test_one_tool_alone_is_a_list_of_one():
    assert entries_of({"name": "f"}) == [{"name": "f"}]


def test_a_text_is_no_tool_list():
    with pytest.raises(BadRequest):
        entries_of("f")
