"""The log: one event, one line on standard error, no secret and no prompt."""

import logging
import sys
from typing import Any

from proxyapp.errors import ProxyError
from proxyapp.observe.forms import Form
from proxyapp.observe.forms import JsonForm
from proxyapp.observe.forms import TextForm
from proxyapp.observe.forms import Told

_LOG = logging.getLogger("proxyapp")


class _StandardError(logging.StreamHandler):  # type: ignore[type-arg]
    """Writes to what standard error is at the moment."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> Any:
        return sys.stderr


def configure(*, verbose: bool, as_json: bool = False) -> Form:
    """Write to standard error, from INFO up, or from DEBUG up when verbose.

    Gives the form of the lines; it may be configured anew at any time.
    """
    form = JsonForm() if as_json else TextForm()
    own = [one for one in _LOG.handlers if isinstance(one, _StandardError)]
    if not own:
        own = [_StandardError()]
        _LOG.addHandler(own[0])
        _LOG.propagate = False
    own[0].setFormatter(form)
    _LOG.setLevel(logging.DEBUG if verbose else logging.INFO)
    return form


def log_event(message: str, **facts: Any) -> None:
    """Log something worth knowing, with its facts."""
    _LOG.info("%s", Told(message, facts))


def log_trouble(message: str, **facts: Any) -> None:
    """Log something that its owner should look into, with its facts."""
    _LOG.warning("%s", Told(message, facts))


def log_aside(level: str, message: str, **facts: Any) -> None:
    """Log an event from a real thread, which must not touch ``logging``'s locks."""
    forms = [h.formatter for h in _LOG.handlers if isinstance(h.formatter, Form)]
    form = forms[0] if forms else TextForm()
    write_line(form.event(level, Told(message, facts)))


def log_failure(error: Exception) -> None:
    """Log a failure: in words if it is one of ours, with its trace if it is not."""
    if isinstance(error, ProxyError):
        log_trouble(error.message, code=error.code)
    else:
        _LOG.error("%s", Told("unexpected failure", {}), exc_info=error)


def write_line(line: str) -> None:
    """Write one finished line, without what ``logging`` costs."""
    sys.stderr.write(f"{line}\n")
