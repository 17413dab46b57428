"""The official SDKs of the four dialects, behind one face.

    client = CLIENTS["anthropic"](gateway.url)
    said = client.ask(Asked("claude-haiku-4.5", "hi"), stream=True)

An SDK's own accumulator reads a stream where it has one.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from collections.abc import Mapping
from typing import Any
from typing import ClassVar

import anthropic
import httpx
import ollama
import openai

from tests.copilot.turns import Asked
from tests.copilot.turns import Failed
from tests.copilot.turns import Said

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "city": {"type": "string"},
        "days": {"$ref": "#/$defs/days"},
    },
    "required": ["city"],
    "additionalProperties": False,
    "$defs": {"days": {"type": "integer", "minimum": 1}},
}
NAME = "get_weather"
ABOUT = "Tell the weather"


def data_url(image: bytes) -> str:
    """Write a PNG as a data: URL."""
    return f"data:image/png;base64,{base64.b64encode(image).decode()}"


def parsed(arguments: str) -> Any:
    """Parse a call's arguments; what is no JSON stays the text it is."""
    try:
        return json.loads(arguments)
    except ValueError:
        return arguments


class Client:
    """One dialect's SDK.

    ``carries`` tells whether signatures survive in it, ``schema`` what it sends of a
    tool's schema, ``addresses`` whether an image may be one elsewhere.
    """

    name: str
    carries = False
    addresses = True
    schema: ClassVar[Mapping[str, Any]] = SCHEMA
    failures: tuple[type[Exception], ...] = ()

    def __init__(self, url: str, key: str = "none") -> None:
        self.url = url
        self.key = key

    def ask(self, asked: Asked, *, stream: bool) -> Said:
        """Ask and read the whole answer."""
        return self.streamed(asked) if stream else self.whole(asked)

    def attempt(self, asked: Asked, *, stream: bool) -> Said | Failed:
        """Ask, and read what comes, an error too."""
        try:
            return self.ask(asked, stream=stream)
        except self.failures as error:
            return self.failed(error)

    def failed(self, error: Any) -> Failed:
        """Read an error."""
        response = getattr(error, "response", None)
        status = getattr(error, "status_code", None)
        headers = getattr(response, "headers", {})
        return Failed(status, str(error), headers.get("retry-after"))

    def whole(self, asked: Asked) -> Said:
        raise NotImplementedError

    def streamed(self, asked: Asked) -> Said:
        raise NotImplementedError

    def pieces(self, asked: Asked) -> Iterator[str]:
        """Give the pieces of text as they come; closing it ends the request."""
        raise NotImplementedError

    def after(
        self, asked: Asked, said: Said, results: dict[str, str]
    ) -> tuple[Any, ...]:
        """Give the history after an answer: by call id the results of its tools."""
        raise NotImplementedError


