"""Checkers for Ollama: chat, generate, their NDJSON, models, errors."""

import json
import re
from typing import Any

from ollama._types import ChatResponse
from ollama._types import EmbedResponse
from ollama._types import GenerateResponse
from ollama._types import ListResponse
from ollama._types import ProcessResponse
from ollama._types import ShowResponse

from tests.oracles.strict import check
from tests.oracles.strict import missing
from tests.oracles.strict import repeated

RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)")
METRICS = (
    "total_duration",
    "load_duration",
    "prompt_eval_count",
    "prompt_eval_duration",
    "eval_count",
    "eval_duration",
)
DONE_REASONS = frozenset({"stop", "length", "load", "unload"})
TAG_KEYS = ("name", "model", "modified_at", "size", "digest", "details")
MODELS = {"chat": ChatResponse, "generate": GenerateResponse}


def ollama_error(status: int, body: Any) -> list[str]:
    """Check an error: one non-empty string."""
    found = error_object(body)
    if status < 400:
        found.append(f"error body with HTTP {status}")
    return found


def error_object(body: Any, where: str = "error") -> list[str]:
    """Check an error wherever it stands."""
    message = body.get("error") if isinstance(body, dict) else None
    if not isinstance(message, str) or not message.strip():
        return [f"{where}: not {{'error': '<a sentence>'}}: {body!r}"]
    return []


def ollama_chat(body: Any) -> list[str]:
    """Check a whole chat answer."""
    return reply_violations(body, "chat", "$")


def ollama_generate(body: Any) -> list[str]:
    """Check a whole generate answer."""
    return reply_violations(body, "generate", "$")


def reply_violations(body: Any, kind: str, where: str, final: bool = True) -> list[str]:
    """Check one object of a reply; a final one carries reason and metrics."""
    found = check(MODELS[kind], body, where)
    if found:
        return found
    if not RFC3339.fullmatch(str(body.get("created_at"))):
        found.append(f"{where}: created_at {body.get('created_at')!r}")
    if not body.get("model"):
        found.append(f"{where}: model missing")
    if body.get("done") is not final:
        found.append(f"{where}: done is {body.get('done')!r}")
    found += final_violations(body, where) if final else early_violations(body, where)
    if kind == "chat":
        return found + message_violations(body["message"], where)
    if not isinstance(body.get("response"), str):
        found.append(f"{where}: response must be a string")
    return found


def final_violations(body: dict[str, Any], where: str) -> list[str]:
    """Check what the last object must hold."""
    reason = body.get("done_reason")
    if reason not in DONE_REASONS:
        return [f"{where}: done_reason {reason!r}"]
    if reason in ("load", "unload"):
        return []
    return [
        f"{where}: {name} is {body.get(name)!r}, not a count"
        for name in METRICS
        if type(body.get(name)) is not int or body[name] < 0
    ]


def early_violations(body: dict[str, Any], where: str) -> list[str]:
    """Check that only the last object tells the end."""
    early = [name for name in ("done_reason", *METRICS) if body.get(name) is not None]
    return [f"{where}: {name} before the end" for name in early]


def message_violations(message: dict[str, Any], where: str) -> list[str]:
    """Check the message of a chat object."""
    found = []
    if message.get("role") != "assistant":
        found.append(f"{where}: role {message.get('role')!r}")
    if not isinstance(message.get("content"), str):
        found.append(f"{where}: content must be a string, empty beside calls")
    for call in message.get("tool_calls") or []:
        if not call["function"].get("name"):
            found.append(f"{where}: tool call without a name")
        if not isinstance(call["function"].get("arguments"), dict):
            found.append(f"{where}: arguments must be an object")
    return found


def ollama_stream(
    raw: bytes, kind: str = "chat", expect_error: bool = False
) -> list[str]:
    """Check an NDJSON stream."""
    found: list[str] = []
    objects = lines_of(raw, found)
    ended = ""
    calls = []
    for number, body in enumerate(objects):
        where = f"line[{number}]"
        if ended:
            found.append(f"{where}: a line after the {ended}")
        if "error" in body:
            ended = "error"
            found += error_object(body, where)
            continue
        final = body.get("done") is True
        found += reply_violations(body, kind, where, final)
        calls += ids_of(body)
        ended = "end" if final else ended
    if ended != ("error" if expect_error else "end"):
        found.append(f"the stream ends with {ended or 'nothing'}")
    return found + repeated(calls, "tool call ids")


def lines_of(raw: bytes, found: list[str]) -> list[dict[str, Any]]:
    """Read the lines, and note what ollama-python would fail on."""
    *lines, rest = raw.decode("utf-8", "replace").split("\n")
    if rest:
        found.append("the last line is not ended")
    objects = []
    for number, line in enumerate(lines):
        if not line.strip():
            found.append(f"line[{number}]: blank (ollama-python reads every line)")
            continue
        try:
            value = json.loads(line)
        except ValueError as error:
            found.append(f"line[{number}]: not JSON: {error}")
            continue
        if isinstance(value, dict):
            objects.append(value)
        else:
            found.append(f"line[{number}]: not an object")
    return objects


def ids_of(body: dict[str, Any]) -> list[str]:
    """Give the ids of the calls in one object."""
    message = body.get("message")
    calls = message.get("tool_calls") if isinstance(message, dict) else None
    return [call["id"] for call in calls or [] if call.get("id")]


# -------------------------------------------------------------------------- models


def ollama_tags(body: Any) -> list[str]:
    """Check the list of models; clients read ``name`` or ``model``, never both."""
    found = check(ListResponse, body)
    models = body.get("models") if isinstance(body, dict) else None
    if not isinstance(models, list):
        return [*found, "models is not a list"]
    for number, model in enumerate(models):
        where = f"models[{number}]"
        found += missing(model, *TAG_KEYS, where=where)
        if model.get("name") != model.get("model"):
            found.append(f"{where}: name and model differ")
        if not RFC3339.fullmatch(str(model.get("modified_at"))):
            found.append(f"{where}: modified_at {model.get('modified_at')!r}")
    return found


def ollama_ps(body: Any) -> list[str]:
    """Check the list of running models."""
    found = check(ProcessResponse, body)
    for number, model in enumerate(body.get("models", [])):
        where = f"models[{number}]"
        found += missing(model, "name", "model", "expires_at", where=where)
        if not isinstance(model.get("context_length"), int):
            found.append(f"{where}: context_length {model.get('context_length')!r}")
    return found


def ollama_show(body: Any) -> list[str]:
    """Check the description of a model for what VS Code's two providers read."""
    found = check(ShowResponse, body)
    info = body.get("model_info") or {}
    architecture = info.get("general.architecture")
    if not architecture:
        found.append("model_info: general.architecture missing")
    elif not isinstance(info.get(f"{architecture}.context_length"), int):
        found.append(f"model_info: {architecture}.context_length missing")
    if not info.get("general.basename"):
        found.append("model_info: general.basename missing (it is the display name)")
    if not isinstance(body.get("capabilities"), list):
        found.append("capabilities missing (VS Code then skips the model)")
    return found


def ollama_embed(body: Any) -> list[str]:
    """Check the answer of /api/embed."""
    found = check(EmbedResponse, body)
    if not found and len({len(one) for one in body["embeddings"]}) > 1:
        found.append("vectors differ in length")
    return found
