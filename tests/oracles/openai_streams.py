"""Checkers for OpenAI streams: the order of chunks, not only their shape.

chunk 0     delta {role, content ""|null}             exactly once per choice
            { reasoning delta | content delta }*
tool k      {index, id, type, function{name, arguments}}   then only fragments
finish      delta {}, finish_reason                    its own chunk, once per choice
usage       choices [] and three numbers               only when asked, last
data: [DONE]
"""

import json
from dataclasses import dataclass
from dataclasses import field
from typing import Any

from openai.types import Completion
from openai.types.chat import ChatCompletionChunk
from openai.types.chat.chat_completion_chunk import ChoiceDelta

from tests.oracles import sse
from tests.oracles.openai import CALL_ID
from tests.oracles.openai import error_object
from tests.oracles.openai import reason_violations
from tests.oracles.openai import unknown_keys
from tests.oracles.openai import usage_violations
from tests.oracles.openai import without_error_finish
from tests.oracles.strict import check
from tests.oracles.strict import is_object_text
from tests.oracles.strict import missing
from tests.oracles.strict import repeated

PINNED = ("id", "model", "created")


@dataclass
class Call:
    """A tool call while its pieces arrive."""

    id: str
    arguments: str = ""


@dataclass
class Choice:
    """What one choice of a stream has shown so far."""

    started: bool = False
    finish: str | None = None
    calls: dict[int, Call] = field(default_factory=dict)
    last_call: int = -1


class Stream:
    """The grammar both OpenAI streams share; children check one choice's delta."""

    model: Any = None

    def __init__(self, *, include_usage: bool, vscode: bool) -> None:
        self.include_usage = include_usage
        self.vscode = vscode
        self.found: list[str] = []
        self.choices: dict[int, Choice] = {}
        self.pinned: dict[str, Any] = {}
        self.failed = False
        self.usage_seen = False

    def run(self, raw: bytes, *, expect_error: bool) -> list[str]:
        """Check a whole stream."""
        events, self.found = sse.read(raw)
        if not events or events[-1].data != sse.DONE:
            self.found.append("the last event is not [DONE]")
        for number, event in enumerate(events):
            if event.data == sse.DONE and number < len(events) - 1:
                self.found.append("[DONE] before the end")
            elif event.data != sse.DONE:
                self.event(event, f"chunk[{number}]")
        self.close(expect_error)
        return self.found

    def event(self, event: sse.Event, where: str) -> None:
        """Check one event."""
        if event.name is not None or event.others:
            self.found.append(f"{where}: only data lines belong in this stream")
        chunk = sse.parsed(event, self.found, where)
        if chunk is None:
            return
        if self.failed:
            self.found.append(f"{where}: data after the error")
        if "error" in chunk:
            self.error(chunk, where)
            return
        objections = check(self.model, self.lenient(chunk), where)
        self.found += objections
        if not objections:
            self.chunk(chunk, where)

    def error(self, chunk: dict[str, Any], where: str) -> None:
        """Check an in-band error."""
        self.failed = True
        self.found += error_object(chunk, where)
        if "choices" in chunk:
            self.found.append(f"{where}: an error beside choices is not read")
        began = any(choice.started for choice in self.choices.values())
        told = any(choice.finish == "error" for choice in self.choices.values())
        if self.vscode and began and not told:
            self.found.append(f"{where}: no finish_reason 'error' before the error")

    def chunk(self, chunk: dict[str, Any], where: str) -> None:
        """Check one chunk of the right shape."""
        for name in PINNED:
            if self.pinned.setdefault(name, chunk[name]) != chunk[name]:
                self.found.append(f"{where}: {name} changed to {chunk[name]!r}")
            if not chunk[name]:
                self.found.append(f"{where}: {name} empty")
        if self.usage_seen:
            self.found.append(f"{where}: a chunk after the usage chunk")
        if chunk.get("usage") is not None or not chunk["choices"]:
            self.usage(chunk, where)
        for choice in chunk["choices"]:
            self.found += missing(choice, "finish_reason", where=where)
            state = self.choices.setdefault(choice["index"], Choice())
            self.choice(choice, state, where)
            self.finish(choice, state, where)

    def usage(self, chunk: dict[str, Any], where: str) -> None:
        """Check the usage chunk."""
        self.usage_seen = True
        self.found += usage_violations(chunk.get("usage"), where)
        if chunk["choices"]:
            self.found.append(f"{where}: usage belongs in a chunk without choices")
        if not self.include_usage:
            self.found.append(f"{where}: usage that nobody asked for")

    def finish(self, choice: dict[str, Any], state: Choice, where: str) -> None:
        """Check the finish reason."""
        reason = choice.get("finish_reason")
        if reason is None:
            return
        if state.finish is not None:
            self.found.append(f"{where}: second finish_reason")
        if any(self.content(choice)):
            self.found.append(f"{where}: content in the chunk with finish_reason")
        state.finish = reason

    def close(self, expect_error: bool) -> None:
        """Check what only the end can tell."""
        if self.failed != expect_error:
            seen = "an error" if self.failed else "no error"
            self.found.append(f"{seen}, against expectation")
        if self.failed:
            return
        if not self.choices:
            self.found.append("no choices at all")
        if self.include_usage and not self.usage_seen:
            self.found.append("no usage chunk although it was asked for")
        for index, state in self.choices.items():
            self.close_choice(state, f"choice {index}")

    def close_choice(self, state: Choice, where: str) -> None:
        """Check one finished choice."""
        if state.finish is None:
            self.found.append(f"{where}: no finish_reason")
        if state.finish == "error":
            self.found.append(f"{where}: finish_reason 'error' without an error")
        calls = list(state.calls.values())
        self.found += reason_violations(state.finish, bool(calls), where)
        self.found += repeated([call.id for call in calls], f"{where}: tool call ids")
        for call in calls:
            if state.finish != "length" and not is_object_text(call.arguments):
                text = json.dumps(call.arguments)
                self.found.append(f"{where}: arguments are no JSON object: {text}")

    def lenient(self, chunk: dict[str, Any]) -> dict[str, Any]:
        """Give the chunk as the SDK's model can judge it."""
        return without_error_finish(chunk) if self.vscode else chunk

    def choice(self, choice: dict[str, Any], state: Choice, where: str) -> None:
        """Check one choice of a chunk."""
        raise NotImplementedError

    def content(self, choice: dict[str, Any]) -> list[Any]:
        """Give what a chunk's choice says, empty or not."""
        raise NotImplementedError


