import tomllib

import pytest

from proxyapp.settings.lines import key_lines


def lines(text):
    tomllib.loads(text)
    return key_lines(text)


def test_a_key_has_its_line():
    assert lines("a = 1\nb = 2\n")[("b",)] == 2


def test_a_key_in_a_table_has_its_path():
    assert lines("[server]\n\nworkers = 2\n")[("server", "workers")] == 3


def test_a_table_has_the_line_of_its_header():
    assert lines("a = 1\n\n[server]\n")[("server",)] == 3


def test_a_dotted_key_names_every_table_on_its_way():
    found = lines("\na.b . c = 1\n")
    assert (found[("a",)], found[("a", "b")], found[("a", "b", "c")]) == (2, 2, 2)


def test_a_quoted_key_is_read_without_its_quotes():
    assert lines("\"a.b\" = 1\n'c d'.e = 2\n") == {
        ("a.b",): 1,
        ("c d",): 2,
        ("c d", "e"): 2,
    }


def test_an_escape_in_a_quoted_key_is_read():
    assert lines('"a\\u0062\\"" = 1')[('ab"',)] == 1


def test_tables_of_an_array_are_counted():
    found = lines("[[backends]]\nname = 1\n[[backends]]\nname = 2\n")
    assert (found[("backends", 0, "name")], found[("backends", 1, "name")]) == (2, 4)


def test_a_table_below_an_array_belongs_to_its_last_entry():
    found = lines("[[b]]\n[[b]]\n[b.compat]\nx = 1\n")
    assert found[("b", 1, "compat", "x")] == 4


def test_an_array_below_an_array_counts_anew_in_each_entry():
    found = lines("[[a]]\n[[a.b]]\nx = 1\n[[a]]\n[[a.b]]\nx = 2\n")
    assert (found[("a", 0, "b", 0, "x")], found[("a", 1, "b", 0, "x")]) == (3, 6)


def test_an_array_keeps_the_line_of_its_first_entry():
    assert lines("[[b]]\n[[b]]\n")[("b",)] == 1


@pytest.mark.parametrize(
    "value",
    [
        '"""\n[x]\ny = 1\\"""\n"""""',
        "'''\n[x]\n# '\n''''",
        '[\n  "]", # ] "\n  \'[\',\n]',
        '[\n  { a = "}" },\n  [\n    1,\n  ],\n]',
        '"a # b = \\" c"',
        '""',
        "''",
        "1979-05-27T07:32:00Z # x = 1",
        "{ x = [\n1\n], y = '''\n''' }",
    ],
)
def test_what_stands_in_a_value_is_no_key(value):
    text = f"first = {value}\nlast = 1\n"
    assert lines(text) == {("first",): 1, ("last",): text.count("\n")}


def test_line_ends_of_windows_count_once():
    assert lines("a = 1\r\n\r\nb = '''\r\n'''\r\nc = 3\r\n")[("c",)] == 5


def test_comments_and_blank_lines_count():
    assert lines("# a = 1\n\n  # b\n\tc = 1")[("c",)] == 4


def test_an_empty_text_has_no_keys():
    assert lines("# nothing") == {}
