"""Log lines: one event, one line, no secret and no prompt."""

import logging
import sys
import time
from typing import Any

from proxyapp.errors import ProxyError

_LOG = logging.getLogger("proxyapp")


def configure(*, verbose: bool) -> None:
    """Write to standard error, from INFO up, or from DEBUG up when verbose."""
    if not _LOG.handlers:
        handler = logging.StreamHandler()
        handler.setFormatter(
            logging.Formatter("%(asctime)s %(levelname)s %(message)s", "%H:%M:%S")
        )
        _LOG.addHandler(handler)
        _LOG.propagate = False
    _LOG.setLevel(logging.DEBUG if verbose else logging.INFO)


def log_event(message: str, **facts: Any) -> None:
    """Log something worth knowing, with its facts."""
    if _LOG.isEnabledFor(logging.INFO):
        _LOG.info("%s", _line(message, facts))


def log_trouble(message: str, **facts: Any) -> None:
    """Log something that its owner should look into, with its facts."""
    _LOG.warning("%s", _line(message, facts))


def log_request(
    method: str, path: str, status: int, milliseconds: int, client: str = ""
) -> None:
    """Log a request at its end; those that only look are left to a verbose log.

    Written without ``logging``'s records, which cost more than routing the request.
    """
    level = logging.INFO if method == "POST" else logging.DEBUG
    if _LOG.isEnabledFor(level):
        facts = {"ms": milliseconds, "from": client}
        _write("INFO", _line(f"{method} {path[:200]} {status}", facts))


def log_aside(level: str, message: str, **facts: Any) -> None:
    """Log an event from a real thread, which must not touch ``logging``'s locks."""
    _write(level, _line(message, facts))


def log_failure(error: Exception) -> None:
    """Log a failure: in words if it is one of ours, with its trace if it is not."""
    if isinstance(error, ProxyError):
        _LOG.warning("%s", _line(error.message, {"code": error.code}))
    else:
        _LOG.error("%s", _line("unexpected failure", {}), exc_info=error)


def _write(level: str, line: str) -> None:
    sys.stderr.write(f"{time.strftime('%H:%M:%S')} {level} {line}\n")


def _line(message: str, facts: dict[str, Any]) -> str:
    """Make one printable line: what a client wrote cannot start another."""
    told = " ".join(f"{name}={value}" for name, value in facts.items())
    line = f"{message} {told}" if told else message
    if line.isprintable():
        return line
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in line)
