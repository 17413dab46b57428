"""Checkers for OpenAI bodies: chat, completions, embeddings, models, errors."""

import base64
import binascii
import re
import struct
from typing import Any

from openai.types import Completion
from openai.types import CreateEmbeddingResponse
from openai.types import Model
from openai.types.chat import ChatCompletion
from openai.types.chat.chat_completion_message import ChatCompletionMessage
from openai.types.shared import ErrorObject

from tests.oracles.strict import check
from tests.oracles.strict import is_object_text
from tests.oracles.strict import missing
from tests.oracles.strict import repeated

# Clients read both names; see the module docs of the OpenAI dialect.
EXTENSIONS = frozenset({"reasoning_content", "reasoning_text"})
ERROR_KEYS = ("message", "type", "param", "code")
FINISHES = ("stop", "length", "tool_calls", "content_filter")
CALL_ID = re.compile(r"[A-Za-z0-9_.:-]{1,64}")


def openai_error(status: int, body: Any) -> list[str]:
    """Check an error body: all four keys, a code that is a string or null."""
    found = error_object(body)
    if status < 400:
        found.append(f"error body with HTTP {status}")
    return found


def error_object(body: Any, where: str = "error") -> list[str]:
    """Check an error wherever it stands, in a body or in a stream."""
    inner = body.get("error") if isinstance(body, dict) else None
    if not isinstance(inner, dict):
        return [f"{where}: not {{'error': {{...}}}}"]
    found = check(ErrorObject, inner, where)
    found += missing(inner, *ERROR_KEYS, where=where)
    if not inner.get("message"):
        found.append(f"{where}: empty message")
    return found


# --------------------------------------------------------------------- chat


def openai_chat(body: Any, *, vscode: bool = False) -> list[str]:
    """Check a whole chat completion.

    ``vscode`` allows ``finish_reason: "error"``, which only that client is sent.
    """
    found = check(ChatCompletion, without_error_finish(body) if vscode else body)
    if found:
        return found
    if not body["choices"]:
        found.append("choices empty")
    for number, choice in enumerate(body["choices"]):
        where = f"choices[{number}]"
        found += missing(choice, "logprobs", where=where)
        found += message_violations(choice["message"], where)
        found += finish_violations(choice, where)
    return found + envelope_violations(body) + usage_violations(body.get("usage"))


def without_error_finish(body: Any) -> Any:
    """Give a body whose finish reasons ``error`` are replaced by ``stop``."""
    choices = [
        {**one, "finish_reason": "stop"} if one.get("finish_reason") == "error" else one
        for one in body.get("choices", [])
    ]
    return {**body, "choices": choices}


def message_violations(message: dict[str, Any], where: str) -> list[str]:
    """Check an assistant message beyond what the model says."""
    found = missing(message, "content", "refusal", where=where)
    found += unknown_keys(message, ChatCompletionMessage, where)
    calls = message.get("tool_calls")
    if calls == []:
        found.append(f"{where}: tool_calls [] (leave it out)")
    if not calls:
        return found
    if message.get("content") == "":
        found.append(f'{where}: content "" beside tool_calls (it must be null)')
    return found + repeated([call["id"] for call in calls], f"{where}: tool call ids")


def unknown_keys(value: dict[str, Any], model: Any, where: str) -> list[str]:
    """Name keys that neither the SDK nor our extensions know."""
    known = set(model.model_fields) | EXTENSIONS
    return [f"{where}: unknown key {key!r}" for key in value if key not in known]


def finish_violations(choice: dict[str, Any], where: str) -> list[str]:
    """Check that the finish reason fits the calls, and the calls themselves."""
    calls = choice["message"].get("tool_calls") or []
    reason = choice["finish_reason"]
    found = [one for call in calls for one in call_violations(call, where)]
    return found + reason_violations(reason, bool(calls), where)


def reason_violations(reason: str | None, called: bool, where: str) -> list[str]:
    """Check that a finish reason says ``tool_calls`` exactly when there are calls."""
    if called and reason == "stop":
        return [f"{where}: finish_reason 'stop' with tool calls"]
    if not called and reason == "tool_calls":
        return [f"{where}: finish_reason 'tool_calls' without tool calls"]
    return []


