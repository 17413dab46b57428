"""Tools as Responses clients define them, and the way back to their names.

A backend knows functions only. So a custom (freeform) tool becomes a function that
takes one string, and the tools of a namespace become functions of one list. Codex
sends all three kinds, in ``tools`` or in ``additional_tools`` items of the input.
"""

from collections.abc import Iterator
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
from typing import Any

from proxyapp.dialects import fields
from proxyapp.errors import BadRequest
from proxyapp.neutral.request import ToolChoice
from proxyapp.neutral.request import ToolMode
from proxyapp.tools.repair import Repair
from proxyapp.tools.repair import RepairedTools

_INPUT = {
    "type": "object",
    "properties": {"input": {"type": "string"}},
    "required": ["input"],
    "additionalProperties": False,
}
_MODES: dict[str, ToolMode] = {
    "auto": "auto",
    "none": "none",
    "required": "required",
}


@dataclass(frozen=True, slots=True)
class Origin:
    """What the client calls a tool, and whether it is a custom one."""

    name: str
    namespace: str = ""
    custom: bool = False

    @property
    def function(self) -> str:
        """The name of the function that stands for it."""
        prefix = self.namespace.rstrip("_") + "__"
        if not self.namespace or self.name.startswith(prefix):
            return self.name
        return prefix + self.name


@dataclass(slots=True)
class ClientTools:
    """The tools of one request.

    ``functions`` are definitions for the repairer, ``origins`` leads from their names
    back to the client's, ``echo`` is how the response repeats ``tools``, and
    ``dropped`` tells of the hosted ones that were left out.
    """

    functions: list[Any] = field(default_factory=list)
    origins: dict[str, Origin] = field(default_factory=dict)
    echo: list[dict[str, Any]] = field(default_factory=list)
    dropped: list[Repair] = field(default_factory=list)

    def origin(self, function: str) -> Origin:
        """Give the client's tool that a function stands for."""
        return self.origins.get(function, Origin(function))

    def repaired(self, repaired: RepairedTools) -> RepairedTools:
        """Add to a repair's report what was dropped before it."""
        repairs = (*self.dropped, *repaired.repairs)
        return RepairedTools(repaired.tools, repairs, repaired.client_names)


def read_tools(body: fields.Body, *, drop_hosted: bool = False) -> ClientTools:
    """Read every tool of a request.

    Raises BadRequest naming the ``type`` of a tool that OpenAI runs itself, unless
    such tools are dropped.
    """
    tools = ClientTools()
    for tool, where, echoed in _listed(body):
        if not isinstance(tool, dict):
            raise BadRequest(f"'{where}' must be an object.", param=where)
        kind = fields.word(tool.get("type") or "function")
        read = _READERS.get(kind)
        if read is not None:
            echo = read(tools, tool, where)
            tools.echo += [echo] if echoed else []
        elif drop_hosted:
            tools.dropped.append(Repair(kind, "hosted-tool-dropped", where))
        else:
            raise _hosted(kind, f"{where}.type")
    return tools


def _listed(body: fields.Body) -> Iterator[tuple[Any, str, bool]]:
    """Yield each tool, its place, and whether the response repeats it."""
    for position, tool in enumerate(fields.items(body, "tools")):
        yield tool, f"tools[{position}]", True
    items = body.get("input")
    for number, item in enumerate(items if isinstance(items, list) else []):
        if isinstance(item, dict) and item.get("type") == "additional_tools":
            where = f"input[{number}]"
            for position, tool in enumerate(fields.items(item, "tools", where)):
                yield tool, f"{where}.tools[{position}]", False


def _hosted(kind: Any, where: str) -> BadRequest:
    return BadRequest(
        f"'{where}': a tool of type '{kind}' runs at OpenAI, not here. Leave it out, or"
        ' set tools.hosted = "drop" to have it left out.',
        param=where,
    )


def _function(
    tools: ClientTools, tool: dict[str, Any], where: str, namespace: str = ""
) -> dict[str, Any]:
    nested = tool.get("function")
    flat = nested if isinstance(nested, dict) else tool
    origin = Origin(_name(flat, where), namespace)
    tools.origins[origin.function] = origin
    tools.functions.append({**flat, "name": origin.function} if namespace else tool)
    parameters, strict = flat.get("parameters"), flat.get("strict")
    return {
        "type": "function",
        "name": origin.name,
        "description": _words(flat),
        "parameters": parameters if isinstance(parameters, dict) else None,
        "strict": strict if isinstance(strict, bool) else None,
    }


