"""What is fuzzed: a function of bytes each, which raises when a promise is broken.

Bytes are cut where the first of them say, so that the fuzzer finds the cuts, too.
"""

from collections.abc import Callable
from typing import Any

from proxyapp.backends.copilot.events import EventReader
from proxyapp.backends.openai.decode import ReplyReader
from proxyapp.backends.openai.encode import encode_chat
from proxyapp.dialects.anthropic.messages import decode_request
from proxyapp.dialects.anthropic.tools import tool_definitions as anthropic_tools
from proxyapp.dialects.ollama.chat import decode_chat as decode_ollama
from proxyapp.dialects.ollama.generate import decode_generate
from proxyapp.dialects.openai.chat import decode_chat
from proxyapp.dialects.openai.chat import tool_definitions
from proxyapp.dialects.openai.completions import decode_completion
from proxyapp.dialects.openai.embeddings import decode_embeddings
from proxyapp.dialects.responses.request import decode_response
from proxyapp.dialects.responses.tools import read_tools
from proxyapp.errors import BadRequest
from proxyapp.errors import ProxyError
from proxyapp.neutral.record import Record
from proxyapp.neutral.request import ChatRequest
from proxyapp.settings.schema import COMPAT
from proxyapp.tools.arguments import clean_history_arguments
from proxyapp.tools.arguments import complete_arguments
from proxyapp.tools.repair import ToolRepairer
from proxyapp.wire import jsons
from proxyapp.wire.chunked import Dechunker
from proxyapp.wire.http1 import HeadReader
from proxyapp.wire.lines import LineSplitter
from proxyapp.wire.sse import SseReader
from tests.grammar import check_order

Target = Callable[[bytes], None]
SIZE = 8


def pieces(data: bytes) -> tuple[bytes, list[bytes]]:
    """Give what the first bytes leave, whole and cut as they say."""
    sizes, rest = data[:SIZE], data[SIZE:]
    cut, at = [], 0
    for size in sizes:
        cut.append(rest[at : at + size])
        at += size
    return rest, [*cut, rest[at:]]


def sse(data: bytes) -> None:
    """Events do not depend on how their bytes arrive."""
    whole, cut = pieces(data)
    reader = SseReader()
    told = [event for piece in cut for event in reader.feed(piece)]
    assert told == SseReader().feed(whole)


def lines(data: bytes) -> None:
    """Lines do not depend on how their bytes arrive, and none is lost."""
    whole, cut = pieces(data)
    splitter = LineSplitter()
    assert [x for piece in cut for x in splitter.feed(piece)] == LineSplitter().feed(
        whole
    )


def chunked(data: bytes) -> None:
    """A body's end, its bytes and its faults do not depend on how it arrives."""
    whole, cut = pieces(data)
    first, second = Dechunker(), Dechunker()
    told = b"".join(first.feed(piece) for piece in cut)
    assert told == second.feed(whole) or first.failure
    assert (first.done, bool(first.failure)) == (second.done, bool(second.failure))


def head(data: bytes) -> None:
    """A reply's head is read, waited for, or refused in words."""
    _, cut = pieces(data)
    reader = HeadReader()
    for piece in cut:
        try:
            found = reader.feed(piece)
        except ValueError:
            return
        if found is not None:
            assert found.status == 101 or 200 <= found.status <= 999
            return


def reply(data: bytes) -> None:
    """A model server's stream obeys the grammar, or fails in words."""
    reader, events = ReplyReader("m", choices=2), []
    _, cut = pieces(data)
    try:
        for piece in cut:
            events += reader.feed(piece)
            if reader.failure is not None:
                return
        events += reader.end()
    except ProxyError:
        return
    assert check_order(events) == []


def copilot(data: bytes) -> None:
    """What the Node process says is read as events, or is a failure in words."""
    value = document(data)
    messages = [one for one in as_list(value) if isinstance(one, dict)]
    reader = EventReader("m", Record())
    try:
        events = reader.feed(messages)
    except ProxyError:
        return
    if reader.done:
        assert check_order(events) == []


def document(data: bytes) -> Any:
    """Read JSON; what is none is nothing."""
    try:
        return jsons.loads(data)
    except ValueError:
        return None


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def repair(data: bytes) -> None:
    """Repaired tools are schemas, and need no repair."""
    repairer = ToolRepairer()
    try:
        tools = repairer.repair(as_list(document(data))).tools
    except BadRequest:
        return
    wire = [
        {
            "type": "function",
            "function": {"name": tool.name, "parameters": tool.parameters},
        }
        for tool in tools
    ]
    again = repairer.repair(wire)
    assert [tool.parameters for tool in again.tools] == [t.parameters for t in tools]


def arguments(data: bytes) -> None:
    """Arguments become a JSON object, or are refused in words."""
    text = data.decode("utf-8", "replace")
    assert isinstance(jsons.loads(clean_history_arguments(text)), dict)
    try:
        whole = complete_arguments(text, {"type": "object"})
    except ProxyError:
        return
    assert isinstance(jsons.loads(whole), dict)


def requests(data: bytes) -> None:
    """Each dialect's decoder understands a body, or refuses it as a bad request."""
    body = document(data)
    if not isinstance(body, dict):
        return
    for decode in DECODERS:
        try:
            request = decode(body)
        except BadRequest:
            continue
        if isinstance(request, ChatRequest):
            jsons.dumps(encode_chat("m", request, COMPAT["llama"]))


def _openai(body: dict[str, Any]) -> Any:
    return decode_chat(body, ToolRepairer().repair(tool_definitions(body)).tools, False)


def _anthropic(body: dict[str, Any]) -> Any:
    return decode_request(body, ToolRepairer().repair(anthropic_tools(body)).tools)


def _ollama(body: dict[str, Any]) -> Any:
    return decode_ollama(body, ToolRepairer().repair(body.get("tools")).tools)


def _responses(body: dict[str, Any]) -> Any:
    tools = read_tools(body)
    return decode_response(body, tools, ToolRepairer().repair(tools.functions))


DECODERS: tuple[Callable[[dict[str, Any]], Any], ...] = (
    _openai,
    lambda body: decode_completion(body, False),
    decode_embeddings,
    _anthropic,
    _ollama,
    decode_generate,
    _responses,
)

TARGETS: dict[str, Target] = {
    "sse": sse,
    "lines": lines,
    "chunked": chunked,
    "head": head,
    "reply": reply,
    "copilot": copilot,
    "repair": repair,
    "arguments": arguments,
    "requests": requests,
}
