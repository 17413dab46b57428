"""OpenAI's own OpenAPI schema as a second oracle, beside the SDK's models.

It demands keys that the SDK forgives: ``logprobs`` and ``refusal`` in every whole
choice, ``finish_reason`` in every streamed one.
"""

import functools
import json
from pathlib import Path
from typing import Any

import jsonschema

from tests.oracles import sse

FILE = Path(__file__).parents[1] / "data" / "openai-gateway-subset-31.json"
NAMES = {
    "chat": "CreateChatCompletionResponse",
    "chat_chunk": "CreateChatCompletionStreamResponse",
    "completion": "CreateCompletionResponse",
    "embeddings": "CreateEmbeddingResponse",
    "models": "ListModelsResponse",
    "model": "Model",
    "response": "Response",
    "response_event": "ResponseStreamEvent",
    "error": "ErrorResponse",
}


@functools.cache
def document() -> dict[str, Any]:
    """Read the schema file, once."""
    loaded: dict[str, Any] = json.loads(FILE.read_text("utf-8"))
    return loaded


@functools.cache
def validator(name: str) -> jsonschema.Draft202012Validator:
    """Give the validator of one component."""
    reference = {"$ref": f"#/components/schemas/{name}"}
    schema = {**reference, "components": document()["components"]}
    return jsonschema.Draft202012Validator(schema)


@functools.cache
def event_components() -> dict[str, str]:
    """Give the component of each type of Responses event."""
    schemas = document()["components"]["schemas"]
    union = schemas[NAMES["response_event"]]["anyOf"]
    names = [member["$ref"].rpartition("/")[2] for member in union]
    return {schemas[name]["properties"]["type"]["enum"][0]: name for name in names}


def matches(kind: str, body: Any, where: str = "$") -> list[str]:
    """Check a body against the component of a kind, see ``NAMES``."""
    name = NAMES[kind]
    if kind == "response_event":
        name = event_components().get(body.get("type"), name)
    if kind == "response_event" and "response" in body:
        body = {**body, "response": without_null_usage(body["response"])}
    if kind == "response":
        body = without_null_usage(body)
    errors = validator(name).iter_errors(body)
    return [f"{where}{path_of(one)}: {one.message[:300]}" for one in errors]


def without_null_usage(response: Any) -> Any:
    """Drop a null usage: OpenAI sends it in every unfinished response.

    Their schema wants an object or nothing there.
    """
    if not isinstance(response, dict) or response.get("usage", 0) is not None:
        return response
    return {key: value for key, value in response.items() if key != "usage"}


def path_of(error: jsonschema.ValidationError) -> str:
    """Give the place of an error, as deep as it is certain."""
    deepest = jsonschema.exceptions.best_match([error])
    path = (deepest or error).absolute_path
    return "".join(f".{step}" for step in path)


def stream_matches(kind: str, raw: bytes) -> list[str]:
    """Check each event of a stream; errors are the business of another oracle."""
    events, found = sse.read(raw)
    for number, event in enumerate(events):
        where = f"event[{number}]"
        if event.data == sse.DONE:
            continue
        value = sse.parsed(event, found, where)
        if value is not None and "error" not in value:
            found += matches(kind, value, where)
    return found