def call_violations(call: dict[str, Any], where: str) -> list[str]:
    """Check one whole tool call."""
    function = call.get("function") or {}
    found = []
    if not CALL_ID.fullmatch(call.get("id") or ""):
        found.append(f"{where}: tool call id {call.get('id')!r}")
    if not function.get("name"):
        found.append(f"{where}: tool call without a name")
    if not is_object_text(function.get("arguments")):
        found.append(f"{where}: arguments are no JSON object: {function!r}")
    return found


def envelope_violations(body: dict[str, Any]) -> list[str]:
    """Check id, model and the moment, which is in seconds."""
    found = [f"{name} empty" for name in ("id", "model") if not body.get(name)]
    if not 1.5e9 < body["created"] < 4e9:
        found.append(f"created is not in unix seconds: {body['created']}")
    return found


def usage_violations(usage: Any, where: str = "usage") -> list[str]:
    """Check that the three numbers are there and add up."""
    names = ("prompt_tokens", "completion_tokens", "total_tokens")
    numbers = [(usage or {}).get(name) for name in names]
    if not all(isinstance(number, int) and number >= 0 for number in numbers):
        return [f"{where}: needs three numbers: {usage!r}"]
    prompt, completion, total = numbers
    found = []
    if total != prompt + completion:
        found.append(f"{where}: total is not the sum: {usage!r}")
    cached = (usage.get("prompt_tokens_details") or {}).get("cached_tokens") or 0
    if cached > prompt:
        found.append(f"{where}: more cached than prompt tokens: {usage!r}")
    details = usage.get("completion_tokens_details") or {}
    if (details.get("reasoning_tokens") or 0) > completion:
        found.append(f"{where}: more reasoning than completion tokens: {usage!r}")
    return found


# -------------------------------------------------- completions, embeddings, models


def openai_completion(body: Any) -> list[str]:
    """Check a whole text completion."""
    found = check(Completion, body)
    if found:
        return found
    found += envelope_violations(body) + usage_violations(body.get("usage"))
    indices = [choice["index"] for choice in body["choices"]]
    if sorted(indices) != list(range(len(indices))) or not indices:
        found.append(f"choice indices {indices}")
    for number, choice in enumerate(body["choices"]):
        found += missing(choice, "logprobs", where=f"choices[{number}]")
    return found


def openai_embeddings(body: Any, *, encoding: str = "float") -> list[str]:
    """Check embeddings; with ``base64`` each is little-endian float32 in base64."""
    if encoding == "base64":
        body, found = decoded(body)
    else:
        found = []
    found += check(CreateEmbeddingResponse, body)
    if found:
        return found
    if [item["index"] for item in body["data"]] != list(range(len(body["data"]))):
        found.append("data indices are not 0, 1, 2, ...")
    if len({len(item["embedding"]) for item in body["data"]}) > 1:
        found.append("vectors differ in length")
    return found


def decoded(body: Any) -> tuple[Any, list[str]]:
    """Give the body with its base64 vectors as numbers, and what would not decode."""
    found = []
    data = []
    for number, item in enumerate(body.get("data", [])):
        try:
            packed = base64.b64decode(item["embedding"], validate=True)
            floats = list(struct.unpack(f"<{len(packed) // 4}f", packed))
        except (binascii.Error, struct.error, TypeError, ValueError) as error:
            found.append(f"data[{number}]: not base64 of float32: {error}")
            floats = []
        data.append({**item, "embedding": floats})
    return {**body, "data": data}, found


def openai_models(body: Any) -> list[str]:
    """Check the list of models."""
    if body.get("object") != "list" or not isinstance(body.get("data"), list):
        return ["not {'object': 'list', 'data': [...]}"]
    found = []
    for number, model in enumerate(body["data"]):
        found += check(Model, model, f"data[{number}]")
    return found + repeated([model.get("id") for model in body["data"]], "model ids")
