"""Notice when the settings file changes."""

import os
from collections.abc import Mapping
from pathlib import Path

from proxyapp.settings.file import find_file

_Look = tuple[Path | None, tuple[int, int, int] | None]


class SettingsWatch:
    """A look at the settings file, cheap enough to be taken twice a second.

    It also sees a file that appears, goes, or comes before the one in use.
    """

    def __init__(self, environ: Mapping[str, str], cwd: Path) -> None:
        self._environ = environ
        self._cwd = cwd
        self._taken = self._last = self._look()

    def changed(self) -> bool:
        """Tell, once, that the file is another than the last time this was so.

        Two looks in a row must agree: an editor may be in the middle of writing.
        """
        look, self._last = self._last, self._look()
        if self._last == self._taken or self._last != look:
            return False
        self._taken = self._last
        return True

    def _look(self) -> _Look:
        path = find_file(self._environ, self._cwd)
        try:
            found = os.stat(path) if path else None
        except OSError:
            found = None
        seen = (found.st_mtime_ns, found.st_size, found.st_ino) if found else None
        return path, seen
