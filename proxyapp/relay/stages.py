"""The smaller stages: each is put into a reply only where the request asks for it."""

from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import replace

from proxyapp.backends.base import Batch
from proxyapp.neutral.events import Event
from proxyapp.neutral.events import MessageEnd
from proxyapp.neutral.events import TextDelta
from proxyapp.neutral.events import ThinkingDelta
from proxyapp.neutral.events import ToolCallDelta
from proxyapp.neutral.events import ToolCallStart
from proxyapp.wire import jsons


class FirstCallOnly:
    """Keep at most one tool call: llama-server's templates ignore the wish for one."""

    touches_text = False

    def __init__(self) -> None:
        self._kept: dict[int, int] = {}

    def __call__(self, batch: Batch) -> Batch:
        """Drop the calls after the first."""
        return [event for event in batch if self._keeps(event)]

    def _keeps(self, event: Event) -> bool:
        if isinstance(event, ToolCallStart):
            return self._kept.setdefault(event.choice, event.index) == event.index
        if isinstance(event, ToolCallDelta):
            return self._kept[event.choice] == event.index
        return True


class NoThinking:
    """Drop all reasoning."""

    touches_text = False

    def __call__(self, batch: Batch) -> Batch:
        """Keep everything else."""
        return [event for event in batch if type(event) is not ThinkingDelta]


class VisibleThinking:
    """Show reasoning as part of the answer, set apart from it as a quotation."""

    def __init__(self) -> None:
        self._quoting: set[int] = set()

    def __call__(self, batch: Batch) -> Batch:
        """Turn reasoning into quoted text, and leave a blank line behind it."""
        shown: list[Event] = []
        for event in batch:
            if isinstance(event, ThinkingDelta):
                shown.append(self._quoted(event))
                continue
            if event.choice in self._quoting and isinstance(event, TextDelta):
                shown.append(replace(event, quoted=b'"\\n\\n"', logprobs=None))
                self._quoting.discard(event.choice)
            shown.append(event)
        return shown

    def _quoted(self, event: ThinkingDelta) -> TextDelta:
        text = str(jsons.loads(event.quoted)).replace("\n", "\n> ")
        if event.choice not in self._quoting:
            self._quoting.add(event.choice)
            text = f"> {text}"
        return TextDelta(event.index, jsons.dumps(text), event.choice)


class ClientNames:
    """Give tool calls the names the client used, where ours had to differ."""

    touches_text = False

    def __init__(self, names: Mapping[str, str]) -> None:
        self._names = names

    def __call__(self, batch: Batch) -> Batch:
        """Rename calls as they start."""
        return [
            replace(event, name=self._names.get(event.name, event.name))
            if isinstance(event, ToolCallStart)
            else event
            for event in batch
        ]


class StopStrings:
    """End the reply at a stop string, for upstreams that do not.

    Text that may be the beginning of one is held back until it is known not to be.
    When all ``choices`` have met one, the reply is over, and the work upstream with it.
    """

    def __init__(self, stops: Sequence[str], choices: int = 1) -> None:
        self._stops = tuple(stops)
        self._choices = choices
        self._held: dict[int, tuple[int, str]] = {}
        self._stopped: dict[int, str] = {}

    def __call__(self, batch: Batch) -> Batch:
        """Pass text up to the first stop string, and nothing of the choice after."""
        told: list[Event] = []
        for event in batch:
            if event.choice in self._stopped:
                continue
            if isinstance(event, TextDelta):
                told += self._scan(event)
            else:
                told += self._release(event.choice)
                told.append(event)
        if len(self._stopped) == self._choices:
            told += [_stopped(*met) for met in self._stopped.items()]
        elif self._stopped and _ends(batch):
            ends = [event for event in batch if isinstance(event, MessageEnd)]
            told = self._with_ends(told, ends)
        return told

    def _with_ends(self, told: list[Event], ends: list[MessageEnd]) -> list[Event]:
        """End the choices that were stopped beside those that ended by themselves."""
        kept: list[Event] = [e for e in told if not isinstance(e, MessageEnd)]
        for end in ends:
            stop = self._stopped.get(end.choice)
            own = replace(end, stop_reason="stop", stop_sequence=stop)
            kept.append(end if stop is None else own)
        return kept

    def _scan(self, event: TextDelta) -> list[Event]:
        _, held = self._held.pop(event.choice, (event.index, ""))
        text = held + str(jsons.loads(event.quoted))
        cut, stop = self._first_stop(text)
        if stop:
            self._stopped[event.choice] = stop
        else:
            cut = len(text) - self._possible_start(text)
            if cut < len(text):
                self._held[event.choice] = (event.index, text[cut:])
        if not cut:
            return []
        return [replace(event, quoted=jsons.dumps(text[:cut]))]

    def _first_stop(self, text: str) -> tuple[int, str]:
        """Find the stop string that is complete first, however the text was cut."""
        found = [(text.find(stop), stop) for stop in self._stops if stop in text]
        if not found:
            return len(text), ""
        return min(found, key=lambda match: (match[0] + len(match[1]), match[0]))

    def _possible_start(self, text: str) -> int:
        """Count how many last characters may begin a stop string."""
        longest = max(len(stop) for stop in self._stops) - 1
        for length in range(min(longest, len(text)), 0, -1):
            if any(stop.startswith(text[-length:]) for stop in self._stops):
                return length
        return 0

    def _release(self, choice: int) -> list[Event]:
        """Tell what was held for nothing, in the block it belongs to."""
        if choice not in self._held:
            return []
        index, text = self._held.pop(choice)
        return [TextDelta(index, jsons.dumps(text), choice)]


def _stopped(choice: int, stop: str) -> MessageEnd:
    return MessageEnd("stop", choice=choice, stop_sequence=stop)


def _ends(batch: Batch) -> bool:
    return bool(batch) and isinstance(batch[-1], MessageEnd)
