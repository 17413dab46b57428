"""Make the arguments of a tool call readable, or say that they are not.

A tool runs with what stands here, so a repair may touch the syntax and nothing
else: every key and value must stand, whole, in what the model wrote.
"""

from collections.abc import Mapping
from typing import Any

from proxyapp.errors import BrokenToolCall
from proxyapp.runtime import breathe
from proxyapp.tools.instances import fault_in
from proxyapp.tools.syntax import guessed
from proxyapp.tools.syntax import MAX_CHARACTERS
from proxyapp.tools.syntax import read
from proxyapp.tools.syntax import repaired_object
from proxyapp.tools.syntax import Unreadable
from proxyapp.wire import jsons

MAX_GUESSED = 1 << 16
"""Characters that json-repair is given whole; its time grows faster than they do."""


def complete_arguments(text: str, schema: Mapping[str, Any] | None) -> str:
    """Return ``text`` as a JSON object: as it is, or with its syntax repaired.

    Nothing at all means no arguments. Trailing commas, quotes of the wrong kind or
    none around keys, Python's literals, raw line breaks, a code fence, missing
    braces after a complete value and JSON inside a JSON string are repaired, and
    the result must follow ``schema``. Raises BrokenToolCall for anything else, above
    all for a value that was cut off: half a path must never be run.
    """
    if text.strip() in ("", "null"):
        return "{}"
    if isinstance(read(text), dict):
        return text
    try:
        repaired = _repaired(_unwrapped(text))
    except Unreadable as error:
        raise BrokenToolCall(
            f"The model wrote a tool call whose arguments cannot be read: {error}."
            " Try again, or allow a longer reply."
        ) from None
    fault = None if schema is None else fault_in(read(repaired), schema)
    if fault is not None:
        raise BrokenToolCall(
            f"The model wrote broken arguments for a tool call, and {fault}. Try again."
        )
    return repaired


def clean_history_arguments(value: object) -> str:
    """Return the arguments of a past call as the JSON text of an object.

    The call has been made and answered, so a cut one is closed off as well as it
    goes, or replaced by ``{}``; one bad call would make llama-server refuse the
    whole conversation. Never raises.
    """
    if isinstance(value, str):
        found = read(value)
        if isinstance(found, dict):
            return value
        # A conversation can hold thousands of these.
        breathe()
        text = found if isinstance(found, str) else value
        if len(text) > MAX_CHARACTERS and text is value:
            return "{}"
        for attempt in (text, text.rstrip("\\") + '"'):
            try:
                return _repaired(attempt)
            except Unreadable:
                continue
        value = guessed(text) if len(text) <= MAX_GUESSED else None
    try:
        return jsons.text(value) if isinstance(value, dict) else "{}"
    except TypeError:
        return "{}"


def _unwrapped(text: str) -> str:
    """Return the text inside a JSON string, or the text itself if it is none."""
    inner = read(text)
    return inner if isinstance(inner, str) else text


def _repaired(text: str) -> str:
    return text if isinstance(read(text), dict) else repaired_object(text)
