"""What a rule may know beyond the schema it repairs."""

from typing import Any
from typing import NamedTuple

from proxyapp.tools.references import target_of
from proxyapp.tools.walk import Schema

_MAX_HOPS = 16


class Context(NamedTuple):
    """The document's root, and whether the schema is a branch of its parent."""

    root: Schema
    branch: bool = False

    def follow(self, schema: Any) -> Schema:
        """Return the schema itself, or what its ``$ref`` leads to; {} for neither."""
        for _ in range(_MAX_HOPS):
            if not isinstance(schema, dict):
                return {}
            if "$ref" not in schema:
                return schema
            schema = target_of(self.root, schema["$ref"])
        return {}
