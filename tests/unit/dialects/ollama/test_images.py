import base64

import pytest

from proxyapp.dialects.ollama.images import decode_images
from proxyapp.errors import BadRequest


def encoded(head):
    return base64.b64encode(head + bytes(20)).decode()


def urls(*images):
    return [part.url for part in decode_images({"images": list(images)})]


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"\x89PNG\r\n\x1a\n", "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"RIFF\x0a\x00\x00\x00WEBP", "image/webp"),
        (b"GIF89a", "image/gif"),
        (b"BM", "image/bmp"),
    ],
)
def test_the_kind_is_found_in_the_first_bytes(head, kind):
    image = encoded(head)
    assert urls(image) == [f"data:{kind};base64,{image}"]


def test_line_ends_within_base64_are_passed_over():
    image = encoded(b"GIF89a")
    assert urls(f"{image[:8]}\r\n{image[8:]}\n") == urls(image)


def test_a_data_url_is_taken_for_what_it_means():
    image = encoded(b"\xff\xd8\xff")
    assert urls(f"data:image/png;base64,{image}") == [f"data:image/jpeg;base64,{image}"]


def test_no_images_are_none():
    assert urls() == []
    assert list(decode_images({"images": None})) == []


@pytest.mark.parametrize("wrong", ["%%%", "abc", "é", "file:///etc/passwd"])
def test_what_is_no_base64_is_refused(wrong):
    with pytest.raises(BadRequest, match=r"'images\[0\]' is not valid base64"):
        urls(wrong)


@pytest.mark.parametrize(
    "unknown", ["", encoded(b"%PDF-1.7"), encoded(b"RIFFxxxxWAVE")]
)
def test_what_is_no_image_is_refused(unknown):
    with pytest.raises(BadRequest, match="no image of a known kind"):
        urls(unknown)


def test_an_image_that_is_no_text_is_refused():
    with pytest.raises(BadRequest, match="must be a base64 string"):
        urls({"url": "x"})


def test_a_fault_is_told_with_its_place():
    with pytest.raises(BadRequest, match=r"'messages\[2\]\.images\[0\]'"):
        list(decode_images({"images": ["%"]}, "messages[2]"))
