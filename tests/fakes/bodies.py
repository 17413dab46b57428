"""The shapes of llama-server's whole answers, as recorded from build 0c1e570."""

import base64
import hashlib
import json
import struct
from collections.abc import Iterable
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.fakes import steps as s
from tests.fakes.llama import compact
from tests.fakes.llama import Compiler
from tests.fakes.llama import Envelope
from tests.fakes.llama import FINGERPRINT
from tests.fakes.llama import Pending
from tests.fakes.llama import usage_object

EMBEDDING_SIZE = 8
RECORDED = Path(__file__).parents[1] / "data" / "llama"


def recorded(name: str) -> dict[str, Any]:
    """Read a recorded body: ``models``, ``props`` or ``health``."""
    loaded: dict[str, Any] = json.loads((RECORDED / f"{name}.json").read_text("utf-8"))
    return loaded["body"]


def whole(script: Iterable[s.Step], envelope: Envelope) -> dict[str, Any]:
    """Fold a script into the JSON body of a request that did not ask to stream."""
    choices: dict[int, dict[str, Any]] = {}
    extra: dict[str, Any] = {}
    calls: dict[int, dict[str, Any]] = {}
    for item in Compiler(envelope).compile(script):
        if not isinstance(item, Pending):
            continue
        extra.update(item.extra)
        if item.delta is None:
            continue
        choice = choices.setdefault(item.choice, new_choice(item.choice))
        choice["finish_reason"] = item.finish or choice["finish_reason"]
        fold(choice["message"], item.delta, calls)
    return finished(list(choices.values()), extra, envelope)


def new_choice(index: int) -> dict[str, Any]:
    """Open a choice in the recorded key order."""
    message = {"role": "assistant", "content": ""}
    return {"finish_reason": None, "index": index, "message": message}


def fold(
    message: dict[str, Any],
    delta: Mapping[str, Any],
    calls: dict[int, dict[str, Any]],
) -> None:
    """Add a delta to the message it belongs to."""
    message["content"] += delta.get("content") or ""
    if delta.get("reasoning_content"):
        so_far = message.get("reasoning_content", "")
        message["reasoning_content"] = so_far + delta["reasoning_content"]
    for part in delta.get("tool_calls") or []:
        function = part.get("function", {})
        if "id" in part:
            call = {"type": "function", "function": dict(function), "id": part["id"]}
            calls[part["index"]] = call
            message.setdefault("tool_calls", []).append(call)
        else:
            calls[part["index"]]["function"]["arguments"] += function["arguments"]


def finished(
    choices: list[dict[str, Any]], extra: dict[str, Any], envelope: Envelope
) -> dict[str, Any]:
    """Wrap the folded choices as a whole reply of the envelope's kind."""
    kind = "chat.completion"
    if envelope.kind == "completion":
        kind = "text_completion"
        choices = [text_choice(choice) for choice in choices]
    timings = {"timings": extra["timings"]} if "timings" in extra else {}
    usage = extra.get("usage") or usage_object(s.Usage(1, 1))
    return {
        "choices": choices,
        "created": int(envelope.clock()),
        "model": envelope.model,
        "system_fingerprint": FINGERPRINT,
        "object": kind,
        "usage": usage,
        "id": envelope.id,
        **timings,
    }


def text_choice(choice: Mapping[str, Any]) -> dict[str, Any]:
    """Give a folded chat choice the form of a text completion choice."""
    return {
        "text": choice["message"]["content"],
        "index": choice["index"],
        "logprobs": None,
        "finish_reason": choice["finish_reason"],
    }


# ------------------------------------------------------------------- embeddings


def vector(text: Any) -> list[float]:
    """Derive a unit vector from a text; the same text always gives the same one."""
    digest = hashlib.sha256(compact(text).encode()).digest()
    numbers = [byte / 255 - 0.5 for byte in digest[:EMBEDDING_SIZE]]
    length = sum(number * number for number in numbers) ** 0.5
    packed = struct.pack(f"<{EMBEDDING_SIZE}f", *(n / length for n in numbers))
    return list(struct.unpack(f"<{EMBEDDING_SIZE}f", packed))


def embeddings(request: Mapping[str, Any]) -> dict[str, Any]:
    """Answer an embeddings request; base64 items carry llama-server's extra key."""
    given = request.get("input", "")
    # A list of integers is one tokenised input, not many inputs.
    tokens = isinstance(given, list) and given and isinstance(given[0], int)
    inputs = given if isinstance(given, list) and not tokens else [given]
    as_text = request.get("encoding_format") == "base64"
    data = [embedding(vector(one), i, as_text) for i, one in enumerate(inputs)]
    count = 2 * len(inputs)
    return {
        "model": request.get("model", "tiny"),
        "object": "list",
        "usage": {"prompt_tokens": count, "total_tokens": count},
        "data": data,
    }


def embedding(numbers: list[float], index: int, as_text: bool) -> dict[str, Any]:
    """Give one item of the data list, as numbers or as base64 of float32."""
    item: dict[str, Any] = {"embedding": numbers, "index": index, "object": "embedding"}
    if as_text:
        packed = struct.pack(f"<{len(numbers)}f", *numbers)
        item["embedding"] = base64.b64encode(packed).decode()
        item["encoding_format"] = "base64"
    return item
