import logging

import pytest

from proxyapp.errors import UpstreamBusy
from proxyapp.observe.log import configure
from proxyapp.observe.log import log_aside
from proxyapp.observe.log import log_event
from proxyapp.observe.log import log_failure
from proxyapp.observe.log import write_line


@pytest.fixture
def lines():
    """Give what is logged, as (level, message), from DEBUG up."""
    logger = logging.getLogger("proxyapp")
    found = []

    class Keeping(logging.Handler):
        def emit(self, record):
            found.append((record.levelname, record.getMessage()))

    kept = (logger.handlers[:], logger.level, logger.propagate)
    logger.handlers = [Keeping()]
    logger.setLevel(logging.DEBUG)
    yield found
    logger.handlers, logger.propagate = kept[0], kept[2]
    logger.setLevel(kept[1])


def test_an_event_is_logged_with_its_facts(lines):
    log_event("tool repaired", tool="look", rule="root")
    assert lines == [("INFO", "tool repaired tool=look rule=root")]


def test_an_event_without_facts_is_its_message(lines):
    log_event("ready")
    assert lines == [("INFO", "ready")]


@pytest.mark.reliability("R-058")
@pytest.mark.parametrize(
    ("written", "line"),
    [
        ("a\nb", r"a\nb"),
        ("a\r\x1b[31mb", r"a\r\x1b[31mb"),
        ("a\u2028b\u202eb", r"a\u2028b\u202eb"),
        ("é 😀", "é 😀"),
        ("100%s %d", "100%s %d"),
    ],
)
def test_what_a_client_wrote_cannot_start_another_line(lines, written, line):
    log_event(written)
    assert lines == [("INFO", line)]


def test_a_finished_line_is_written_as_it_is(capsys):
    write_line("told")
    assert capsys.readouterr().err == "told\n"


@pytest.mark.parametrize(
    ("as_json", "ending"),
    [(False, " WARNING full at=disk\n"), (True, '"event":"full","at":"disk"}\n')],
)
def test_an_event_aside_has_the_form_of_the_others(lines, capsys, as_json, ending):
    configure(verbose=False, as_json=as_json)
    log_aside("WARNING", "full", at="disk")
    assert capsys.readouterr().err.endswith(ending)


def test_an_event_aside_needs_no_configuration(lines, capsys):
    log_aside("INFO", "kept")
    assert capsys.readouterr().err.endswith(" INFO kept\n")


def test_the_form_can_be_changed(lines):
    configure(verbose=False)
    form = configure(verbose=True, as_json=True)
    forms = [handler.formatter for handler in logging.getLogger("proxyapp").handlers]
    assert forms.count(form) == 1


def test_a_known_failure_is_logged_in_words(lines):
    log_failure(UpstreamBusy("The server is full."))
    assert lines == [("WARNING", "The server is full. code=upstream_busy")]


def test_an_unknown_failure_is_logged_with_its_trace(lines):
    log_failure(ZeroDivisionError("x"))
    assert lines == [("ERROR", "unexpected failure")]


@pytest.mark.parametrize(("level", "told"), [(logging.INFO, 1), (logging.WARNING, 0)])
def test_what_the_level_leaves_out_is_not_even_written(lines, level, told):
    logging.getLogger("proxyapp").setLevel(level)

    class Fact:
        told = 0

        def __format__(self, spec):
            Fact.told += 1
            return ""

    log_event("ready", fact=Fact())
    assert (len(lines), bool(Fact.told)) == (told, told)


@pytest.mark.parametrize(("verbose", "level"), [(True, "DEBUG"), (False, "INFO")])
def test_the_log_goes_to_standard_error(lines, capsys, verbose, level):
    logger = logging.getLogger("proxyapp")
    logger.handlers = []
    configure(verbose=verbose)
    configure(verbose=verbose)
    assert len(logger.handlers) == 1
    assert logging.getLevelName(logger.level) == level
    log_event("ready")
    assert capsys.readouterr().err.endswith(" INFO ready\n")
