"""What was repaired, for the log and for the curious client."""

from dataclasses import dataclass
from dataclasses import field


@dataclass(frozen=True, slots=True)
class Repair:
    """One change: the tool it was made to, the rule that made it, and where.

    ``path`` is a JSON pointer into the schema, such as ``#/properties/city``, and
    empty where the tool as a whole was changed.
    """

    tool: str
    rule: str
    path: str


@dataclass(slots=True)
class Recorder:
    """Collect the repairs of one tool."""

    tool: str
    repairs: list[Repair] = field(default_factory=list)

    def note(self, rule: str, path: str = "") -> None:
        """Write one repair down."""
        self.repairs.append(Repair(self.tool, rule, path))
