"""Anthropic's messages, the request's side: what is asked of the model."""

import pytest

from tests.conformance.anthropic_calls import ask
from tests.conformance.anthropic_calls import LS
from tests.conformance.anthropic_calls import refused
from tests.conformance.anthropic_calls import request
from tests.conformance.anthropic_calls import sent
from tests.conformance.conftest import strict_anthropic
from tests.fakes.upstream import Finish
from tests.fakes.upstream import ToolCall
from tests.fakes.upstream import Usage
from tests.servers import running_gateway
from tests.speakers import post

FAMILY = """
[models]
default = "large-one"
small = "small-one"
aliases = {{ "claude-special" = "third" }}

[[backends]]
name = "only"
url = "{url}"
models = ["large-one", "small-one", "third"]
"""
SHAPE = {"type": "object", "properties": {"n": {"type": "integer"}}}


@pytest.fixture(scope="module")
def family(only_upstream):
    with running_gateway(config=FAMILY.format(url=only_upstream.url)) as running:
        yield running


@pytest.mark.conformance("C-138")
@pytest.mark.parametrize(
    ("choice", "names", "expected"),
    [
        ({"type": "auto"}, ["ls", "cat"], None),
        ({"type": "any"}, ["ls", "cat"], "required"),
        ({"type": "tool", "name": "cat"}, ["cat"], "required"),
        ({"type": "none"}, [], None),
    ],
)
def test_the_tool_choice_is_kept(gateway, upstream, choice, names, expected):
    tools = [LS, {**LS, "name": "cat"}]
    body = sent(gateway, upstream, tools=tools, tool_choice=choice)
    assert [t["function"]["name"] for t in body.get("tools", [])] == names
    assert body.get("tool_choice") == expected


@pytest.mark.conformance("C-139")
def test_without_parallel_tools_there_is_one_call(gateway, upstream):
    calls = [ToolCall(f"call_{n}", "ls", {"path": str(n)}) for n in (1, 2)]
    upstream.script(*calls, Finish("tool_calls"), Usage(10, 8))
    choice = {"type": "auto", "disable_parallel_tool_use": True}
    message = ask(gateway, tools=[LS], tool_choice=choice).json()
    assert [block["id"] for block in message["content"]] == ["call_1"]


@pytest.mark.conformance("C-140")
def test_stop_sequences_are_passed_on_but_for_empty_ones(gateway, upstream):
    body = sent(gateway, upstream, stop_sequences=["END", ""])
    assert body["stop"] == ["END"]
    assert "stop" not in sent(gateway, upstream, stop_sequences=[])


@pytest.mark.conformance("C-141")
def test_max_tokens_is_required(gateway):
    assert refused(gateway, max_tokens=None) == "max_tokens: Field required"


@pytest.mark.conformance("C-141")
@pytest.mark.parametrize("limit", [0, -1, 1.5, "many"])
def test_max_tokens_is_a_positive_whole_number(gateway, limit):
    assert "max_tokens" in refused(gateway, max_tokens=limit)


@pytest.mark.conformance("C-142")
@pytest.mark.parametrize("kind", [{"type": "custom"}, {"type": None}, {}])
def test_a_clients_own_tool_needs_no_type(gateway, upstream, kind):
    extra = {"defer_loading": True, "input_examples": [{}], "strict": True}
    body = sent(gateway, upstream, tools=[{**LS, **kind, **extra}])
    assert [set(t["function"]) for t in body["tools"]] == [
        {"name", "description", "parameters"}
    ]


@pytest.mark.conformance("C-142")
@pytest.mark.parametrize(
    "kind",
    [
        "bash_20250124",
        "code_execution_20250825",
        "computer_20250124",
        "memory_20250818",
        "text_editor_20250728",
        "tool_search_tool_regex_20251119",
        "web_fetch_20250910",
        "web_search_20250305",
    ],
)
def test_a_tool_of_anthropics_servers_is_refused_by_its_place(gateway, kind):
    words = refused(gateway, tools=[LS, {"type": kind, "name": "x"}])
    assert words.startswith(f"tools.1: server tool type '{kind}'")


