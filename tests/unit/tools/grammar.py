"""What llama-server makes of a schema: a second opinion, to judge repairs by.

Follows how its build 0c1e570 turns a schema into grammar: which keyword wins over
which, what is refused, and what makes its main loop spin.
"""

import re
from math import ceil
from math import floor

TYPES = {"object", "array", "string", "integer", "number", "boolean", "null"}
REVERSED = re.compile(r"\{\s*\+?(\d+)\w*\s*,\s*\+?(\d+)\w*\s*\}")
EXACT = re.compile(r"\{\s*(\d+)")


def complaints(root):
    """List what the server would refuse in a schema, or hang over."""
    found = []
    met = set()
    todo = [(root, "#")]
    while todo:
        schema, path = todo.pop()
        if not isinstance(schema, dict):
            found.append(f"{path}: schema must be an object")
            continue
        if id(schema) in met:
            continue
        met.add(id(schema))
        found += [f"{path}: {fault}" for fault in faults(schema, root)]
        todo += [(child, f"{path}/{key}") for key, child in children(schema, root)]
    return found + [f"loop through {loop}" for loop in loops(root)]


def faults(schema, root):
    """List what is wrong with one schema, in the keywords the server reads."""
    if "$ref" in schema:
        found = resolve(root, schema["$ref"])
        return [] if found is not None else [f"cannot resolve {schema['$ref']}"]
    for key in ("oneOf", "anyOf"):
        if key in schema:
            return list_faults(schema, key)
    types = schema.get("type")
    names = types if isinstance(types, list) else [types]
    if "const" in schema:
        return []
    if "enum" in schema:
        return list_faults(schema, "enum")
    unknown = [
        f"unrecognized type {n}" for n in names if n is not None and n not in TYPES
    ]
    if unknown or not names:
        return unknown or ["type must not be empty"]
    return [fault for n in names for fault in KINDS[kind(schema, n)](schema)]


def list_faults(schema, key):
    filled = isinstance(schema[key], list) and schema[key]
    return [] if filled else [f"{key} must not be empty"]


def kind(schema, name):
    """Name the grammar that a schema of one type becomes."""
    shaped = (
        "properties" in schema or schema.get("additionalProperties", True) is not True
    )
    if name == "object" or (name is None and shaped):
        return "object" if shaped or "allOf" not in schema else "allOf"
    if name in (None, "string") and "allOf" in schema:
        return "allOf"
    if name is None:
        if "items" in schema or "prefixItems" in schema:
            return "array"
        strings = {"pattern", "minLength", "maxLength"}
        return "string" if strings & schema.keys() else "any"
    return name if name in ("array", "string", "integer") else "any"


def object_faults(schema):
    properties = schema.get("properties", {})
    if not isinstance(properties, dict):
        yield "properties must be an object"
        return
    additional = schema.get("additionalProperties", False)
    if not isinstance(additional, bool | dict):
        yield "additionalProperties must be a boolean or a schema"
    if additional is not False and any(set(']\\"\0') & set(n) for n in properties):
        yield "a name spoils the grammar of keys"
    if len(properties) > 1000:
        yield "too many properties"


def all_of_faults(schema):
    return list_faults(schema, "allOf")


def array_faults(schema):
    items = schema.get("items", schema.get("prefixItems", {}))
    if isinstance(items, list):
        return
    yield from count_faults(schema, "minItems", "maxItems")
    if not schema.get("minItems") and 1998 < schema.get("maxItems", 0) < 2002:
        yield "maxItems in the gap"


def string_faults(schema):
    if not isinstance(schema.get("format", ""), str):
        yield "format must be a string"
    yield from count_faults(schema, "minLength", "maxLength")
    pattern = schema.get("pattern", "")
    if not isinstance(pattern, str):
        yield "pattern must be a string"
        return
    if any(int(low) > int(high) for low, high in REVERSED.findall(pattern)):
        yield "a pattern's bounds are crossed: HANGS"
    if any(int(count) > 2000 for count in EXACT.findall(pattern)):
        yield "a pattern repeats too often"
    if pattern.startswith("^") and pattern.endswith("$") and "\0" in pattern:
        yield "NUL in a pattern"