class Chat(Client):
    """OpenAI's chat completions."""

    name = "openai"
    failures = (openai.OpenAIError,)

    def sdk(self, asked: Asked) -> openai.OpenAI:
        limit = asked.limit
        options: dict[str, Any] = {"max_retries": 0, "timeout": limit}
        return openai.OpenAI(base_url=f"{self.url}/v1", api_key=self.key, **options)

    def fields(self, asked: Asked) -> dict[str, Any]:
        system = [{"role": "system", "content": asked.system}] if asked.system else []
        fields: dict[str, Any] = {"model": asked.model}
        fields["messages"] = [*system, *asked.history, *self.user(asked)]
        if asked.tools:
            function = {"name": NAME, "description": ABOUT, "parameters": SCHEMA}
            fields["tools"] = [{"type": "function", "function": function}]
        if asked.think:
            fields["reasoning_effort"] = "low"
        return fields

    def user(self, asked: Asked) -> list[dict[str, Any]]:
        content: list[dict[str, Any]] = [{"type": "text", "text": asked.text}]
        url = data_url(asked.image) if asked.image else asked.image_url
        if url:
            content.append({"type": "image_url", "image_url": {"url": url}})
        return [{"role": "user", "content": content}] if asked.text else []

    def whole(self, asked: Asked) -> Said:
        with self.sdk(asked) as sdk:
            reply = sdk.chat.completions.create(**self.fields(asked))
        message = reply.choices[0].message
        return self.read(message, reply.choices[0].finish_reason, reply.usage)

    def streamed(self, asked: Asked) -> Said:
        fields = {**self.fields(asked), "stream_options": {"include_usage": True}}
        with self.sdk(asked) as sdk, sdk.chat.completions.stream(**fields) as stream:
            thinking = ""
            for event in stream:
                if event.type == "chunk" and event.chunk.choices:
                    extra = event.chunk.choices[0].delta.model_extra or {}
                    thinking += extra.get("reasoning_content") or ""
            # The final completion is refused to whoever was cut by the length.
            reply = stream.current_completion_snapshot
        message = reply.choices[0].message
        said = self.read(message, reply.choices[0].finish_reason, reply.usage)
        said.thinking = thinking
        return said

    def read(self, message: Any, finish: str | None, usage: Any) -> Said:
        calls = [
            (call.id, call.function.name, parsed(call.function.arguments))
            for call in message.tool_calls or []
        ]
        turn: dict[str, Any] = {"role": "assistant", "content": message.content}
        if calls:
            turn["tool_calls"] = [
                {
                    "id": call_id,
                    "type": "function",
                    "function": {"name": name, "arguments": json.dumps(given)},
                }
                for call_id, name, given in calls
            ]
        thinking = (message.model_extra or {}).get("reasoning_content") or ""
        counted = (usage.prompt_tokens, usage.completion_tokens)
        return Said(message.content or "", thinking, calls, finish, counted, turn)

    def pieces(self, asked: Asked) -> Iterator[str]:
        with (
            self.sdk(asked) as sdk,
            sdk.chat.completions.create(**self.fields(asked), stream=True) as stream,
        ):
            for chunk in stream:
                if chunk.choices and chunk.choices[0].delta.content:
                    yield chunk.choices[0].delta.content

    def after(
        self, asked: Asked, said: Said, results: dict[str, str]
    ) -> tuple[Any, ...]:
        told = [
            {"role": "tool", "tool_call_id": call_id, "content": text}
            for call_id, text in results.items()
        ]
        return (*asked.history, *self.user(asked), said.turn, *told)


class Responses(Chat):
    """OpenAI's responses."""

    name = "responses"
    carries = True

    def fields(self, asked: Asked) -> dict[str, Any]:
        fields: dict[str, Any] = {"model": asked.model, "store": False}
        fields["input"] = [*asked.history, *self.user(asked)]
        if asked.system:
            fields["instructions"] = asked.system
        if asked.tools:
            tool = {"type": "function", "name": NAME, "description": ABOUT}
            fields["tools"] = [{**tool, "parameters": SCHEMA, "strict": False}]
        if asked.think:
            fields["reasoning"] = {"effort": "low", "summary": "auto"}
            fields["include"] = ["reasoning.encrypted_content"]
        return fields

    def user(self, asked: Asked) -> list[dict[str, Any]]:
        content: list[dict[str, Any]] = [{"type": "input_text", "text": asked.text}]
        url = data_url(asked.image) if asked.image else asked.image_url
        if url:
            content.append({"type": "input_image", "image_url": url, "detail": "auto"})
        return [{"role": "user", "content": content}] if asked.text else []

    def whole(self, asked: Asked) -> Said:
        with self.sdk(asked) as sdk:
            return self.read_response(sdk.responses.create(**self.fields(asked)))

    def streamed(self, asked: Asked) -> Said:
        with self.sdk(asked) as sdk:
            final: Any = None
            for event in sdk.responses.create(**self.fields(asked), stream=True):
                if event.type in ("response.failed", "error"):
                    raise openai.OpenAIError(str(event))
                final = getattr(event, "response", final)
        return self.read_response(final)

    def read_response(self, response: Any) -> Said:
        said = Said(response.output_text, finish=response.status)
        for item in response.output:
            if item.type == "function_call":
                given = parsed(item.arguments)
                said.calls.append((item.call_id, item.name, given))
            elif item.type == "reasoning":
                parts = [*item.summary, *(item.content or [])]
                said.thinking += "".join(part.text for part in parts)
        used = response.usage
        said.usage = (used.input_tokens, used.output_tokens)
        said.turn = [item.model_dump(exclude_none=True) for item in response.output]
        return said

    def pieces(self, asked: Asked) -> Iterator[str]:
        with (
            self.sdk(asked) as sdk,
            sdk.responses.create(**self.fields(asked), stream=True) as stream,
        ):
            for event in stream:
                if event.type == "response.output_text.delta":
                    yield event.delta

    def after(
        self, asked: Asked, said: Said, results: dict[str, str]
    ) -> tuple[Any, ...]:
        told = [
            {"type": "function_call_output", "call_id": call_id, "output": text}
            for call_id, text in results.items()
        ]
        return (*asked.history, *self.user(asked), *said.turn, *told)


