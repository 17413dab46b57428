"""Images and audio that a server is known not to read, refused before it is asked."""

from collections.abc import Iterator

from proxyapp.errors import BadRequest
from proxyapp.neutral.messages import AudioPart
from proxyapp.neutral.messages import ImagePart
from proxyapp.neutral.messages import Message
from proxyapp.neutral.messages import ToolResult
from proxyapp.settings.schema import Compat


def refuse_unread(messages: tuple[Message, ...], compat: Compat) -> None:
    """Raise BadRequest that names the first message with a part nobody would read.

    Where ``compat`` does not say no, the server is asked: it refuses in its own words.
    """
    unread: dict[type, str] = {
        kind: words
        for kind, words, supported in (
            (ImagePart, "images", compat.supports_images is not False),
            (AudioPart, "audio", compat.supports_audio),
        )
        if not supported
    }
    for position, message in enumerate(messages):
        for part in _parts(message):
            if type(part) in unread:
                raise BadRequest(
                    f"'messages[{position}]' holds {unread[type(part)]}, which this"
                    " backend does not read.",
                    param=f"messages[{position}]",
                )


def _parts(message: Message) -> Iterator[object]:
    for part in message.content:
        yield part
        if isinstance(part, ToolResult):
            yield from part.content
