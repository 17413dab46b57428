"""``python -m proxyapp keys``: make, list and revoke named keys."""

import argparse
import datetime
import re
from collections.abc import Callable
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from proxyapp.auth.key import Key
from proxyapp.auth.key import LIMITS
from proxyapp.auth.key import PATTERNS
from proxyapp.auth.keyfile import KeyFile
from proxyapp.auth.keyfile import read_keys
from proxyapp.auth.ring import key_digest
from proxyapp.auth.ring import key_prefix
from proxyapp.auth.ring import new_key
from proxyapp.cli.command import Command
from proxyapp.cli.drawing import draw_table
from proxyapp.cli.terminal import Terminal
from proxyapp.errors import KeysUnreadable
from proxyapp.neutral.scope import Scope
from proxyapp.observe.last_use import last_uses
from proxyapp.runtime import unix_time
from proxyapp.settings.load import load_settings
from proxyapp.settings.state import KEYS

_HEADER: Final = ("NAME", "KEY", "CREATED", "EXPIRES", "LAST USED", "SCOPE")
_NAME: Final = re.compile(r"(?!pxa-)[\w.@-]{1,64}")
_COUNTRY: Final = re.compile(r"!?([A-Z]{2}|unknown)")
_DAY: Final = 86400


def create(terminal: Terminal, name: str, expires: int, **scope: object) -> int:
    """Make a key, show it this once, and keep its digest; 1 if the name is taken."""
    key = new_key()
    given = {field: value for field, value in scope.items() if value}
    made = Key(
        name,
        key_digest(key),
        key_prefix(key),
        created=unix_time(),
        expires=expires,
        scope=Scope(**given),  # type: ignore[arg-type]
    )
    taken: list[str] = []

    def add(named: dict[str, Key]) -> None:
        if name in named:
            taken.append(name)
        named.setdefault(name, made)

    if not _changed(terminal, add):
        return 1
    if taken:
        terminal.warn(f"There is a key '{name}' already; revoke it first.")
        return 1
    terminal.say("The key, for the client; it is shown only now:", "", f"  {key}")
    if load_settings().auth.required == "never":
        terminal.warn('Nobody is asked for it while auth.required is "never".')
    return 0


def revoke(terminal: Terminal, name: str) -> int:
    """Forget a key by its name or beginning; workers that run do so within a second.

    1 if there is none, or several begin so.
    """
    found: list[str] = []

    def drop(named: dict[str, Key]) -> None:
        found.extend(_meant(named, name))
        if len(found) == 1:
            del named[found[0]]

    if not _changed(terminal, drop):
        return 1
    if len(found) != 1:
        several = f"Several keys begin so; name one of them: {', '.join(found)}."
        terminal.warn(several if found else f"There is no key '{name}'.")
        return 1
    terminal.say(f"The key '{found[0]}' is revoked.")
    return 0


def _meant(named: Mapping[str, Key], text: str) -> list[str]:
    """Give the names of the keys that a name, or a beginning as listed, may mean."""
    if text in named:
        return [text]
    return [k.name for k in named.values() if k.prefix and text.startswith(k.prefix)]


def show(terminal: Terminal) -> int:
    """List the keys, but not what they are; 1 if they cannot be read."""
    settings = load_settings()
    path = _path()
    try:
        keys = list(read_keys(path).values())
    except FileNotFoundError:
        keys = []
    except KeysUnreadable as error:
        terminal.warn(error.why)
        return 1
    used = last_uses(path.parent) if keys else {}
    rows = [_row(key, used.get(key.name, 0.0)) for key in keys]
    terminal.say(*draw_table([_HEADER, *rows]))
    others = len(settings.auth.keys)
    if others:
        terminal.say("", f"auth.keys in the settings holds {others} more.")
    return 0