def _custom(
    tools: ClientTools, tool: dict[str, Any], where: str, namespace: str = ""
) -> dict[str, Any]:
    """Wrap a freeform tool; a grammar cannot be enforced here, only shown."""
    origin = Origin(_name(tool, where), namespace, custom=True)
    tools.origins[origin.function] = origin
    form = fields.optional(tool, "format", dict, where) or {"type": "text"}
    words = _words(tool) or ""
    if isinstance(form.get("definition"), str):
        words += (
            f"\n\nThe string 'input' must follow this {form.get('syntax')} grammar:"
            f"\n{form['definition']}"
        )
    tools.functions.append(
        {
            "type": "function",
            "name": origin.function,
            "description": words.strip(),
            "parameters": _INPUT,
        }
    )
    echo = {"type": "custom", "name": origin.name, "format": form}
    return echo | {"description": _words(tool)}


def _namespace(tools: ClientTools, tool: dict[str, Any], where: str) -> dict[str, Any]:
    name = _name(tool, where)
    inner: list[dict[str, Any]] = []
    for position, entry in enumerate(fields.items(tool, "tools", where)):
        place = f"{where}.tools[{position}]"
        kind = entry.get("type", "function") if isinstance(entry, dict) else None
        if kind == "function":
            inner.append(_function(tools, entry, place, name))
        elif kind == "custom":
            inner.append(_custom(tools, entry, place, name))
        else:
            raise _hosted(kind, f"{place}.type")
    words = _words(tool) or ""
    return {"type": "namespace", "name": name, "description": words, "tools": inner}


_READERS = {"function": _function, "custom": _custom, "namespace": _namespace}


def _name(tool: Mapping[str, Any], where: str) -> str:
    name = tool.get("name")
    if not isinstance(name, str) or not name:
        raise BadRequest(f"'{where}.name' is required: a string.", param=where)
    return name


def _words(tool: Mapping[str, Any]) -> str | None:
    description = tool.get("description")
    return description if isinstance(description, str) else None


def read_choice(
    body: fields.Body, tools: ClientTools, repaired: RepairedTools
) -> ToolChoice:
    """Read ``tool_choice`` as the names of functions; raise BadRequest for others."""
    choice = body.get("tool_choice")
    if choice is None:
        return ToolChoice()
    if isinstance(choice, str) and choice in _MODES:
        return ToolChoice(_MODES[choice])
    if not isinstance(choice, dict):
        raise BadRequest(
            "'tool_choice' must be auto, none, required, or name a tool.",
            param="tool_choice",
        )
    names = _Names(tools, repaired)
    if choice.get("type") != "allowed_tools":
        return ToolChoice("required", names.of(choice))
    mode: ToolMode = "required" if choice.get("mode") == "required" else "auto"
    allowed = fields.items(choice, "tools", "tool_choice")
    return ToolChoice(mode, tuple(name for tool in allowed for name in names.of(tool)))


class _Names:
    """Find the functions that a choice means."""

    def __init__(self, tools: ClientTools, repaired: RepairedTools) -> None:
        renamed = repaired.client_names
        self._origins = [
            (tool.name, tools.origin(renamed.get(tool.name, tool.name)))
            for tool in repaired.tools
        ]

    def of(self, choice: Any) -> tuple[str, ...]:
        """Give their names; raise BadRequest where there is none."""
        name = choice.get("name") if isinstance(choice, dict) else None
        if not isinstance(name, str):
            kind = choice.get("type") if isinstance(choice, dict) else choice
            raise BadRequest(
                f"'tool_choice' asks for '{kind}', which is not available here; it"
                " must name a function or a custom tool.",
                param="tool_choice",
            )
        found = tuple(
            function
            for function, origin in self._origins
            if name in (origin.name, origin.function, origin.namespace)
        )
        if not found:
            raise BadRequest(
                f"tool_choice names '{name}', which is not among the tools.",
                param="tool_choice",
            )
        return found
