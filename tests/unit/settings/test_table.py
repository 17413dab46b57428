from itertools import pairwise

from proxyapp.settings.shipped import CONFIG
from proxyapp.settings.table import comments
from proxyapp.settings.table import settings_page


def row(name):
    return next(
        line for line in settings_page().splitlines() if line.startswith(f"| `{name}`")
    )


def test_the_page_is_up_to_date():
    page = CONFIG.parent / "docs" / "settings.md"
    assert page.read_text(encoding="utf-8") == settings_page()


def test_a_setting_has_a_row():
    assert row("workers") == (
        "| `workers` | `2` | a whole number from 1 up to 256"
        " | `PROXYAPP_SERVER__WORKERS` | The number of worker processes."
        " One serves thousands of streams; more use more cores. |"
    )


def test_a_short_variable_is_shown_where_there_is_one():
    assert "| `LISTEN_PORT` |" in row("listen_port")


def test_a_quirk_has_a_default_for_each_kind():
    assert row("late_system").startswith(
        '| `late_system` | `"fold"` | `"keep"` | `"keep"` |'
    )


def test_every_row_of_a_table_has_as_many_cells():
    lines = settings_page().splitlines()
    uneven = [
        after
        for before, after in pairwise(lines)
        if before.startswith("|") and after.startswith("|")
        if before.count("|") != after.count("|")
    ]
    assert uneven == []


def test_a_comment_of_several_lines_is_one_text():
    text = "# About all.\n\n[log]\n# One\n# two.\nverbose = false\nother = 1\n"
    assert comments(text) == {("log", "verbose"): "One two.", ("log", "other"): ""}
