"""What sets one client apart from all others; measured with Codex 0.169."""

from proxyapp.settings.schema import HostedTools


def is_codex(user_agent: str) -> bool:
    """Recognise Codex in its terminal, in scripts and in editors."""
    return user_agent.startswith("codex")


def drops_hosted(setting: HostedTools, user_agent: str) -> bool:
    """Tell whether tools that OpenAI runs are left out instead of refused.

    Codex sends ``web_search`` in every request, unasked, and ``tool_search`` too for
    models it knows by name.
    """
    return setting == "drop" or (setting == "auto" and is_codex(user_agent))


def counts_events(user_agent: str) -> bool:
    """Tell whether comments do not keep the client waiting.

    Codex gives up after ``stream_idle_timeout_ms``, five minutes by default, without
    an event. A local model may read a long prompt for longer.
    """
    return is_codex(user_agent)