def _row(key: Key, used: float) -> tuple[str, ...]:
    expires = _date(key.expires) if key.expires else "never"
    if 0 < key.expires <= unix_time():
        expires = f"expired {expires}"
    return (
        *(key.name, f"{key.prefix}...", _date(key.created), expires),
        *(_date(used) if used else "unknown", _told(key.scope)),
    )


def _told(scope: Scope) -> str:
    shown = [
        f"{name} {','.join(getattr(scope, name))}"
        for name in PATTERNS
        if getattr(scope, name)
    ]
    shown += [
        f"{getattr(scope, name):,} {name.replace('_per_', '/')}"
        for name in LIMITS
        if getattr(scope, name)
    ]
    return "; ".join(shown) or "everything"


def _date(stamp: float) -> str:
    moment = datetime.datetime.fromtimestamp(stamp, datetime.UTC).astimezone()
    return f"{moment:%Y-%m-%d}"


def _path() -> Path:
    return Path(load_settings().state.directory) / KEYS


def _changed(terminal: Terminal, edit: Callable[[dict[str, Key]], None]) -> bool:
    path = _path()
    try:
        KeyFile(path).change(edit)
    except KeysUnreadable as error:
        terminal.warn(error.why)
    except OSError as error:
        terminal.warn(f"{path} cannot be written: {error.strerror}")
    else:
        return True
    return False


def _moment(text: str) -> int:
    """Read ``30d`` or a date, whose day is still good."""
    days = re.fullmatch(r"(\d{1,5})d", text)
    if days:
        return unix_time() + int(days.group(1)) * _DAY
    try:
        day = datetime.date.fromisoformat(text)
        midnight = datetime.datetime.combine(day, datetime.time()).astimezone()
        return int(midnight.timestamp()) + _DAY
    except (ValueError, OverflowError):
        words = f"'{text}' is no time: write days as 30d, or a date as 2027-01-31"
        raise argparse.ArgumentTypeError(words) from None


def _name(text: str) -> str:
    if not _NAME.fullmatch(text):
        words = "a name is up to 64 letters, digits and any of _ . @ -, and no key"
        raise argparse.ArgumentTypeError(words)
    return text


def _patterns(text: str) -> tuple[str, ...]:
    """Read a list in which nothing is empty: what bounds nothing cannot be meant."""
    parts = tuple(part.strip() for part in text.split(","))
    if not all(part.strip("! ") for part in parts):
        raise argparse.ArgumentTypeError("an empty pattern would bound nothing")
    return parts


def _countries(text: str) -> tuple[str, ...]:
    parts = tuple(
        part if part.endswith("unknown") else part.upper() for part in _patterns(text)
    )
    for part in parts:
        if not _COUNTRY.fullmatch(part):
            words = f"'{part}' is no country: write two letters, or unknown"
            raise argparse.ArgumentTypeError(words)
    return parts


def _limit(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"'{text}' is no whole number")
    return int(text)


_BOUNDS: Final = (
    ("models", _patterns, "PATTERNS", "models it is good for, such as 'a*,!*-b'"),
    ("backends", _patterns, "PATTERNS", "backends it is good for"),
    (
        *("countries", _countries, "LETTERS"),
        "where it is good, such as DE,FR or '!RU,!unknown'; see [access]",
    ),
)


def _create_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", type=_name, help="what the key is called in lists")
    parser.add_argument(
        "--expires", type=_moment, default=0, metavar="TIME", help="30d or a date"
    )
    for field, read, metavar, words in _BOUNDS:
        parser.add_argument(
            f"--{field}", type=read, default=(), metavar=metavar, help=words
        )
    for field in LIMITS:
        parser.add_argument(
            f"--{field.replace('_', '-')}", type=_limit, default=0, metavar="N"
        )


def _revoke_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", help="its name, or its beginning, as listed")


COMMANDS: Final[Mapping[str, Command]] = MappingProxyType(
    {
        "create": Command("make a key, shown once", create, _create_options),
        "list": Command("list the keys, but not what they are", show),
        "revoke": Command("forget a key at once", revoke, _revoke_options),
    }
)
