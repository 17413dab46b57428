"""Read tool definitions in whatever shape a client sends them."""

import unicodedata
from dataclasses import dataclass
from typing import Any

from proxyapp.errors import BadRequest
from proxyapp.wire import jsons

_SCHEMA_KEYS = ("parameters", "input_schema", "inputSchema")
_FUNCTION_TYPES = ("function", "custom", "tool")
_KEPT_CONTROLS = frozenset("\n\t\r")


@dataclass(frozen=True, slots=True)
class Entry:
    """One tool as the client wrote it; ``rules`` names what had to be bent to read it.

    ``name`` is ``client_name`` without control characters. ``schema`` is None where
    the client gave none.
    """

    name: str
    client_name: str
    description: str
    schema: Any
    eager: bool = False
    rules: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Dropped:
    """An entry that no tool can be made of, and the rule that says so."""

    rule: str


def entries_of(tools: object) -> list[Any]:
    """Return the entries of a tool list, or of one tool that stands alone.

    Raises BadRequest where it is neither.
    """
    if tools is None:
        return []
    if isinstance(tools, dict):
        return [tools]
    if isinstance(tools, list):
        return tools
    raise BadRequest("tools must be a list of tool definitions.", param="tools")


def read_entry(value: Any) -> Entry | Dropped:
    """Read one tool: nested or flat, OpenAI's, Anthropic's, Ollama's or MCP's.

    llama-server refuses the whole request over one tool that it cannot read, so
    what no tool can be made of is dropped: hosted tools, null, nameless ones.
    """
    rules: list[str] = []
    if isinstance(value, str):
        value = _from_text(value)
        rules.append("entry-text")
    if not isinstance(value, dict):
        return Dropped("entry-dropped")
    function = value.get("function")
    if not isinstance(function, dict):
        if _is_hosted(value):
            return Dropped("hosted-tool-dropped")
        function = value
    elif value.get("type") != "function":
        rules.append("entry-type")
    client_name = _read_name(function.get("name"), rules)
    name = "".join(char for char in client_name if not _is_control(char))
    if not name.strip():
        return Dropped("nameless-tool-dropped")
    if name != client_name:
        rules.append("name-control")
    return Entry(
        name=name,
        client_name=client_name,
        description=_read_description(function.get("description"), rules),
        schema=_schema_of(function, value),
        eager=value.get("eager_input_streaming") is True,
        rules=tuple(rules),
    )


def _from_text(text: str) -> Any:
    if text.lstrip().startswith("{"):
        try:
            return jsons.loads(text)
        except ValueError:
            return None
    return {"name": text}


def _is_hosted(value: dict[str, Any]) -> bool:
    """Tell whether a tool runs at the provider: it has a type but no schema."""
    kind = value.get("type")
    if not isinstance(kind, str) or kind.lower() in ("function", "tool", ""):
        return False
    if kind == "custom" and not isinstance(value.get("format"), dict):
        return not any(key in value for key in _SCHEMA_KEYS)
    return not any(isinstance(value.get(key), dict) for key in _SCHEMA_KEYS)


def _read_name(value: Any, rules: list[str]) -> str:
    if isinstance(value, int | float) and not isinstance(value, bool):
        rules.append("name-number")
        return str(value)
    return value if isinstance(value, str) else ""


def _is_control(char: str) -> bool:
    # A newline works upstream; NUL ends llama-server's grammar.
    return unicodedata.category(char) == "Cc" and char not in _KEPT_CONTROLS


def _read_description(value: Any, rules: list[str]) -> str:
    if isinstance(value, str):
        return value
    if value is not None:
        rules.append("description")
    return ""


def _schema_of(function: dict[str, Any], outer: dict[str, Any]) -> Any:
    for source in (function, outer):
        for key in _SCHEMA_KEYS:
            if source.get(key) is not None:
                return source[key]
    return None
