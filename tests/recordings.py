"""What a real llama-server once answered: ``tests/golden/llama/<name>.json``."""

import json
from dataclasses import dataclass
from pathlib import Path

_PLACE = Path(__file__).parent / "golden" / "llama"


@dataclass(frozen=True)
class Recording:
    """A recorded answer."""

    status: int
    body: bytes


def recorded(name: str) -> Recording:
    """Read a recording."""
    document = json.loads((_PLACE / f"{name}.json").read_text("utf-8"))
    return Recording(document["status"], document["body"].encode())


def recordings(start: str = "") -> list[str]:
    """Give the names of the recordings that begin like this."""
    return sorted(path.stem for path in _PLACE.glob(f"{start}*.json"))
