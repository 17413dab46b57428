import base64

import pytest

from proxyapp.dialects.text_files import text_file
from proxyapp.errors import BadRequest
from proxyapp.neutral.messages import TextPart


def data_url(content: bytes, kind: str = "text/plain") -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def test_a_text_file_is_its_text_behind_its_name():
    file = {"filename": "a.txt", "file_data": data_url("h\u00e9".encode())}
    assert text_file(file, "here") == TextPart("[a.txt]\nh\u00e9")


def test_a_file_needs_no_name():
    assert text_file({"file_data": data_url(b"x")}, "here") == TextPart("x")


@pytest.mark.parametrize(
    "file",
    [
        None,
        {},
        {"file_id": "file_1"},
        {"file_data": data_url(b"%PDF", "application/pdf")},
        {"file_data": data_url(b"\xff\xfe")},
    ],
)
def test_any_other_file_is_refused_by_its_place(file):
    with pytest.raises(BadRequest, match="text file") as refusal:
        text_file(file, "messages[0].content[1].file")
    assert refusal.value.param == "messages[0].content[1].file"
