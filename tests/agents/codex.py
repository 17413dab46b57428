"""Codex, which speaks Responses and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.agents.agent import Agent
from tests.agents.agent import COMMAND
from tests.agents.agent import installed
from tests.agents.agent import PROMPT


def find(prefix: Path) -> list[str] | None:
    """Find the launcher that npm puts in place."""
    return installed("codex", prefix)


def environment(url: str, home: Path) -> Mapping[str, str]:
    """Give nothing: it reads its settings from the home and the command line."""
    return {}


def asking(model: str) -> Callable[[str, Path], list[str]]:
    """Make the arguments that ask one question of a model.

    Its sandbox is off: that needs more than containers allow.
    """

    def arguments(url: str, home: Path) -> list[str]:
        provider = f'{{name="local",base_url="{url}/v1",wire_api="responses"}}'
        return [
            "exec",
            "--skip-git-repo-check",
            "--dangerously-bypass-approvals-and-sandbox",
            f"--config=model={model}",
            "--config=model_provider=local",
            f"--config=model_providers.local={provider}",
            PROMPT,
        ]

    return arguments


def agent(name: str, model: str, tool: str, call: Mapping[str, Any]) -> Agent:
    """Describe it with one model, which decides about the tools it sends."""
    return Agent(
        name=name,
        wire="responses",
        find=find,
        environment=environment,
        arguments=asking(model),
        tool=tool,
        call=call,
    )


_SCRIPT = f"text(JSON.stringify(await tools.exec_command({{cmd: '{COMMAND}'}})))"

CODEX = (
    agent("Codex", "tiny", "exec_command", {"cmd": COMMAND}),
    # A model it knows gets one freeform tool in a namespace, within the input.
    agent("Codex (freeform)", "gpt-5.6-sol", "functions__exec", {"input": _SCRIPT}),
)