class ChatStream(Stream):
    """Chunks of a chat completion."""

    model = ChatCompletionChunk

    def choice(self, choice: dict[str, Any], state: Choice, where: str) -> None:
        delta = choice["delta"]
        self.found += unknown_keys(delta, ChoiceDelta, where)
        self.role(delta, state, where)
        if state.finish is not None and any(self.content(choice)):
            self.found.append(f"{where}: content after finish_reason")
        calls = delta.get("tool_calls")
        if calls == []:
            self.found.append(f"{where}: tool_calls [] (VS Code drops the delta)")
        if calls and delta.get("content"):
            self.found.append(f"{where}: content and tool_calls in one delta")
        for call in calls or []:
            self.call(call, state, where)

    def role(self, delta: dict[str, Any], state: Choice, where: str) -> None:
        if not state.started and delta.get("role") != "assistant":
            self.found.append(f"{where}: the first delta has no role assistant")
        if state.started and delta.get("role") is not None:
            self.found.append(f"{where}: role repeated")
        state.started = True

    def call(self, call: dict[str, Any], state: Choice, where: str) -> None:
        index = call["index"]
        function = call.get("function") or {}
        if index not in state.calls:
            self.first_piece(call, state, where)
        elif function.get("name") or call.get("id") or call.get("type"):
            self.found.append(f"{where}: id, type or name of tool {index} repeated")
        elif index != state.last_call:
            self.found.append(f"{where}: tool {index} goes on after a later one")
        state.calls[index].arguments += function.get("arguments") or ""
        state.last_call = index

    def first_piece(self, call: dict[str, Any], state: Choice, where: str) -> None:
        index = call["index"]
        if index != len(state.calls):
            self.found.append(f"{where}: tool index {index} is not the next")
        if not CALL_ID.fullmatch(call.get("id") or ""):
            self.found.append(
                f"{where}: tool {index} begins with id {call.get('id')!r}"
            )
        if call.get("type") != "function":
            self.found.append(f"{where}: tool {index} begins without its type")
        if not (call.get("function") or {}).get("name"):
            self.found.append(f"{where}: tool {index} begins without its name")
        state.calls[index] = Call(call.get("id") or "")

    def content(self, choice: dict[str, Any]) -> list[Any]:
        return [value for key, value in choice["delta"].items() if key != "role"]


class CompletionStream(Stream):
    """Chunks of a text completion."""

    model = Completion

    def choice(self, choice: dict[str, Any], state: Choice, where: str) -> None:
        state.started = True
        if state.finish is not None and choice["text"]:
            self.found.append(f"{where}: text after finish_reason")

    def content(self, choice: dict[str, Any]) -> list[Any]:
        return [choice["text"]]

    def lenient(self, chunk: dict[str, Any]) -> dict[str, Any]:
        # The SDK has no model for these chunks and demands a reason in each, where
        # OpenAI sends null until the last one.
        choices = [
            {**one, "finish_reason": one.get("finish_reason") or "stop"}
            for one in chunk.get("choices", [])
        ]
        return {**chunk, "choices": choices}


def openai_chat_stream(
    raw: bytes,
    include_usage: bool = False,
    expect_error: bool = False,
    vscode: bool = False,
) -> list[str]:
    """Check a chat stream.

    ``vscode`` allows ``finish_reason: "error"`` and, with ``expect_error``, demands
    it: that client shows an error after content only then.
    """
    stream = ChatStream(include_usage=include_usage, vscode=vscode)
    return stream.run(raw, expect_error=expect_error)


def openai_completion_stream(
    raw: bytes, include_usage: bool = False, expect_error: bool = False
) -> list[str]:
    """Check a text completion stream."""
    stream = CompletionStream(include_usage=include_usage, vscode=False)
    return stream.run(raw, expect_error=expect_error)
