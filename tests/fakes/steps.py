"""What a scripted upstream can do, step by step.

A script is a flat sequence of these values. The ones under "content" become chunks
in llama-server's shape; the ones under "wire" act on the connection.
"""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
from typing import Any

# ------------------------------------------------------------------ content


@dataclass(frozen=True)
class Text:
    """A piece of the answer's text."""

    text: str
    choice: int = 0


@dataclass(frozen=True)
class Reasoning:
    """A piece of reasoning, sent as ``reasoning_content``."""

    text: str
    choice: int = 0


@dataclass(frozen=True)
class ToolCall:
    """One tool call; its arguments travel in ``fragments`` pieces.

    The name rides with the first piece, as in llama-server. ``index`` None takes the
    next free one of the choice. A mapping is written as compact JSON.
    """

    id: str
    name: str
    arguments: str | Mapping[str, Any] = "{}"
    fragments: int = 1
    index: int | None = None
    choice: int = 0


@dataclass(frozen=True)
class Delta:
    """A chunk with this delta, whatever it holds, in the usual envelope."""

    delta: Mapping[str, Any]
    choice: int = 0
    finish: str | None = None


@dataclass(frozen=True)
class Chunk:
    """An event whose data is this value and nothing else: no envelope is added."""

    value: Any


@dataclass(frozen=True)
class Finish:
    """The chunk that carries the finish reason, with an empty delta."""

    reason: str | None = "stop"
    choice: int = 0


@dataclass(frozen=True)
class Usage:
    """The usage chunk (empty choices); in completions it joins the finish chunk.

    It is sent whether or not the request asked for it, as some servers do;
    ``when_asked`` restores llama-server's manners.
    """

    prompt: int
    completion: int
    cached: int = 0
    reasoning: int | None = None
    when_asked: bool = False


@dataclass(frozen=True)
class Timings:
    """llama-server's timings, in milliseconds; they join the chunk before them."""

    prompt_ms: float = 12.5
    predicted_ms: float = 40.0
    prompt_n: int = 10
    predicted_n: int = 4
    cache_n: int = 0


@dataclass(frozen=True)
class Error:
    """An in-band error as llama-server sends it; no ``[DONE]`` follows."""

    message: str = "context shift failed"
    code: int | str | None = 500
    type: str = "server_error"


@dataclass(frozen=True)
class Done:
    """``data: [DONE]`` here; what follows in the script is sent after it."""


@dataclass(frozen=True)
class NoDone:
    """End the body properly, but without ``[DONE]``."""


@dataclass(frozen=True)
class Role:
    """The opening chunk with the role, here; else it comes with the first content.

    llama-server sends it, with the head, as soon as a slot is free: a silence after
    it is prompt processing, a silence before it is a full server.
    """

    choice: int = 0


@dataclass(frozen=True)
class NoRole:
    """Leave out the opening chunk with the role."""


# --------------------------------------------------------------------- wire


@dataclass(frozen=True)
class Raw:
    """Body bytes as they stand."""

    data: bytes


@dataclass(frozen=True)
class Unframed:
    """Bytes straight to the socket, under any chunk framing."""

    data: bytes


@dataclass(frozen=True)
class Endless:
    """The same bytes straight to the socket, as fast as the peer takes them."""

    data: bytes


@dataclass(frozen=True)
class Pause:
    """Be silent for so many seconds, or until the peer leaves."""

    seconds: float


@dataclass(frozen=True)
class Wait:
    """Be silent until the event is set, the peer leaves or the limit passes."""

    event: threading.Event = field(default_factory=threading.Event)
    limit: float = 20.0


@dataclass(frozen=True)
class Hang:
    """Be silent until the peer leaves or the limit passes, then close."""

    limit: float = 20.0


@dataclass(frozen=True)
class Cut:
    """Drop the connection with ``fin`` or ``rst``.

    ``mid_chunk`` announces an HTTP chunk and sends only its beginning first, so the
    cut falls inside a chunk, inside a line.
    """

    how: str = "fin"
    mid_chunk: bool = False


Step = (
    Text
    | Reasoning
    | ToolCall
    | Delta
    | Chunk
    | Finish
    | Usage
    | Timings
    | Error
    | Done
    | NoDone
    | Role
    | NoRole
    | Raw
    | Unframed
    | Endless
    | Pause
    | Wait
    | Hang
    | Cut
)
