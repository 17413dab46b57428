"""One reply, from the first upstream event to the last client byte.

A reply ends in exactly one of two ways: the dialect's own success terminator after a
complete answer, or the dialect's own error. There is no third way.
"""

import contextlib
import time
from collections.abc import Callable
from collections.abc import Generator
from collections.abc import Iterator
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from typing import Protocol

from proxyapp.backends.base import Batch
from proxyapp.errors import ProxyError
from proxyapp.errors import UpstreamIncomplete
from proxyapp.errors import UpstreamInvalid
from proxyapp.neutral.events import MessageEnd
from proxyapp.neutral.events import MessageStart
from proxyapp.neutral.events import TextDelta
from proxyapp.neutral.events import ThinkingDelta
from proxyapp.neutral.events import ToolCallDelta
from proxyapp.neutral.record import Record
from proxyapp.neutral.usage import estimate_tokens
from proxyapp.neutral.usage import Usage
from proxyapp.observe.log import log_failure
from proxyapp.observe.log import log_trouble
from proxyapp.relay.fold import Fold
from proxyapp.relay.fold import Reply

_MAX_WHOLE = 32 << 20
"""The longest reply that is held until it is whole, in bytes."""

Stage = Callable[[Batch], Batch]
"""A change to the events on their way, such as holding tool arguments."""


class Encoder(Protocol):
    """A dialect's writer for one streamed reply."""

    def events(self, batch: Batch) -> bytes:
        """Write events; empty when the dialect has nothing to say about them."""

    def end(self) -> bytes:
        """Write the success terminator."""

    def heartbeat(self) -> bytes:
        """Write what every client of the dialect skips."""

    def error(self, error: ProxyError) -> bytes:
        """Write the dialect's in-stream error, and all that must follow it."""


@dataclass(frozen=True, slots=True)
class Pace:
    """When to commit and how often to speak up, in seconds."""

    commit_after: float
    heartbeat: float


class Source:
    """Where a reply's events come from, and what happens to them on the way.

    ``record`` learns the usage and the ending. ``prompt_characters`` measures the
    prompt, should the upstream give no usage: then it is guessed from lengths. A batch
    of nothing but text, as nearly all are, goes only through the stages that touch
    text (all that do not say otherwise).
    """

    __slots__ = ("_batches", "_measure", "_record", "_stages", "_text_stages")

    def __init__(
        self,
        batches: Iterator[Batch],
        stages: Sequence[Stage] = (),
        record: Record | None = None,
        prompt_characters: Callable[[], int] = int,
    ) -> None:
        self._batches = batches
        self._record = record or Record()
        self._measure = prompt_characters
        self._stages = tuple(stages)
        self._text_stages = tuple(
            stage for stage in stages if getattr(stage, "touches_text", True)
        )

    @property
    def record(self) -> Record:
        """What is known of the request."""
        return self._record

    def read(self) -> Generator[Batch, None, None]:
        """Yield batches until one ends the reply; the last one ends with MessageEnd.

        Raises UpstreamIncomplete if there is no such batch. Closing the generator
        closes the backend's, and so the work upstream.
        """
        batches = self._batches
        written = 0
        try:
            for batch in batches:
                only = batch[0] if len(batch) == 1 else None
                if type(only) is TextDelta:
                    written += len(only.quoted) - 2
                    stages, complete = self._text_stages, False
                else:
                    written += _length(batch)
                    stages, complete = self._stages, _ends(batch)
                for stage in stages:
                    batch = stage(batch)
                if _ends(batch):
                    self._complete(batch[-1], written)
                    yield batch
                    if complete:
                        _drain(batches)
                    return
                yield batch
        finally:
            close = getattr(batches, "close", None)
            if close is not None:
                close()
            if written and self._record.usage is None:
                self._record.usage = self._estimate(written)
        raise UpstreamIncomplete("The reply ended before it was complete.")

    def _complete(self, end: Any, written: int) -> None:
        if end.usage is None or not end.usage.total:
            end.usage = self._estimate(written)
        if end.dropped:
            log_trouble(
                "events dropped", backend=self._record.backend, count=end.dropped
            )
        self._record.usage = end.usage
        self._record.ending = end.stop_reason

    def _estimate(self, written: int) -> Usage:
        prompt = estimate_tokens(self._measure())
        output = estimate_tokens(written) if written else 0
        return Usage(prompt, output, estimated=True)


def _length(batch: Batch) -> int:
    """Measure what a batch says, in bytes."""
    length = 0
    for event in batch:
        if isinstance(event, TextDelta | ThinkingDelta):
            length += len(event.quoted) - 2
        elif isinstance(event, ToolCallDelta):
            length += len(event.json)
    return length


def _ends(batch: Batch) -> bool:
    return bool(batch) and type(batch[-1]) is MessageEnd


def _drain(batches: Iterator[Batch]) -> None:
    """Let the backend finish with its connection; it says nothing more.

    The reply is complete, so not even a failure is told.
    """
    with contextlib.suppress(ProxyError):
        for _ in batches:
            pass


def collect(source: Source) -> Reply:
    """Read a whole reply for a client that does not stream."""
    folding = Fold()
    size = 0
    for batch in source.read():
        folding.add(batch)
        size += _length(batch)
        if size > _MAX_WHOLE:
            raise UpstreamInvalid("The reply does not end; it was given up.")
    return folding.reply()


def stream(source: Source, encoder: Encoder, pace: Pace) -> Iterator[bytes]:
    """Start a streamed reply and return its bytes, ready to be sent.

    Until something beyond the start has come, or ``commit_after`` has passed, nothing
    is promised: a failure in that time is raised here and leaves with its true
    status. After that it becomes the dialect's in-stream error.
    """
    source.record.stream = True
    batches = source.read()
    held: list[Batch] = []
    deadline = time.monotonic() + pace.commit_after
    try:
        for batch in batches:
            if batch:
                held.append(batch)
            if any(type(event) is not MessageStart for event in batch):
                source.record.first = time.monotonic()
                break
            if time.monotonic() >= deadline:
                break
    except BaseException:
        batches.close()
        raise
    return _committed(held, batches, source.record, encoder, pace.heartbeat)


def _committed(
    held: list[Batch],
    batches: Generator[Batch, None, None],
    record: Record,
    encoder: Encoder,
    heartbeat: float,
) -> Iterator[bytes]:
    spoke = time.monotonic()
    try:
        # A dialect may have no word for a start; the headers go out all the same.
        first = b"".join([_written(encoder, batch) for batch in held])
        yield first or encoder.heartbeat()
        for batch in batches:
            if batch:
                written = encoder.events(batch)
                if type(batch[-1]) is MessageEnd:
                    written += encoder.end()
                if written:
                    yield written
                    if spoke:
                        spoke = 0.0
                        record.first = record.first or time.monotonic()
                    continue
            now = time.monotonic()
            if not spoke:
                spoke = now
            elif now - spoke >= heartbeat:
                yield encoder.heartbeat()
                spoke = now
    except ProxyError as error:
        record.fail(error.code, error.message)
        yield encoder.error(error)
    except Exception as error:  # noqa: BLE001 - the reply ends here, in words
        log_failure(error)
        told = ProxyError("The gateway failed; its log says why.")
        record.fail(told.code, told.message)
        yield encoder.error(told)
    finally:
        batches.close()


def _written(encoder: Encoder, batch: Batch) -> bytes:
    written = encoder.events(batch)
    return written + encoder.end() if _ends(batch) else written
