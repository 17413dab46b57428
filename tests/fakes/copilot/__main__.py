"""Play GitHub and Copilot until the input ends: ``python -m tests.fakes.copilot``.

One line of JSON tells the address and good tokens. A line of input is a word that the
account obeys: approve, deny, lapse, expire, revoke, exhaust. At the end each call is
written down, one line of JSON.
"""

import json
import sys
from typing import Any

from tests.fakes.copilot import FakeCopilot

OBEYED = ("approve", "deny", "lapse", "expire", "revoke", "exhaust")


def main() -> None:
    """Play until the input ends."""
    with FakeCopilot() as github:
        given = {"url": github.url, "github_token": github.github_token}
        write({**given, "copilot_token": github.copilot_token()})
        for line in sys.stdin:
            if line.strip() in OBEYED:
                getattr(github, line.strip())()
        for call in github.requests:
            told = {"host": call.host, "method": call.method, "path": call.path}
            write({**told, "initiator": call.initiator, "left": call.left_early})


def write(value: Any) -> None:
    """Write one line of JSON."""
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
