"""The file that named keys are kept in, as digests.

Commands write it, workers read it, and a change counts within a second. It is written
beside itself and renamed, so that nobody ever reads half of it.
"""

import os
import stat
import time
from collections.abc import Callable
from collections.abc import Mapping
from dataclasses import asdict
from dataclasses import dataclass
from dataclasses import fields
from dataclasses import replace
from pathlib import Path
from typing import Any
from typing import Final

from proxyapp.errors import KeysUnreadable
from proxyapp.neutral.scope import EVERYTHING
from proxyapp.neutral.scope import Scope
from proxyapp.runtime import new_id
from proxyapp.settings.state import make_private
from proxyapp.wire import jsons

_LOOK_EVERY: Final = 1.0
_OTHERS: Final = 0o077


@dataclass(frozen=True, slots=True)
class Key:
    """One key: its SHA-256 digest, and what it may do until when.

    ``prefix`` is the beginning of the key itself, by which its owner knows it again.
    Times are seconds since 1970; ``expires`` is 0 for a key that does not.
    """

    name: str
    digest: str
    prefix: str = ""
    created: int = 0
    expires: int = 0
    scope: Scope = EVERYTHING


Keys = Mapping[str, Key]
"""Keys by their digests."""


class KeyFile:
    """The keys of one file; without the file there are none.

    A file that cannot be read leaves the keys that were known in force. With none
    known it raises KeysUnreadable: nobody is let in on a guess.
    """

    def __init__(self, path: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self.path = path
        self._clock = clock
        self._looked = float("-inf")
        self._seen: tuple[int, ...] | None = None
        self._keys: Keys | None = None

    def current(self) -> Keys | None:
        """Give the keys as they are now, or None without a file."""
        now = self._clock()
        if now - self._looked >= _LOOK_EVERY:
            self._look()
            self._looked = now
        return self._keys

    def _look(self) -> None:
        try:
            found = self.path.lstat()
        except (FileNotFoundError, NotADirectoryError):
            self._seen = self._keys = None
            return
        except OSError as error:
            self._lost(KeysUnreadable(f"{self.path}: {error.strerror}"))
            return
        seen = (found.st_ino, found.st_mtime_ns, found.st_size, found.st_mode)
        if seen == self._seen:
            return
        try:
            self._keys = read_keys(self.path)
        except KeysUnreadable as error:
            self._lost(error)
        else:
            self._seen = seen

    def _lost(self, error: KeysUnreadable) -> None:
        if self._keys is None:
            raise error

    def change(self, edit: Callable[[dict[str, Key]], None]) -> None:
        """Edit the keys by name, and put the new file into the old one's place."""
        named = {key.name: key for key in self._named()}
        edit(named)
        make_private(self.path.parent)
        entries = [_entry(key) for key in named.values()]
        _replace(self.path, jsons.dumps({"keys": entries}) + b"\n")
        self._looked = float("-inf")

    def _named(self) -> list[Key]:
        try:
            return list(read_keys(self.path).values())
        except FileNotFoundError:
            return []


def read_keys(path: Path) -> Keys:
    """Read a file; raise FileNotFoundError or, with what to do, KeysUnreadable."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise KeysUnreadable(f"{path}: {error.strerror}") from None
    with os.fdopen(descriptor, "rb") as file:
        if stat.S_IMODE(os.fstat(descriptor).st_mode) & _OTHERS:
            raise KeysUnreadable(f"{path} is open to others; run: chmod 600 {path}")
        try:
            entries = jsons.loads(file.read())["keys"]
            keys = [_key(entry) for entry in entries]
        except (ValueError, KeyError, TypeError):
            raise KeysUnreadable(f"{path} is no file of keys") from None
    return {key.digest: key for key in keys}


def _key(entry: dict[str, Any]) -> Key:
    known = {field.name for field in fields(Scope)}
    given: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in entry.pop("scope", {}).items()
        if name in known
    }
    return Key(**entry, scope=Scope(**given))


def _entry(key: Key) -> dict[str, Any]:
    scope = {name: value for name, value in asdict(key.scope).items() if value}
    return {**asdict(replace(key, scope=EVERYTHING)), "scope": scope}


def _replace(path: Path, data: bytes) -> None:
    fresh = path.with_name(f"{path.name}.{new_id()}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(fresh, flags, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(descriptor)
        os.replace(fresh, path)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise
    directory = os.open(path.parent, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
