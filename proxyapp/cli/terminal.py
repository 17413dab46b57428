"""Where the command writes, and what can be shown there."""

from collections.abc import Mapping
from typing import TextIO

from proxyapp.cli.drawing import ASCII
from proxyapp.cli.drawing import Pen
from proxyapp.cli.drawing import UNICODE


class Terminal:
    """Standard output and standard error, written line by line."""

    def __init__(
        self, output: TextIO, errors: TextIO, environ: Mapping[str, str]
    ) -> None:
        self._output = output
        self._errors = errors
        self.pen = UNICODE if _shows(output, UNICODE, environ) else ASCII

    def say(self, *lines: str) -> None:
        """Write lines of the result."""
        _write(self._output, lines)

    def warn(self, *lines: str) -> None:
        """Write lines about what went wrong."""
        _write(self._errors, lines)


def _shows(stream: TextIO, pen: Pen, environ: Mapping[str, str]) -> bool:
    """Tell whether a pen's lines come out as lines.

    Python writes UTF-8 in the C locale too, whatever the terminal makes of it, so the
    locale is asked as well: the first of the three variables that is set decides.
    """
    names = ("LC_ALL", "LC_CTYPE", "LANG")
    locale = next((environ[name] for name in names if environ.get(name)), "")
    if "utf8" not in locale.lower().replace("-", ""):
        return False
    try:
        f"{pen.across}{pen.down}{pen.arrow}".encode(stream.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def _write(stream: TextIO, lines: tuple[str, ...]) -> None:
    """Write each line as one: what a server named a model cannot steer a terminal."""
    encoding = stream.encoding or "utf-8"
    for line in lines:
        shown = "".join(c if c.isprintable() else "?" for c in line)
        stream.write(shown.encode(encoding, "replace").decode(encoding) + "\n")
    stream.flush()
