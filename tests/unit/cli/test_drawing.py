from proxyapp.cli.drawing import ASCII
from proxyapp.cli.drawing import columns
from proxyapp.cli.drawing import draw_box
from proxyapp.cli.drawing import draw_rows
from proxyapp.cli.drawing import draw_table
from proxyapp.cli.drawing import UNICODE
from proxyapp.cli.drawing import WIDTH

COMMAND = "curl http://127.0.0.1:11434/v1/chat/completions -d '{\"a\": 1}' and far more"


def test_a_box_frames_its_lines_and_leaves_the_command_bare():
    assert draw_box(UNICODE, "name", ["one", "longest"], "next", "type this") == [
        "╭─ name ──╮",
        "│ one     │",
        "│ longest │",
        "├─ next ──┤",
        "type this",
        "╰─────────╯",
    ]


def test_a_box_can_do_without_unicode():
    assert draw_box(ASCII, "name", ["one"], "next", "type this") == [
        "+- name -+",
        "| one    |",
        "+- next -+",
        "type this",
        "+--------+",
    ]


def test_a_long_command_neither_widens_the_box_nor_breaks():
    box = draw_box(UNICODE, "name", ["one"], "next", COMMAND)
    assert COMMAND in box
    assert len(box[0]) < len(COMMAND)


def test_a_long_title_widens_the_box():
    box = draw_box(UNICODE, "a rather long title", ["x"], "next", "c")
    assert {columns(line) for line in box if line != "c"} == {columns(box[0])}
    assert "a rather long title" in box[0]


def test_wide_characters_keep_the_frame_straight():
    box = draw_box(UNICODE, "name", ["模型", "abcd"], "next", "c")
    assert box[1:3] == ["│ 模型   │", "│ abcd   │"]


def test_a_combining_character_takes_no_column():
    assert columns("e\u0301") == 1


def test_a_long_fact_goes_on_beside_its_label():
    lines = draw_rows([("Label", "word " * 20)], indent=8)
    assert lines[0].startswith("Label   word word")
    assert lines[1].startswith("        word")
    assert max(map(len, lines)) <= WIDTH - 4


def test_an_address_is_never_broken():
    url = "http://" + "a" * 90
    assert f"x{'':9}{url}" in draw_rows([("x", url)])


def test_an_empty_fact_is_an_empty_line():
    assert draw_rows([("", "")]) == [""]


def test_the_columns_of_a_table_line_up():
    assert draw_table([("a", "long", "x"), ("longer", "b", "")]) == [
        "a       long  x",
        "longer  b",
    ]


def test_a_table_without_rows_is_empty():
    assert draw_table([]) == []
