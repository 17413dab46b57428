"""Copilot CLI, in each of the three ways it speaks to a provider of one's own."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping
from pathlib import Path

from tests.agents.agent import Agent
from tests.agents.agent import COMMAND
from tests.agents.agent import installed
from tests.agents.agent import PROMPT


def find(prefix: Path) -> list[str] | None:
    """Find the launcher that npm puts in place."""
    return installed("copilot", prefix)


def provider(
    base: str, settings: Mapping[str, str]
) -> Callable[[str, Path], Mapping[str, str]]:
    """Make the environment of one kind of provider; ``base`` ends its base URL."""

    def environment(url: str, home: Path) -> Mapping[str, str]:
        return {
            "COPILOT_PROVIDER_BASE_URL": url + base,
            "COPILOT_MODEL": "tiny",
            "COPILOT_OFFLINE": "true",
            "COPILOT_AUTO_UPDATE": "false",
            "COPILOT_HOME": str(home / ".copilot"),
            **settings,
        }

    return environment


def arguments(url: str, home: Path) -> list[str]:
    """Ask one question and let it run its shell without asking back."""
    return ["-p", PROMPT, "--allow-all-tools", "--disable-builtin-mcps"]


def agent(wire: str, base: str, **settings: str) -> Agent:
    """Describe it with one kind of provider."""
    return Agent(
        name=f"Copilot CLI ({wire})",
        wire=wire,
        find=find,
        environment=provider(base, settings),
        arguments=arguments,
        tool="bash",
        call={"command": COMMAND, "description": "Print a marker"},
    )


COPILOT = (
    agent(
        "openai",
        "/v1",
        COPILOT_PROVIDER_TYPE="openai",
        COPILOT_PROVIDER_WIRE_API="completions",
    ),
    agent(
        "responses",
        "/v1",
        COPILOT_PROVIDER_TYPE="openai",
        COPILOT_PROVIDER_WIRE_API="responses",
    ),
    agent("anthropic", "", COPILOT_PROVIDER_TYPE="anthropic"),
)
