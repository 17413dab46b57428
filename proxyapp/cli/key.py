"""``python -m proxyapp key``: make a key for a client."""

from proxyapp.auth.ring import key_digest
from proxyapp.auth.ring import new_key
from proxyapp.cli.terminal import Terminal


def run(terminal: Terminal) -> int:
    """Show a new key and the line that admits it; neither is kept anywhere."""
    key = new_key()
    terminal.say(
        "The key, for the client; it is shown only now:",
        "",
        f"  {key}",
        "",
        "Its digest, for the settings file:",
        "",
        "  [auth]",
        f'  keys = ["sha256:{key_digest(key)}"]',
    )
    return 0