@pytest.mark.conformance("C-144")
@pytest.mark.parametrize(
    "fields",
    [
        {"output_config": {"format": {"type": "json_schema", "schema": SHAPE}}},
        {"output_format": {"type": "json_schema", "schema": SHAPE}},
    ],
)
def test_a_wanted_shape_reaches_the_model(gateway, upstream, fields):
    wanted = sent(gateway, upstream, **fields)["response_format"]
    assert wanted["json_schema"]["schema"]["properties"] == SHAPE["properties"]


@pytest.mark.conformance("C-144")
def test_effort_reaches_the_model(gateway, upstream):
    body = sent(gateway, upstream, output_config={"effort": "high"})
    assert body["reasoning_effort"] == "high"


@pytest.mark.conformance("C-145")
@pytest.mark.parametrize(
    ("thinking", "effort", "enabled", "budget"),
    [
        ({"type": "disabled"}, "none", False, None),
        ({"type": "adaptive"}, "medium", True, None),
        ({"type": "enabled", "budget_tokens": 1024}, "low", True, 1024),
        ({"type": "enabled", "budget_tokens": 8191}, "medium", True, 8191),
        ({"type": "enabled", "budget_tokens": 16000}, "high", True, 16000),
        ({"type": "enabled", "budget_tokens": 32000}, "xhigh", True, 32000),
    ],
)
def test_thinking_is_asked_for(gateway, upstream, thinking, effort, enabled, budget):
    body = sent(gateway, upstream, thinking=thinking)
    assert body["reasoning_effort"] == effort
    assert body["chat_template_kwargs"] == {"enable_thinking": enabled}
    assert body.get("thinking_budget_tokens") == budget


@pytest.mark.conformance("C-145")
def test_without_a_word_about_thinking_the_models_default_stands(gateway, upstream):
    body = sent(gateway, upstream)
    assert not {"reasoning_effort", "chat_template_kwargs"} & body.keys()


@pytest.mark.conformance("C-146")
@pytest.mark.parametrize("version", ["2023-06-01", "2026-10-21"])
def test_sampling_is_passed_on_in_both_versions(gateway, upstream, version):
    sampling = {"temperature": 0.5, "top_p": 0.9, "top_k": 40}
    headers = {"anthropic-version": version}
    reply = post(gateway, "/v1/messages", request(**sampling), headers)
    assert reply.status_code == 200
    assert sampling.items() <= upstream.generations[-1].json.items()


@pytest.mark.conformance("C-148")
def test_what_concerns_only_anthropic_is_dropped(gateway, upstream):
    plain = sent(gateway, upstream)
    rest = {
        "container": "c",
        "context_management": {"edits": []},
        "diagnostics": {},
        "inference_geo": "eu",
        "mcp_servers": [],
        "metadata": {"user_id": "u"},
        "service_tier": "auto",
        "speed": "fast",
    }
    assert sent(gateway, upstream, **rest) == plain


@pytest.mark.conformance("C-148")
def test_mcp_servers_are_refused(gateway):
    servers = [{"type": "url", "url": "http://127.0.0.1/", "name": "x"}]
    assert refused(gateway, mcp_servers=servers).startswith("mcp_servers")


@pytest.mark.conformance("C-149")
@pytest.mark.parametrize(
    ("asked", "serving"),
    [
        ("claude-special", "third"),
        ("claude-haiku-4-5-20251001", "small-one"),
        ("claude-opus-4-8", "large-one"),
        ("anthropic.claude-x", "large-one"),
        ("third", "third"),
    ],
)
def test_claudes_names_lead_to_the_owners_models(family, upstream, asked, serving):
    with strict_anthropic(family) as client:
        message = client.messages.create(
            model=asked, max_tokens=8, messages=[{"role": "user", "content": "hi"}]
        )
    assert upstream.generations[-1].json["model"] == serving
    assert message.model == asked
