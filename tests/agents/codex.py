"""Codex, which speaks Responses and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

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


def arguments(url: str, home: Path) -> list[str]:
    """Ask one question, unsandboxed: its sandbox needs more than containers allow."""
    provider = f'{{name="local",base_url="{url}/v1",wire_api="responses"}}'
    return [
        "exec",
        "--skip-git-repo-check",
        "--dangerously-bypass-approvals-and-sandbox",
        "--config=model=tiny",
        "--config=model_provider=local",
        f"--config=model_providers.local={provider}",
        PROMPT,
    ]


CODEX = Agent(
    name="Codex",
    wire="responses",
    find=find,
    environment=environment,
    arguments=arguments,
    tool="exec_command",
    call={"cmd": COMMAND},
)
