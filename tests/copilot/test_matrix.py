"""Every dialect on every API of Copilot, whole and streamed, with both libraries.

A cell is named by its coordinates: what happens, the library, the dialect, the API
the model answers on, whole or streamed. The client is the dialect's official SDK, the
gateway a real one, and so are the process beside it and the library in it; GitHub and
Copilot alone are played.
"""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from tests.copilot.clients import Client
from tests.copilot.clients import CLIENTS
from tests.copilot.conftest import Place
from tests.copilot.turns import Asked
from tests.copilot.turns import Failed
from tests.copilot.turns import Said
from tests.fakes.copilot import Call
from tests.fakes.copilot.steps import Cut
from tests.fakes.copilot.steps import Hang
from tests.fakes.copilot.steps import Head
from tests.fakes.copilot.steps import Text
from tests.fakes.copilot.steps import Thinking
from tests.fakes.copilot.steps import ToolCall
from tests.fakes.copilot.steps import Usage
from tests.fakes.copilot.steps import words

pytestmark = [pytest.mark.live, pytest.mark.node]

MODELS = {
    "completions": "gemini-3.5-flash",
    "responses": "gpt-5.3-codex",
    "messages": "claude-haiku-4.5",
}
PATHS = {
    "completions": "/chat/completions",
    "responses": "/responses",
    "messages": "/v1/messages",
}
ENDS = {
    "openai": ("stop", "tool_calls"),
    "responses": ("completed", "completed"),
    "anthropic": ("end_turn", "tool_use"),
    "ollama": ("stop", "stop"),
}
WORDS = "It is h\u00e9llo \u4f60\u597d \U0001f680, with two  spaces\nand a line."
SYSTEM = "You tell the weather."
THOUGHT = "First the sky, then the sea."
SIGNATURE = "U2lnbmVkIGJ5IHRoZSBwcm92aWRlcg=="
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6360606060000000050001a5f64540"
    "0000000049454e44ae426082"
)
CALLS = (
    ToolCall("call_sun01", "get_weather", {"city": "Paris"}, fragments=3),
    ToolCall("call_rain1", "get_weather", {"city": "\u6771\u4eac", "days": 2}, 4),
)
RESULTS = ("sunny, 21\u00b0", "rain")

each_dialect = pytest.mark.parametrize("dialect", CLIENTS)
each_api = pytest.mark.parametrize("api", MODELS)
whole_and_streamed = pytest.mark.parametrize(
    "stream", [False, True], ids=["whole", "streamed"]
)


def cells(test: Any) -> Any:
    """Run a test in every cell."""
    return whole_and_streamed(each_api(each_dialect(test)))


def answered(client: Client, asked: Asked, stream: bool) -> Said:
    """Ask, and be answered."""
    return client.ask(asked, stream=stream)


def refused(client: Client, asked: Asked, stream: bool) -> Failed:
    """Ask, and be refused."""
    failed = client.attempt(asked, stream=stream)
    assert isinstance(failed, Failed), failed
    return failed


def results_in(call: Call) -> dict[str, str]:
    """Give the tools' results that the upstream got, by call id."""
    found: dict[str, str] = {}
    for item in call.items:
        if item.get("role") == "tool":
            found[item["tool_call_id"]] = item["content"]
        elif item.get("type") == "function_call_output":
            found[item["call_id"]] = item["output"]
        elif isinstance(item.get("content"), list):
            blocks = [b for b in item["content"] if b.get("type") == "tool_result"]
            found |= {b["tool_use_id"]: text_of(b["content"]) for b in blocks}
    return found


def text_of(content: Any) -> str:
    """Give a result's text, plain or in blocks."""
    if isinstance(content, str):
        return content
    return "".join(block["text"] for block in content)


def calls_in(call: Call) -> dict[str, Any]:
    """Give the arguments of the calls in the history the upstream got, by id."""
    found: dict[str, Any] = {}
    for item in call.items:
        for one in item.get("tool_calls", []):
            found[one["id"]] = json.loads(one["function"]["arguments"])
        if item.get("type") == "function_call":
            found[item["call_id"]] = json.loads(item["arguments"])
        blocks = item.get("content")
        for block in blocks if isinstance(blocks, list) else []:
            if block.get("type") == "tool_use":
                found[block["id"]] = block["input"]
    return found


def schema_in(call: Call) -> Any:
    """Give the schema of the first tool the upstream was told of."""
    tool = call.fields["tools"][0]
    function = tool.get("function", tool)
    return function.get("parameters", function.get("input_schema"))


# ------------------------------------------------------------------------ text


@cells
def test_text(place: Place, dialect: str, api: str, stream: bool) -> None:
    place.github.script(*words(WORDS, 9), Usage(21, 9, cached=5))
    asked = Asked(MODELS[api], "What is it?", system=SYSTEM)
    said = answered(CLIENTS[dialect](place.url), asked, stream)
    assert (said.text, said.calls) == (WORDS, [])
    assert (said.finish, said.usage) == (ENDS[dialect][0], (21, 9))
    (call,) = place.github.generations
    assert (call.path, call.model) == (PATHS[api], MODELS[api])
    assert (call.said, call.initiator) == ("What is it?", "user")
    assert SYSTEM in call.body.decode()
    assert call.fields["stream"] is True


# ----------------------------------------------------------------------- tools


