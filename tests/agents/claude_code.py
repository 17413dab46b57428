"""Claude Code."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tests.agents.agent import Agent
from tests.agents.agent import COMMAND
from tests.agents.agent import installed
from tests.agents.agent import PROMPT

_PACKAGE = "lib/node_modules/@anthropic-ai/claude-code"


def find(prefix: Path) -> list[str] | None:
    """Find the native binary: npm may not have let the package put it in place."""
    native = f"{_PACKAGE}/node_modules/@anthropic-ai/claude-code-*/claude"
    found = sorted(prefix.glob(native))
    return [str(found[0])] if found else installed("claude", prefix)


def environment(url: str, home: Path) -> Mapping[str, str]:
    """Point it at the gateway, and at nothing else."""
    return {
        "ANTHROPIC_BASE_URL": url,
        "ANTHROPIC_API_KEY": "x",
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "DISABLE_AUTOUPDATER": "1",
        "DISABLE_TELEMETRY": "1",
    }


def arguments(url: str, home: Path) -> list[str]:
    """Ask one question and let it run its shell without asking back."""
    return ["-p", PROMPT, "--output-format", "text", "--allowedTools", "Bash"]


CLAUDE_CODE = Agent(
    name="Claude Code",
    wire="anthropic",
    find=find,
    environment=environment,
    arguments=arguments,
    tool="Bash",
    call={"command": COMMAND, "description": "Print a marker"},
)
