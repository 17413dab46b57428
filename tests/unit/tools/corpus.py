"""The recorded tool definitions, and larger ones made here."""

import json
from functools import reduce
from pathlib import Path

DATA = Path(__file__).parents[2] / "data" / "tools"


def load(name, member):
    """Read one member of a data file."""
    return json.loads((DATA / name).read_text("utf-8"))[member]


CASES = {case["id"]: case for case in load("cases.json", "cases")}
HOSTILE = {
    case["id"]: case["schema"] for case in load("hostile_schemas.json", "schemas")
}
VSCODE = load("vscode_tools.json", "tools")


def tool(parameters, name="get_weather"):
    """Wrap parameters as OpenAI's clients do."""
    function = {"name": name, "description": "Get weather", "parameters": parameters}
    return {"type": "function", "function": function}


def nested(depth):
    """Make objects in objects."""
    return reduce(
        lambda inner, _: {"type": "object", "properties": {"n": inner}},
        range(depth),
        {"type": "string"},
    )


def nested_arrays(depth):
    """Make arrays of arrays."""
    return reduce(lambda inner, _: {"type": "array", "items": inner}, range(depth), {})


def doubling(steps):
    """Make definitions of which each refers twice to the one before."""
    definitions = {"a0": {"type": "string"}}
    for at in range(1, steps + 1):
        twice = [{"$ref": f"#/$defs/a{at - 1}"}] * 2
        definitions[f"a{at}"] = {"allOf": twice}
    return {
        "type": "object",
        "$defs": definitions,
        "properties": {"x": {"$ref": f"#/$defs/a{steps}"}},
    }


def many_tools(count, properties):
    """Make tools as an agent sends them."""
    return [
        tool(
            {
                "type": "object",
                "properties": {
                    f"p{at}": {"type": "string", "description": f"The {at}th of {n}"}
                    for at in range(properties)
                },
                "required": ["p0"],
            },
            name=f"tool_{n}",
        )
        for n in range(count)
    ]