@cells
def test_tools(place: Place, dialect: str, api: str, stream: bool) -> None:
    place.github.script(Text("Let me look."), *CALLS)
    place.github.script(Text("Sun and rain."))
    client = CLIENTS[dialect](place.url)
    first = Asked(MODELS[api], "Weather?", tools=True)
    said = answered(client, first, stream)
    assert said.text == "Let me look."
    assert [call[1] for call in said.calls] == ["get_weather", "get_weather"]
    assert [call[2] for call in said.calls] == [call.arguments for call in CALLS]
    assert said.finish == ENDS[dialect][1]
    told = dict(zip([call[0] for call in said.calls], RESULTS, strict=True))
    again = Asked(MODELS[api], "", tools=True, history=client.after(first, said, told))
    assert answered(client, again, stream).text == "Sun and rain."
    one, two = place.github.generations
    assert schema_in(one) == client.schema
    assert (one.initiator, two.initiator) == ("user", "agent")
    assert list(calls_in(two).values()) == [call.arguments for call in CALLS]
    assert list(results_in(two).values()) == list(RESULTS)
    assert list(results_in(two)) == list(calls_in(two))


# ----------------------------------------------------------------------- image


@cells
def test_image(place: Place, dialect: str, api: str, stream: bool) -> None:
    place.github.script(Text("A dot."))
    asked = Asked(MODELS[api], "What is this?", image=PNG)
    said = answered(CLIENTS[dialect](place.url), asked, stream)
    assert said.text == "A dot."
    (call,) = place.github.generations
    assert call.images == [base64.b64encode(PNG).decode()]
    assert call.headers["copilot-vision-request"] == "true"


# -------------------------------------------------------------------- thinking


@cells
def test_thinking(place: Place, dialect: str, api: str, stream: bool) -> None:
    thought = Thinking(THOUGHT, SIGNATURE, fragments=4)
    place.github.script(thought, *words("So it is.", 3), Usage(10, 9, reasoning=5))
    place.github.script(Text("As I said."))
    client = CLIENTS[dialect](place.url)
    first = Asked(MODELS[api], "Think!", think=True)
    said = answered(client, first, stream)
    assert (said.thinking.strip(), said.text) == (THOUGHT, "So it is.")
    history = client.after(first, said, {})
    again = Asked(MODELS[api], "And now?", think=True, history=history)
    assert answered(client, again, stream).text == "As I said."
    two = place.github.generations[-1].body.decode()
    assert "So it is." in two
    # Through the completions API the library tells of a proof when all is over.
    assert (SIGNATURE in two) == (client.carries and api != "completions")


# ---------------------------------------------------------------------- cancel


@each_api
@each_dialect
def test_cancel_streamed(place: Place, dialect: str, api: str) -> None:
    place.github.script(*words("Once upon a time", 4), Hang(20))
    pieces = CLIENTS[dialect](place.url).pieces(Asked(MODELS[api], "Tell"))
    assert next(pieces)
    pieces.close()  # type: ignore[attr-defined]
    (call,) = place.github.generations
    assert call.wait_closed(20) is not None
    assert call.left_early


@each_api
@each_dialect
def test_cancel_whole(place: Place, dialect: str, api: str) -> None:
    place.github.script(Head(), Hang(20))
    client = CLIENTS[dialect](place.url)
    # A busy machine may need longer to get the request to Copilot.
    for patience in (0.5, 5.0):
        failed = refused(client, Asked(MODELS[api], "Tell", limit=patience), False)
        assert failed.status is None
        if place.github.generations:
            break
    call = place.github.generations[0]
    assert call.wait_closed(20) is not None
    assert call.left_early


# ---------------------------------------------------------------------- errors


@cells
def test_error_before(place: Place, dialect: str, api: str, stream: bool) -> None:
    slow = {"error": {"message": "Too fast.", "code": "user_model_rate_limited"}}
    place.github.reply(429, slow, headers={"Retry-After": "7"})
    failed = refused(CLIENTS[dialect](place.url), Asked(MODELS[api], "hi"), stream)
    assert failed.status == 429
    assert failed.retry_after == ("7" if dialect != "ollama" else None)
    assert len(place.github.generations) == 1


@cells
def test_error_within(place: Place, dialect: str, api: str, stream: bool) -> None:
    place.github.script(*words("Once upon a time", 4), Cut())
    failed = refused(CLIENTS[dialect](place.url), Asked(MODELS[api], "Tell"), stream)
    assert failed.status in ((None, 200) if stream else (502,))


# -------------------------------------------------- what cannot be said: a 400


@whole_and_streamed
@each_api
@pytest.mark.parametrize("dialect", [d for d in CLIENTS if CLIENTS[d].addresses])
def test_image_address(place: Place, dialect: str, api: str, stream: bool) -> None:
    asked = Asked(MODELS[api], "What?", image_url="https://example.com/a.png")
    failed = refused(CLIENTS[dialect](place.url), asked, stream)
    assert failed.status == 400
    assert place.github.generations == []


@each_dialect
@whole_and_streamed
def test_image_for_the_blind(place: Place, dialect: str, stream: bool) -> None:
    asked = Asked("nova-2", "What is this?", image=PNG)
    failed = refused(CLIENTS[dialect](place.url), asked, stream)
    assert failed.status == 400
    assert place.github.generations == []
