"""The models of a subscription: Copilot's own list, and what is known beside it."""

import re
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from typing import Final
from typing import Literal

from proxyapp.backends.base import Capability
from proxyapp.backends.base import ModelInfo
from proxyapp.neutral.scope import admits

Api = Literal["openai-completions", "openai-responses", "anthropic-messages"]

COMPLETIONS: Final[Api] = "openai-completions"
RESPONSES: Final[Api] = "openai-responses"
MESSAGES: Final[Api] = "anthropic-messages"

_BY_NAME: Final[tuple[tuple[re.Pattern[str], Api], ...]] = (
    (re.compile(r"claude"), MESSAGES),
    (re.compile(r"gpt-([5-9]|\d\d)|grok-([4-9]|\d\d)|mai-|o\d"), RESPONSES),
)


@dataclass(frozen=True, slots=True)
class CopilotModel:
    """One model: which API it answers on, and what it takes.

    ``context`` and ``output`` are in tokens, 0 where nobody says. ``multiplier`` is
    how many premium requests a turn counts as, None where GitHub does not say.
    """

    id: str
    api: Api
    context: int = 0
    output: int = 0
    images: bool = True
    tools: bool = True
    reasoning: bool = False
    levels: tuple[str, ...] = ()
    multiplier: float | None = None
    enabled: bool = True

    def wire(self) -> dict[str, Any]:
        """Write the model as the Node process reads it."""
        wire: dict[str, Any] = {
            "id": self.id,
            "api": self.api,
            "input": ["text", "image"] if self.images else ["text"],
            "reasoning": self.reasoning,
        }
        limits = {"contextWindow": self.context, "maxTokens": self.output}
        return wire | {name: value for name, value in limits.items() if value}

    def info(self, backend: str) -> ModelInfo:
        """Describe the model to the rest of the house."""
        kept: dict[Capability, bool] = {
            "completion": True,
            "tools": self.tools,
            "vision": self.images,
            "thinking": self.reasoning,
        }
        return ModelInfo(
            self.id,
            backend,
            self.id,
            context_length=self.context or None,
            max_output=self.output or None,
            capabilities=frozenset(name for name, has in kept.items() if has),
            family=self.id.partition("-")[0],
            owned_by="github-copilot",
        )


def read_models(
    entries: Sequence[Mapping[str, Any]],
    catalogue: Mapping[str, Mapping[str, Any]],
    patterns: Sequence[str],
) -> dict[str, CopilotModel]:
    """Read Copilot's list by id; what it leaves open, the catalogue fills in."""
    models = [read_model(entry, catalogue) for entry in entries if entry.get("id")]
    return {
        model.id: model
        for model in models
        if model.enabled and admits(patterns, (model.id,))
    }


def read_model(
    entry: Mapping[str, Any], catalogue: Mapping[str, Mapping[str, Any]]
) -> CopilotModel:
    """Read one entry; an id alone will do."""
    name = str(entry["id"])
    given = {key: value for key, value in entry.items() if value is not None}
    facts = {**catalogue.get(name, {}), **given}
    return CopilotModel(
        name,
        facts.get("api") or api_of(name),
        context=int(facts.get("contextWindow", 0)),
        output=int(facts.get("maxTokens", 0)),
        images="image" in facts.get("input", ("text", "image")),
        tools=facts.get("toolCalls", True) is not False,
        reasoning=bool(facts.get("reasoning", False)),
        levels=tuple(facts.get("thinkingLevels", ())),
        multiplier=facts.get("multiplier"),
        enabled=facts.get("enabled", True) is not False,
    )


def catalogued(
    catalogue: Mapping[str, Mapping[str, Any]], patterns: Sequence[str]
) -> dict[str, CopilotModel]:
    """Give the models that are known without asking anybody."""
    return read_models([{"id": name} for name in catalogue], catalogue, patterns)


def api_of(name: str) -> Api:
    """Guess a model's API from its name, as its makers name them."""
    return next((api for like, api in _BY_NAME if like.match(name)), COMPLETIONS)
