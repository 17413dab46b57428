"""Images: bare base64 in, ``data:`` URLs out."""

import base64
import binascii
import re
from collections.abc import Iterator
from typing import Any

from proxyapp.dialects import fields
from proxyapp.errors import BadRequest
from proxyapp.neutral.messages import ImagePart

# Where an image begins with these bytes, it is of that kind.
_KINDS: tuple[tuple[re.Pattern[bytes], str], ...] = (
    (re.compile(rb"\x89PNG\r\n\x1a\n"), "image/png"),
    (re.compile(rb"\xff\xd8\xff"), "image/jpeg"),
    (re.compile(rb"RIFF....WEBP", re.DOTALL), "image/webp"),
    (re.compile(rb"GIF8[79]a"), "image/gif"),
    (re.compile(rb"BM"), "image/bmp"),
)
_PREFIX = re.compile(r"data:image/[\w.+-]+;base64,")
_LINE_ENDS = str.maketrans("", "", "\r\n")


def decode_images(body: fields.Body, where: str = "") -> Iterator[ImagePart]:
    """Read ``images``; the kind of each is found in its first bytes.

    A ``data:`` URL in place of bare base64 is a common mistake and taken for what it
    means. Raises BadRequest for what is no base64 or no image.
    """
    place = f"{where}.images" if where else "images"
    for position, image in enumerate(fields.items(body, "images", where)):
        yield _image(image, f"{place}[{position}]")


def _image(image: Any, where: str) -> ImagePart:
    if not isinstance(image, str):
        raise BadRequest(f"'{where}' must be a base64 string.", param=where)
    prefix = _PREFIX.match(image)
    encoded = image[prefix.end() if prefix else 0 :].translate(_LINE_ENDS)
    try:
        data = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raise BadRequest(f"'{where}' is not valid base64.", param=where) from None
    for pattern, kind in _KINDS:
        if pattern.match(data):
            return ImagePart(f"data:{kind};base64,{encoded}")
    raise BadRequest(
        f"'{where}' is no image of a known kind; send PNG, JPEG, WebP, GIF or BMP.",
        param=where,
    )
