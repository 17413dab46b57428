"""Arguments are repaired in their syntax, and in nothing else."""

import json

import pytest

from proxyapp.errors import BrokenToolCall
from proxyapp.tools.arguments import clean_history_arguments
from proxyapp.tools.arguments import complete_arguments

PATH = {
    "type": "object",
    "properties": {"path": {"type": "string"}, "mode": {"enum": ["r", "w"]}},
    "required": ["path"],
}


@pytest.mark.parametrize(
    "text",
    ["{}", '{"a": 1}', ' {"a":\n[1, 2]} ', '{"path": 5}', '{"a": 1, "a": 2}'],
)
def test_a_json_object_stays_as_it_is(text):
    assert complete_arguments(text, PATH) == text


@pytest.mark.parametrize("text", ["", " ", "\n\t", "null", " null "])
def test_nothing_at_all_means_no_arguments(text):
    assert complete_arguments(text, PATH) == "{}"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ('{"a": 1,}', {"a": 1}),
        ('{"a": [1, 2,],}', {"a": [1, 2]}),
        ("{'a': 'b'}", {"a": "b"}),
        ("{'a': 'say \"hi\"'}", {"a": 'say "hi"'}),
        ("{'it': 'don\\'t'}", {"it": "don't"}),
        ("{a: 1, b_c: 2}", {"a": 1, "b_c": 2}),
        ('{"a": {"b": 1}', {"a": {"b": 1}}),
        ('{"a": ["x"', {"a": ["x"]}),
        ('{"a": true', {"a": True}),
        ('```json\n{"a": 1,}\n```', {"a": 1}),
        ('```\n{"a": 1}\n```', {"a": 1}),
        ('{"a": True, "b": False, "c": None}', {"a": True, "b": False, "c": None}),
        ('{"a": "x\ny\tz"}', {"a": "x\ny\tz"}),
        ('"{\\"a\\": 1}"', {"a": 1}),
        ('"{\\"a\\": 1,}"', {"a": 1}),
        ('{"a": 1 "b": 2}', {"a": 1, "b": 2}),
        ('{"a": 1}}', {"a": 1}),
        ('{"a": "C:\\\\temp\\n",}', {"a": "C:\\temp\n"}),
        ('{"a": "ends in a line break\\n",}', {"a": "ends in a line break\n"}),
        ('{"a": "\\u00e9\\/ 😀",}', {"a": "é/ 😀"}),
        (
            '{"a": -1.5e3, "b": 12345678901234567890,}',
            {"a": -1500.0, "b": 12345678901234567890},
        ),
        ('{"code": "if (a) { b[0] = \'x\'; }",}', {"code": "if (a) { b[0] = 'x'; }"}),
    ],
)
def test_broken_syntax_is_repaired(text, wanted):
    assert json.loads(complete_arguments(text, None)) == wanted


def test_a_long_number_keeps_its_digits():
    text = '{"id": 123456789012345678901234567890,}'
    assert complete_arguments(text, None) == '{"id":123456789012345678901234567890}'


@pytest.mark.parametrize(
    "text",
    [
        '{"path": "/etc/pas',
        '{"path": "/etc/passwd", "mode": "',
        '{"path": "/etc/passwd", "mo',
        '{"path": "/etc/passwd",',
        '{"path": "/etc/passwd", "mode":',
        '{"path": "/etc/passwd", "mode"',
        "{'path': '/etc/pas",
        '{"count": 12',
        '{"list": [1, 2',
        '{"on": tru',
        "{",
        '{"',
        '```json\n{"path": "/et',
    ],
)
def test_a_call_that_was_cut_off_is_refused(text):
    with pytest.raises(BrokenToolCall, match="tool call"):
        complete_arguments(text, None)


@pytest.mark.parametrize(
    "text",
    [
        "5",
        "[1]",
        '"text"',
        "true",
        "I will call the tool now",
        'Sure: {"a": 1}',
        '{"a": 1} and more',
        '{"a": 1}{"b": 2}',
        '{"a": "say "hi" twice"}',
        "{'it': 'don't'}",
        '{"a": b}',
        '{"a": NaN}',
        '{"a": 1.5.2}',
        '{"a": "\\q"}',
        '{"a": "x" "y"}',
        "{1: 2}",
        '{"a": /* no */ 1}',
        '{"a": 0x10}',
        "[" * 200 + "]" * 200,
        '{"a":' * 200 + "1",
        '{"a": ' * 100_000,
        '{"a": "' + "x" * 2_000_000,
        "{" + "a: 1, " * 30_000 + "}",
    ],
)
def test_what_cannot_be_read_without_guessing_is_refused(text):
    with pytest.raises(BrokenToolCall, match="cannot be read"):
        complete_arguments(text, None)


@pytest.mark.parametrize(
    "text", ['{"mode": "r",}', '{"path": 5,}', "{path: 'x', mode: 'z'}"]
)
def test_repaired_arguments_must_follow_the_schema(text):
    with pytest.raises(BrokenToolCall, match="not met"):
        complete_arguments(text, PATH)


def test_repaired_arguments_that_follow_the_schema_pass():
    text = "{path: '/tmp/x', 'mode': \"w\",}"
    assert complete_arguments(text, PATH) == '{"path":"/tmp/x","mode":"w"}'


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ({"a": [1]}, '{"a":[1]}'),
        ('{"a": 1}', '{"a": 1}'),
        ('"{\\"a\\": 1}"', '{"a": 1}'),
        ('{"path": "/etc/pas', '{"path":"/etc/pas"}'),
        ('{"path": "C:\\', '{"path":"C:"}'),
        ('{"count": 12', '{"count":12}'),
        ('{"a": 1,', '{"a":1}'),
        ("{'a': True}", '{"a":true}'),
        ('{"a": "long\nline', '{"a":"long\\nline"}'),
        ("{", "{}"),
        ("", "{}"),
        ("null", "{}"),
        ("[1]", "{}"),
        ("text", "{}"),
        (None, "{}"),
        (5, "{}"),
        ([], "{}"),
        ({1: object()}, "{}"),
        ({"a": {1, 2}}, "{}"),
        ("[" * 100_000, "{}"),
    ],
)
def test_the_arguments_of_a_past_call_become_an_object(value, wanted):
    assert clean_history_arguments(value) == wanted


def test_a_long_text_that_was_cut_is_closed_off():
    text = '{"content": "' + "a line\\n" * 50_000
    assert json.loads(clean_history_arguments(text)) == {"content": "a line\n" * 50_000}
