import io

from proxyapp.backends.base import Finding
from proxyapp.cli.doctor import report
from proxyapp.cli.doctor import run
from proxyapp.cli.drawing import ASCII
from proxyapp.cli.terminal import Terminal

GOOD = Finding(True, "python", "Python 3.11.7")
BAD = Finding(False, "llama", "nothing answers", "Start it.")


def test_a_fault_stands_with_its_remedy_below():
    assert report([GOOD, BAD], ASCII) == [
        "ok     python  Python 3.11.7",
        "FAULT  llama   nothing answers",
        "     -> Start it.",
        "",
        "1 fault",
    ]


def test_without_faults_the_report_says_so():
    assert report([GOOD], ASCII)[-1] == "No faults found."


def test_faults_are_counted():
    assert report([BAD, BAD, GOOD], ASCII)[-1] == "2 faults"


def test_a_fault_anywhere_is_the_exit_code(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LISTEN_PORT", "none")
    output = io.StringIO()
    assert run(Terminal(output, output, {})) == 1
    assert "LISTEN_PORT in the environment" in output.getvalue()
