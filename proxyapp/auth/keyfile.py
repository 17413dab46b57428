"""The file that named keys are kept in, as digests.

Commands write it, workers read it, and a change counts within a second. It is written
beside itself and renamed, so that nobody ever reads half of it.
"""

import contextlib
import fcntl
import os
import stat
import time
from collections import Counter
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from proxyapp.auth.key import Key
from proxyapp.auth.key import key_entry
from proxyapp.auth.key import read_key
from proxyapp.errors import KeysUnreadable
from proxyapp.runtime import new_id
from proxyapp.settings.state import make_private
from proxyapp.settings.state import may_be_there
from proxyapp.wire import jsons

_LOOK_EVERY: Final = 1.0
_OTHERS: Final = 0o077
_OTHERS_WRITE: Final = 0o022
_NOT_THERE: Final = (FileNotFoundError, NotADirectoryError)

Keys = Mapping[str, Key]
"""Keys by their digests."""


def _unheard(_: str) -> None:
    """Tell nobody."""


class KeyFile:
    """The keys of one file; without the file there are none.

    A file that cannot be read leaves the keys that were known in force. With none
    known it raises KeysUnreadable: nobody is let in on a guess. A file that was there
    and is gone holds no keys any more, which is not the same as no file: whoever lost
    a disk does not mean to let everyone in. ``tell`` hears of either, once.
    """

    def __init__(
        self,
        path: Path,
        clock: Callable[[], float] = time.monotonic,
        tell: Callable[[str], None] = _unheard,
    ) -> None:
        self.path = path
        self._clock = clock
        self._tell = tell
        self._looked = float("-inf")
        self._seen: tuple[int, ...] | None = None
        self._keys: Keys | None = None
        self._fault = ""
        # A worker may lose the file before it has ever looked at it.
        self._met = may_be_there(path)

    def current(self) -> Keys | None:
        """Give the keys as they are now, or None without a file."""
        now = self._clock()
        if now - self._looked >= _LOOK_EVERY:
            self._looked = now
            self._look()
        if self._keys is None and self._fault:
            raise KeysUnreadable(self._fault)
        return self._keys

    def _look(self) -> None:
        fault = ""
        try:
            seen = _state_of(self.path)
            if seen != self._seen:
                self._met = True
                self._keys = read_keys(self.path)
                self._seen = seen
        except _NOT_THERE:
            if self._met:
                fault = f"{self.path} is gone, so nobody is let in until it is back"
                self._keys = {}
            self._seen = None
        except KeysUnreadable as error:
            fault = error.why
        except OSError as error:
            fault = f"{self.path}: {error.strerror}"
        if fault and fault != self._fault:
            self._tell(f"keys: {fault}")
        self._fault = fault

    def change(self, edit: Callable[[dict[str, Key]], None]) -> None:
        """Edit the keys by name, and put the new file into the old one's place.

        One command at a time: a key that one revokes must not come back with what
        another has read before. Nothing is written where nothing is changed, for a
        file without keys lets nobody in. Raises KeysUnreadable and OSError.
        """
        make_private(self.path.parent)
        with _alone(self.path):
            before = self._named()
            named = {key.name: key for key in before}
            edit(named)
            after = list(named.values())
            if after != before:
                entries = {"keys": [key_entry(key) for key in after]}
                _replace(self.path, jsons.dumps(entries) + b"\n")
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
    except _NOT_THERE:
        raise FileNotFoundError(path) from None
    except OSError as error:
        raise KeysUnreadable(f"{path}: {error.strerror}") from None
    with os.fdopen(descriptor, "rb") as file:
        _refuse_exposed(path, os.fstat(descriptor))
        try:
            keys = _parsed(file.read())
        except ValueError as error:
            raise KeysUnreadable(f"{path} is no file of keys: {error}") from None
    return {key.digest: key for key in keys}


def _refuse_exposed(path: Path, found: os.stat_result) -> None:
    """Raise KeysUnreadable for a file that others can read, write or put there."""
    if stat.S_IMODE(found.st_mode) & _OTHERS:
        raise KeysUnreadable(f"{path} is open to others; run: chmod 600 {path}")
    if is_foreign(found.st_uid, os.geteuid()):
        raise KeysUnreadable(f"{path} belongs to another user")
    place = path.parent
    if stat.S_IMODE(place.stat().st_mode) & _OTHERS_WRITE:
        raise KeysUnreadable(
            f"{path} could be replaced by others; run: chmod go-w {place}"
        )


def is_foreign(owner: int, reader: int) -> bool:
    """Tell whether an owner could trick a reader who trusts themselves and root."""
    return reader != 0 and owner not in (reader, 0)


def _parsed(data: bytes) -> list[Key]:
    content = jsons.loads(data)
    if not isinstance(content, dict) or not isinstance(content.get("keys"), list):
        raise ValueError("it has no list of keys")
    keys = [read_key(entry) for entry in content["keys"]]
    for what in ("name", "digest"):
        counts = Counter(getattr(key, what) for key in keys)
        if len(counts) != len(keys):
            raise ValueError(f"two keys have the same {what}")
    return keys


def _state_of(path: Path) -> tuple[int, ...]:
    """Give what differs once a file was changed, replaced or opened to others."""
    found = path.lstat()
    return (
        *(found.st_ino, found.st_size, found.st_mode),
        *(found.st_mtime_ns, found.st_ctime_ns),
    )


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Keep other commands away; the lock's file stays, for the next one."""
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    lock = os.open(path.with_suffix(".lock"), flags, 0o600)
    try:
        _give_to_owner_of(path.parent, lock)
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _replace(path: Path, data: bytes) -> None:
    fresh = path.with_name(f"{path.name}.{new_id()}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(fresh, flags, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            _give_to_owner_of(path.parent, descriptor)
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


def _give_to_owner_of(place: Path, descriptor: int) -> None:
    """Let a gateway that does not run as root read what root has written."""
    if os.geteuid() == 0:
        owner = place.stat()
        os.fchown(descriptor, owner.st_uid, owner.st_gid)