class Messages(Client):
    """Anthropic's messages."""

    name = "anthropic"
    carries = True
    failures = (anthropic.AnthropicError,)

    def sdk(self, asked: Asked) -> anthropic.Anthropic:
        options: dict[str, Any] = {"max_retries": 0, "timeout": asked.limit}
        return anthropic.Anthropic(base_url=self.url, api_key=self.key, **options)

    def fields(self, asked: Asked) -> dict[str, Any]:
        fields: dict[str, Any] = {"model": asked.model, "max_tokens": 4096}
        fields["messages"] = [*asked.history, *self.user(asked)]
        if asked.system:
            fields["system"] = asked.system
        if asked.tools:
            tool = {"name": NAME, "description": ABOUT, "input_schema": SCHEMA}
            fields["tools"] = [tool]
        if asked.think:
            fields["thinking"] = {"type": "enabled", "budget_tokens": 1024}
        return fields

    def user(self, asked: Asked) -> list[dict[str, Any]]:
        content: list[dict[str, Any]] = [{"type": "text", "text": asked.text}]
        if asked.image:
            data = base64.b64encode(asked.image).decode()
            source = {"type": "base64", "media_type": "image/png", "data": data}
            content.append({"type": "image", "source": source})
        if asked.image_url:
            source = {"type": "url", "url": asked.image_url}
            content.append({"type": "image", "source": source})
        return [{"role": "user", "content": content}] if asked.text else []

    def whole(self, asked: Asked) -> Said:
        with self.sdk(asked) as sdk:
            return self.read(sdk.messages.create(**self.fields(asked)))

    def streamed(self, asked: Asked) -> Said:
        with (
            self.sdk(asked) as sdk,
            sdk.messages.stream(**self.fields(asked)) as stream,
        ):
            return self.read(stream.get_final_message())

    def read(self, message: Any) -> Said:
        said = Said(finish=message.stop_reason)
        for block in message.content:
            if block.type == "text":
                said.text += block.text
            elif block.type == "thinking":
                said.thinking += block.thinking
            elif block.type == "tool_use":
                said.calls.append((block.id, block.name, dict(block.input)))
        used = message.usage
        cached = (used.cache_read_input_tokens or 0) + (
            used.cache_creation_input_tokens or 0
        )
        said.usage = (used.input_tokens + cached, used.output_tokens)
        content = [block.model_dump(exclude_none=True) for block in message.content]
        said.turn = {"role": "assistant", "content": content}
        return said

    def pieces(self, asked: Asked) -> Iterator[str]:
        with (
            self.sdk(asked) as sdk,
            sdk.messages.stream(**self.fields(asked)) as stream,
        ):
            yield from stream.text_stream

    def after(
        self, asked: Asked, said: Said, results: dict[str, str]
    ) -> tuple[Any, ...]:
        told = [
            {"type": "tool_result", "tool_use_id": call_id, "content": text}
            for call_id, text in results.items()
        ]
        turns = [{"role": "user", "content": told}] if told else []
        return (*asked.history, *self.user(asked), said.turn, *turns)


