"""Anthropic's client for JavaScript, in a process of its own."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.fakes.upstream import FakeUpstream
from tests.fakes.upstream import Finish
from tests.fakes.upstream import Reasoning
from tests.fakes.upstream import Text
from tests.fakes.upstream import ToolCall
from tests.fakes.upstream import Usage
from tests.oracles import anthropic_message
from tests.servers import running_gateway

JS = Path(__file__).parents[1] / "js"
INSTALLED = shutil.which("node") and (JS / "node_modules/@anthropic-ai/sdk").exists()

pytestmark = [
    pytest.mark.node,
    pytest.mark.skipif(not INSTALLED, reason="tests/js is not installed"),
]


@pytest.fixture(scope="module")
def understood():
    """Give what the client made of one model's reply."""
    with FakeUpstream() as upstream, running_gateway(upstream.url) as gateway:
        call = ToolCall("call_1", "ls", {"path": "/"}, fragments=3)
        usage = Usage(100, 9, cached=40)
        upstream.script(Reasoning("hm"), Text("Hi"), call, Finish("tool_calls"), usage)
        command = ["node", "anthropic.mjs", gateway.url]
        done = subprocess.run(
            command, cwd=JS, capture_output=True, text=True, timeout=60
        )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_message_is_understood_whole(understood):
    message = understood["whole"]
    assert anthropic_message(message) == []
    assert [block["type"] for block in message["content"]] == [
        "thinking",
        "text",
        "tool_use",
    ]


def test_a_stream_is_understood_as_the_whole_is(understood):
    told = {key: understood["streamed"][key] for key in understood["whole"]}
    assert told | {"id": ""} == understood["whole"] | {"id": ""}


def test_tokens_are_counted(understood):
    assert understood["counted"]["input_tokens"] == 30


def test_models_are_listed_page_by_page(understood):
    assert understood["models"] == ["tiny"]


def test_a_refusal_is_the_error_of_its_status(understood):
    refusal = understood["refusal"]
    assert (refusal["name"], refusal["status"]) == ("BadRequestError", 400)
    assert refusal["request"].startswith("req_")
