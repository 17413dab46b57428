"""One request that the fake received, with the readings a test asks of it."""

from __future__ import annotations

import urllib.parse
from dataclasses import dataclass
from typing import Any

from tests.fakes.answers import Request


@dataclass
class Call(Request):
    """A request to one of the hosts; ``path`` is the path on that host."""

    host: str = ""

    @property
    def form(self) -> dict[str, str]:
        """The body as a form."""
        return dict(urllib.parse.parse_qsl(self.body.decode("utf-8", "replace")))

    @property
    def fields(self) -> dict[str, Any]:
        """The body as a JSON object; empty when it is none."""
        return self.json if isinstance(self.json, dict) else {}

    @property
    def token(self) -> str:
        """The credential of the Authorization header, without its scheme."""
        return self.headers.get("authorization", "").partition(" ")[2]

    @property
    def model(self) -> str:
        """The model that was asked for."""
        return str(self.fields.get("model", ""))

    @property
    def initiator(self) -> str | None:
        """Who began the turn, as X-Initiator tells."""
        return self.headers.get("x-initiator")

    @property
    def items(self) -> list[dict[str, Any]]:
        """The messages, or the input items of a responses request."""
        given = self.fields.get("messages", self.fields.get("input", []))
        return [one for one in given if isinstance(one, dict)]

    @property
    def said(self) -> str:
        """The text of the last message of the user."""
        users = [one for one in self.items if one.get("role") == "user"]
        texts = [words_of(one.get("content")) for one in users]
        return next((text for text in reversed(texts) if text), "")

    @property
    def images(self) -> list[str]:
        """The images that came along, each as its base64 text."""
        return list(images_in(self.items))

    @property
    def left_early(self) -> bool:
        """Whether the client closed before its whole answer had been sent."""
        return self.closed_at is not None and not self.completed.is_set()


def words_of(content: Any) -> str:
    """Give the text of a message's content, in any of the three shapes."""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    return "".join(str(part.get("text", "")) for part in parts)


def images_in(value: Any) -> list[str]:
    """Collect images of a request body, in any of the three shapes."""
    if isinstance(value, list):
        return [image for one in value for image in images_in(one)]
    if not isinstance(value, dict):
        return []
    source = value.get("source")
    if value.get("type") == "image" and isinstance(source, dict):
        return [str(source.get("data"))]
    if value.get("type") in ("image_url", "input_image"):
        given = value["image_url"]
        address = given["url"] if isinstance(given, dict) else given
        return [str(address).partition("base64,")[2]]
    return [image for one in value.values() for image in images_in(one)]