class Ollama(Client):
    """Ollama's chat."""

    name = "ollama"
    addresses = False
    # The SDK keeps only what its own model of a schema has room for.
    schema: ClassVar[Mapping[str, Any]] = {
        **{name: SCHEMA[name] for name in ("type", "required", "$defs")},
        "properties": {**SCHEMA["properties"], "days": {}},
    }
    failures = (ollama.ResponseError, httpx.HTTPError)

    def fields(self, asked: Asked) -> dict[str, Any]:
        system = [{"role": "system", "content": asked.system}] if asked.system else []
        fields: dict[str, Any] = {"model": asked.model}
        fields["messages"] = [*system, *asked.history, *self.user(asked)]
        if asked.tools:
            function = {"name": NAME, "description": ABOUT, "parameters": SCHEMA}
            fields["tools"] = [{"type": "function", "function": function}]
        if asked.think:
            fields["think"] = True
        return fields

    def sdk(self, asked: Asked) -> ollama.Client:
        bearer = {"Authorization": f"Bearer {self.key}"}
        return ollama.Client(self.url, timeout=asked.limit, headers=bearer)

    def user(self, asked: Asked) -> list[dict[str, Any]]:
        message: dict[str, Any] = {"role": "user", "content": asked.text}
        if asked.image:
            message["images"] = [asked.image]
        return [message] if asked.text else []

    def whole(self, asked: Asked) -> Said:
        with closing_client(self.sdk(asked)) as sdk:
            return self.read([sdk.chat(**self.fields(asked))])

    def streamed(self, asked: Asked) -> Said:
        with closing_client(self.sdk(asked)) as sdk:
            return self.read(list(sdk.chat(**self.fields(asked), stream=True)))

    def read(self, parts: list[Any]) -> Said:
        said = Said(finish=parts[-1].done_reason)
        written = []
        for number, call in enumerate(
            call for part in parts for call in part.message.tool_calls or []
        ):
            given = dict(call.function.arguments)
            said.calls.append((str(number), call.function.name, given))
            written.append(call.model_dump(exclude_none=True))
        said.text = "".join(part.message.content or "" for part in parts)
        said.thinking = "".join(part.message.thinking or "" for part in parts)
        said.usage = (parts[-1].prompt_eval_count, parts[-1].eval_count)
        said.turn = {"role": "assistant", "content": said.text, "tool_calls": written}
        if said.thinking:
            said.turn["thinking"] = said.thinking
        return said

    def pieces(self, asked: Asked) -> Iterator[str]:
        with closing_client(self.sdk(asked)) as sdk:
            for part in sdk.chat(**self.fields(asked), stream=True):
                if part.message.content:
                    yield part.message.content

    def failed(self, error: Any) -> Failed:
        status = getattr(error, "status_code", None)
        return Failed(status if status != -1 else None, str(error))

    def after(
        self, asked: Asked, said: Said, results: dict[str, str]
    ) -> tuple[Any, ...]:
        told = [
            {"role": "tool", "tool_name": NAME, "content": text}
            for text in results.values()
        ]
        return (*asked.history, *self.user(asked), said.turn, *told)


class closing_client:
    """Close the connections of Ollama's SDK, which does not do it itself."""

    def __init__(self, sdk: ollama.Client) -> None:
        self.sdk = sdk

    def __enter__(self) -> ollama.Client:
        return self.sdk

    def __exit__(self, *_: object) -> None:
        self.sdk._client.close()


CLIENTS: dict[str, type[Client]] = {
    "openai": Chat,
    "responses": Responses,
    "anthropic": Messages,
    "ollama": Ollama,
}
