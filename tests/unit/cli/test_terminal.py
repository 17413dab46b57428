import io

import pytest

from proxyapp.cli.drawing import ASCII
from proxyapp.cli.drawing import UNICODE
from proxyapp.cli.terminal import Terminal


def stream(encoding="utf-8"):
    return io.TextIOWrapper(io.BytesIO(), encoding=encoding)


def written(one):
    return one.buffer.getvalue().decode(one.encoding)


@pytest.mark.parametrize(
    ("environ", "encoding", "pen"),
    [
        ({"LANG": "en_GB.UTF-8"}, "utf-8", UNICODE),
        ({"LANG": "C.utf8"}, "utf-8", UNICODE),
        ({"LANG": "en_GB.UTF-8", "LC_ALL": "C"}, "utf-8", ASCII),
        ({"LC_CTYPE": "UTF-8", "LC_ALL": ""}, "utf-8", UNICODE),
        ({"LANG": "de_DE.ISO-8859-1"}, "iso-8859-1", ASCII),
        ({"LANG": "en_GB.UTF-8"}, "ascii", ASCII),
        ({}, "utf-8", ASCII),
    ],
)
def test_lines_are_drawn_only_where_they_can_be_shown(environ, encoding, pen):
    terminal = Terminal(stream(encoding), stream(encoding), environ)
    assert terminal.pen == pen


def test_results_and_warnings_go_separate_ways():
    output, errors = stream(), stream()
    terminal = Terminal(output, errors, {})
    terminal.say("one", "two")
    terminal.warn("three")
    assert written(output) == "one\ntwo\n"
    assert written(errors) == "three\n"


def test_a_character_the_terminal_lacks_is_replaced():
    output = stream("ascii")
    Terminal(output, output, {}).say("mödel")
    assert written(output) == "m?del\n"


def test_a_name_cannot_steer_the_terminal():
    output = stream()
    Terminal(output, output, {}).say("tiny\x1b[2J\rgone")
    assert written(output) == "tiny?[2J?gone\n"