def count_faults(schema, low, high):
    for key in (low, high):
        value = schema.get(key, 0)
        if type(value) is not int or not 0 <= value < 2**31:
            yield f"{key} must be a non-negative integer"
            return
    if schema.get(low, 0) > schema.get(high, 2**31):
        yield f"{low} over {high}: HANGS"
    if schema.get(low, 0) > 2000:
        yield f"{low} too large"


def integer_faults(schema):
    bounds = ("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum")
    for key in bounds:
        value = schema.get(key, 0)
        if type(value) not in (int, float):
            yield f"{key} must be a number"
            return
        if not -(2**63) <= value < 2**63:
            yield f"{key} does not fit"
    low, high = lowest(schema), highest(schema)
    if low is not None and high is not None and low > high:
        yield "an empty range"
    if high is None and low is not None and low >= 2 * 10**15:
        yield "a lone minimum of 16 digits: HANGS"
    if low is None and high is not None and high <= -2 * 10**15:
        yield "a lone maximum of 16 digits: HANGS"


def lowest(schema):
    if "minimum" in schema:
        return ceil(schema["minimum"])
    if "exclusiveMinimum" in schema:
        return floor(schema["exclusiveMinimum"]) + 1
    return None


def highest(schema):
    if "maximum" in schema:
        return floor(schema["maximum"])
    if "exclusiveMaximum" in schema:
        return ceil(schema["exclusiveMaximum"]) - 1
    return None


KINDS = {
    "object": object_faults,
    "allOf": all_of_faults,
    "array": array_faults,
    "string": string_faults,
    "integer": integer_faults,
    "any": lambda _schema: (),
}


def children(schema, root):
    """Yield the schemas that the server reads inside one."""
    if "$ref" in schema:
        yield schema["$ref"], resolve(root, schema["$ref"]) or {}
        return
    for key in ("oneOf", "anyOf"):
        if isinstance(schema.get(key), list):
            yield from ((key, member) for member in schema[key])
            return
    if isinstance(schema.get("properties"), dict):
        yield from schema["properties"].items()
    elif isinstance(schema.get("allOf"), list):
        yield from (("allOf", member) for member in schema["allOf"])
    items = schema.get("items", schema.get("prefixItems", {}))
    yield from (("items", m) for m in (items if isinstance(items, list) else [items]))
    if isinstance(schema.get("additionalProperties"), dict):
        yield "additionalProperties", schema["additionalProperties"]


def resolve(root, reference):
    """Follow a reference as the server does: literally, from the root."""
    if not isinstance(reference, str) or not reference.startswith("#/"):
        return None
    for token in reference[2:].split("/"):
        if isinstance(root, dict) and token in root:
            root = root[token]
        elif isinstance(root, list) and token.isdigit() and int(token) < len(root):
            root = root[int(token)]
        else:
            return None
    return root


def loops(root):
    """Yield references that come back to themselves with no value between."""
    for start in references(root, [], set()):
        met, todo = set(), [start]
        while todo:
            reference = todo.pop()
            target = resolve(root, reference)
            if not isinstance(target, dict):
                continue
            for following in same_value(target):
                if following == start:
                    yield start
                    return
                if following not in met:
                    met.add(following)
                    todo.append(following)


def same_value(schema):
    """Yield the references that judge the same value as the schema."""
    todo = [schema]
    while todo:
        schema = todo.pop()
        if isinstance(schema.get("$ref"), str):
            yield schema["$ref"]
        for key in ("anyOf", "oneOf", "allOf"):
            members = schema.get(key)
            todo += [m for m in members or () if isinstance(m, dict)]


def references(value, found, met):
    """Collect every reference in a value."""
    if id(value) in met:
        return found
    met.add(id(value))
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            found.append(value["$ref"])
        for child in value.values():
            references(child, found, met)
    elif isinstance(value, list):
        for child in value:
            references(child, found, met)
    return found
