"""Tools and the choice among them, as Anthropic's clients write them."""

from typing import Any

from proxyapp.dialects import fields
from proxyapp.errors import BadRequest
from proxyapp.neutral.request import ToolChoice
from proxyapp.neutral.request import ToolMode

_KEPT = ("name", "description", "input_schema", "eager_input_streaming")
_OWN_TYPES = ("", "custom", "function")
_SERVER_TYPES = (
    "advisor_",
    "bash_",
    "code_execution_",
    "computer_",
    "mcp_toolset",
    "memory_",
    "text_editor_",
    "tool_search_",
    "web_fetch_",
    "web_search_",
)
_MODES: dict[str, ToolMode] = {
    "auto": "auto",
    "any": "required",
    "tool": "required",
    "none": "none",
}


def tool_definitions(body: fields.Body) -> list[dict[str, Any]]:
    """Read the tools without what only Anthropic's servers understand.

    Raises BadRequest for a tool that would have to run there.
    """
    tools = fields.items(body, "tools")
    return [_tool(tool, f"tools.{position}") for position, tool in enumerate(tools)]


def _tool(tool: Any, where: str) -> dict[str, Any]:
    if not isinstance(tool, dict):
        raise BadRequest(f"{where}: must be an object.", param=where)
    kind = fields.word(tool.get("type"))
    if kind not in _OWN_TYPES and _runs_elsewhere(kind, tool):
        raise BadRequest(
            f"{where}: server tool type '{kind}' is not available on this gateway;"
            " leave the tool out.",
            param=where,
        )
    return {name: tool[name] for name in _KEPT if name in tool}


def _runs_elsewhere(kind: str, tool: dict[str, Any]) -> bool:
    return kind.startswith(_SERVER_TYPES) or "input_schema" not in tool


def tool_choice(body: fields.Body) -> ToolChoice:
    """Read ``tool_choice``; absent, the model chooses."""
    choice = fields.optional(body, "tool_choice", dict)
    if choice is None:
        return ToolChoice()
    mode = _MODES.get(fields.word(choice.get("type")))
    if mode is None:
        known = ", ".join(_MODES)
        raise BadRequest(
            f"tool_choice.type: must be one of {known}.", param="tool_choice.type"
        )
    if choice["type"] != "tool":
        return ToolChoice(mode)
    name = choice.get("name")
    if not isinstance(name, str):
        raise BadRequest("tool_choice.name: Field required", param="tool_choice.name")
    return ToolChoice(mode, (name,))


def allows_parallel(body: fields.Body) -> bool:
    """Tell whether several tools may be called in one reply."""
    choice = fields.optional(body, "tool_choice", dict) or {}
    return not fields.flag(choice, "disable_parallel_tool_use")
