"""What a client asked and was told, in no dialect's words."""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import field
from typing import Any


@dataclass
class Said:
    """An answer as a client read it.

    ``calls`` are id, name and arguments; ``usage`` is input and output tokens, cached
    ones included. ``turn`` is what the client would put into its history.
    """

    text: str = ""
    thinking: str = ""
    calls: list[tuple[str, str, Any]] = field(default_factory=list)
    finish: str | None = None
    usage: tuple[int, int] | None = None
    turn: Any = None


@dataclass
class Failed:
    """An error as a client read it; ``status`` None means: within a stream."""

    status: int | None
    message: str
    retry_after: str | None = None


@dataclass(frozen=True)
class Asked:
    """A request; ``history`` are turns in the dialect's own words."""

    model: str
    text: str
    system: str | None = None
    tools: bool = False
    think: bool = False
    image: bytes | None = None
    image_url: str | None = None
    history: tuple[Any, ...] = ()
    limit: float = 30.0
