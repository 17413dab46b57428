"""``data:`` URLs."""

import base64
import binascii


def data_url_text(url: str) -> str | None:
    """Read the text a ``data:`` URL holds, or None if it holds anything else."""
    head, comma, data = url.partition(",")
    if not comma or not head.startswith("data:text/") or not head.endswith(";base64"):
        return None
    try:
        return base64.b64decode(data, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None
