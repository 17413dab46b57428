"""Text files that clients send inside a message; no backend here reads other kinds."""

from typing import Any

from proxyapp.errors import BadRequest
from proxyapp.neutral.messages import TextPart
from proxyapp.wire.data_url import data_url_text


def text_file(file: Any, where: str) -> TextPart:
    """Read a file's text, its name in front; raise BadRequest for any other file."""
    file = file if isinstance(file, dict) else {}
    data = file.get("file_data")
    content = data_url_text(data) if isinstance(data, str) else None
    if content is None:
        raise BadRequest(
            f"'{where}' must hold file_data: a data: URL of a text file. Other files"
            " cannot be read here; send their text.",
            param=where,
        )
    name = file.get("filename")
    heading = f"[{name}]\n" if isinstance(name, str) and name else ""
    return TextPart(heading + content)
