"""What a person sees when the gateway starts."""

import shlex
from collections.abc import Mapping
from collections.abc import Sequence
from types import MappingProxyType
from typing import Final

from proxyapp import __version__
from proxyapp.admin.port import local_url
from proxyapp.backends.base import Finding
from proxyapp.backends.base import ModelInfo
from proxyapp.cli.drawing import draw_box
from proxyapp.cli.drawing import draw_rows
from proxyapp.cli.drawing import draw_table
from proxyapp.cli.drawing import Pen
from proxyapp.cli.models import tokens
from proxyapp.settings.bind import has_keys
from proxyapp.settings.schema import Settings
from proxyapp.wire import jsons

BASES: Final[Mapping[str, str]] = MappingProxyType(
    {"OpenAI": "/v1", "Anthropic": "", "Ollama": ""}
)
"""The path of the base URL that clients of each dialect are given."""

_SHOWN: Final = 12


def summary(
    settings: Settings,
    findings: Sequence[Finding],
    models: Sequence[ModelInfo],
    pen: Pen,
) -> list[str]:
    """Draw the one box: where to connect, what answers, and what to type next."""
    url = local_url(settings.server)
    facts = [(name, url + path) for name, path in BASES.items()]
    facts += [("", ""), *_upstreams(findings, pen), ("", ""), *_listed(models)]
    return draw_box(
        pen,
        f"proxyapp {__version__}",
        draw_rows(facts),
        "next, in another terminal",
        next_command(url, models, with_key=has_keys(settings)),
    )


def _upstreams(findings: Sequence[Finding], pen: Pen) -> list[tuple[str, str]]:
    """Tell of each backend that it answers, and everything that is wrong."""
    facts: list[str] = []
    met: set[str] = set()
    for finding in findings:
        if finding.subject not in met or not finding.ok:
            facts.append(f"{finding.subject}: {finding.message}")
        if not finding.ok:
            facts.append(f"{pen.arrow} {finding.remedy}")
        met.add(finding.subject)
    return _labelled("Upstream", facts)


def _listed(models: Sequence[ModelInfo]) -> list[tuple[str, str]]:
    cells = [
        (model.id, f"{tokens(model)} tokens", ", ".join(sorted(model.capabilities)))
        for model in models[:_SHOWN]
    ]
    lines = draw_table(cells) or ["none"]
    if len(models) > _SHOWN:
        more = len(models) - _SHOWN
        lines.append(f"and {more} more: python -m proxyapp models")
    if any(model.family == "echo" for model in models):
        lines.append("(echo is built in; it repeats what it is told)")
    return _labelled("Models", lines)


def _labelled(label: str, facts: Sequence[str]) -> list[tuple[str, str]]:
    return [(label if not i else "", fact) for i, fact in enumerate(facts)]


def next_command(url: str, models: Sequence[ModelInfo], *, with_key: bool) -> str:
    """Write a chat request that works as it stands, but for the key if there are any.

    Without a model that chats, no request works, and the doctor is the next step.
    """
    names = [m.id for m in models if "completion" in m.capabilities]
    if not names:
        return "python -m proxyapp doctor"
    body = {"model": names[0], "messages": [{"role": "user", "content": "Hello!"}]}
    words = ["curl", f"{url}/v1/chat/completions", "-d", jsons.text(body)]
    if with_key:
        words[2:2] = ["-H", "Authorization: Bearer YOUR-KEY"]
    return shlex.join(words)
