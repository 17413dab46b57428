"""The models of the account, as GET /models lists them.

The shape is that of public reports of the real list (2025-09 to 2026-08). The ids are
chosen so that each of the client library's two catalogues knows some and lacks others.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

CHAT = "/chat/completions"
RESPONSES = "/responses"
MESSAGES = "/v1/messages"
VISION = {
    "max_prompt_image_size": 3145728,
    "max_prompt_images": 1,
    "supported_media_types": ["image/jpeg", "image/png", "image/webp", "image/gif"],
}


@dataclass
class Model:
    """A model; tests may change any field of one while the fake runs.

    ``policy`` is enabled, unconfigured or disabled; None leaves it out. ``endpoints``
    None leaves the list out and allows the chat endpoint.
    """

    id: str
    name: str
    vendor: str
    endpoints: tuple[str, ...] | None = (CHAT,)
    context: int = 128_000
    output: int = 16_384
    vision: bool = True
    tools: bool = True
    efforts: tuple[str, ...] = ()
    policy: str | None = "enabled"
    multiplier: float = 1
    premium: bool = True
    preview: bool = False
    picker: bool = True
    type: str = "chat"

    def serves(self, path: str) -> bool:
        """Tell whether the model is reached at an endpoint."""
        allowed = (CHAT,) if self.endpoints is None else self.endpoints
        return self.type == "chat" and path in allowed

    def entry(self) -> dict[str, Any]:
        """Give the model's entry in the list."""
        entry: dict[str, Any] = {
            "billing": {"is_premium": self.premium, "multiplier": self.multiplier},
            "capabilities": self.capabilities(),
            "id": self.id,
            "is_chat_default": False,
            "is_chat_fallback": False,
            "model_picker_enabled": self.picker,
            "name": self.name,
            "object": "model",
            "preview": self.preview,
            "vendor": self.vendor,
            "version": self.id,
        }
        if self.policy is not None:
            terms = f"Enable access to the latest {self.name} model from {self.vendor}."
            entry["policy"] = {"state": self.policy, "terms": terms}
        if self.endpoints is not None:
            entry["supported_endpoints"] = list(self.endpoints)
        return entry

    def capabilities(self) -> dict[str, Any]:
        """Give what the model can do and how much it holds."""
        supports: dict[str, Any] = {"streaming": True, "tool_calls": self.tools}
        limits: dict[str, Any] = {
            "max_context_window_tokens": self.context,
            "max_output_tokens": self.output,
            "max_prompt_tokens": self.context - self.output,
        }
        if self.type == "embeddings":
            supports, limits = {"dimensions": True}, {"max_inputs": 512}
        if self.vision:
            supports["vision"] = True
            limits["vision"] = dict(VISION)
        if self.tools:
            supports["parallel_tool_calls"] = True
        if self.efforts:
            supports["reasoning_effort"] = list(self.efforts)
        return {
            "family": self.id,
            "limits": limits,
            "object": "model_capabilities",
            "supports": supports,
            "tokenizer": "o200k_base",
            "type": self.type,
        }


def all_models() -> dict[str, Model]:
    """Give fresh models by their ids."""
    low = ("low", "medium", "high")
    listed = (
        Model("gpt-4.1", "GPT-4.1", "Azure OpenAI", premium=False, multiplier=0),
        Model(
            "gemini-3.5-flash",
            "Gemini 3.5 Flash",
            "Google",
            context=200_000,
            output=64_000,
            efforts=low,
            multiplier=0.33,
            preview=True,
        ),
        Model(
            "gpt-5-mini",
            "GPT-5 mini",
            "Azure OpenAI",
            (CHAT, RESPONSES),
            context=264_000,
            output=64_000,
            efforts=low,
            multiplier=0,
            premium=False,
        ),
        Model(
            "gpt-5.3-codex",
            "GPT-5.3-Codex",
            "OpenAI",
            (RESPONSES,),
            context=400_000,
            output=128_000,
            efforts=(*low, "xhigh"),
        ),
        Model(
            "claude-haiku-4.5",
            "Claude Haiku 4.5",
            "Anthropic",
            (CHAT, MESSAGES),
            context=200_000,
            output=64_000,
            multiplier=0.33,
        ),
        Model(
            "claude-sonnet-4.6",
            "Claude Sonnet 4.6",
            "Anthropic",
            (MESSAGES, CHAT),
            context=200_000,
            output=32_000,
            efforts=low,
        ),
        Model(
            "claude-opus-4.7",
            "Claude Opus 4.7",
            "Anthropic",
            (MESSAGES,),
            multiplier=7.5,
            policy="unconfigured",
            efforts=low,
        ),
        Model(
            "grok-code-fast-1",
            "Grok Code Fast 1",
            "xAI",
            vision=False,
            policy="disabled",
            multiplier=0.25,
        ),
        # Neither catalogue knows these two: only the list itself tells of them.
        Model("nova-2", "Nova 2", "Example", None, vision=False, policy=None),
        Model("gpt-9-codex", "GPT-9-Codex", "OpenAI", (RESPONSES,), efforts=low),
        Model(
            "text-embedding-3-small",
            "Embedding V3 small",
            "Azure OpenAI",
            None,
            vision=False,
            tools=False,
            policy=None,
            premium=False,
            multiplier=0,
            picker=False,
            type="embeddings",
        ),
    )
    return {model.id: model for model in listed}
