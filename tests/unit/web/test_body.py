import gzip
import io
import zlib

import pytest
import zstandard
from gunicorn.http.errors import InvalidChunkSize

from proxyapp.errors import BadRequest
from proxyapp.errors import BodyTooLarge
from proxyapp.errors import UnsupportedEncoding
from proxyapp.settings.schema import ServerSettings
from proxyapp.web.body import read_body
from proxyapp.web.body import read_object

LIMIT = 1 << 20
BODY = b'{"model": "qwen"}' * 20


def zstd(data):
    return zstandard.ZstdCompressor().compress(data)


def zstd_without_size(data):
    return zstandard.ZstdCompressor(write_content_size=False).compress(data)


def read(data, encoding="", **environ):
    environ = {
        "CONTENT_LENGTH": str(len(data)),
        "HTTP_CONTENT_ENCODING": encoding,
        "wsgi.input": io.BytesIO(data),
        **environ,
    }
    return read_body(environ, ServerSettings(max_body_mb=1))


def test_a_body_is_read_to_its_length_and_no_further():
    assert read(b"abcdef", CONTENT_LENGTH="4") == b"abcd"


@pytest.mark.parametrize("length", ["", None, "x", "-1", "\u00b2"])
def test_without_a_length_nothing_is_read(length):
    assert read(b"abc", CONTENT_LENGTH=length) == b""


def test_without_a_length_an_input_that_ends_by_itself_is_read():
    environ = {"wsgi.input_terminated": True, "CONTENT_LENGTH": ""}
    assert read(b"abc", **environ) == b"abc"


@pytest.mark.parametrize(
    ("encoding", "packed"),
    [
        ("", BODY),
        ("identity", BODY),
        ("gzip", gzip.compress(BODY)),
        ("x-gzip", gzip.compress(BODY)),
        (" GZIP ", gzip.compress(BODY)),
        ("deflate", zlib.compress(BODY)),
        ("zstd", zstd(BODY)),
        ("zstd", zstd_without_size(BODY)),
    ],
)
def test_a_body_may_be_compressed(encoding, packed):
    assert read(packed, encoding) == BODY


@pytest.mark.parametrize("encoding", ["br", "compress", "gzip, gzip", "x" * 500])
def test_other_encodings_are_refused(encoding):
    with pytest.raises(UnsupportedEncoding) as caught:
        read(BODY, encoding)
    assert len(caught.value.message) < 200


@pytest.mark.parametrize(
    ("encoding", "packed"),
    [
        ("gzip", BODY),
        ("gzip", b""),
        ("gzip", gzip.compress(BODY)[:-9]),
        ("gzip", gzip.compress(BODY)[:-1]),
        ("deflate", b"\x00" * 20),
        ("zstd", BODY),
    ],
)
def test_broken_compression_is_refused(encoding, packed):
    with pytest.raises(BadRequest, match=f"not valid {encoding}"):
        read(packed, encoding)


def test_a_body_at_the_limit_is_read():
    assert len(read(b"a" * LIMIT)) == LIMIT
    assert len(read(gzip.compress(b"a" * LIMIT), "gzip")) == LIMIT
    assert len(read(zstd(b"a" * LIMIT), "zstd")) == LIMIT


class Unread:
    """An input nobody may read from."""

    def read(self, size):
        raise AssertionError


def test_a_body_over_the_limit_is_not_even_read():
    with pytest.raises(BodyTooLarge):
        read(b"", CONTENT_LENGTH=str(LIMIT + 1), **{"wsgi.input": Unread()})


def test_a_body_of_unknown_length_is_read_to_the_limit():
    environ = {"wsgi.input_terminated": True, "CONTENT_LENGTH": ""}
    with pytest.raises(BodyTooLarge):
        read(b"a" * (LIMIT + 1), **environ)


@pytest.mark.parametrize(
    ("encoding", "pack"),
    [
        ("gzip", lambda data: gzip.compress(data, 9)),
        ("deflate", lambda data: zlib.compress(data, 9)),
        ("zstd", zstd),
        ("zstd", zstd_without_size),
    ],
)
def test_a_body_that_swells_over_the_limit_is_refused(encoding, pack):
    with pytest.raises(BodyTooLarge):
        read(pack(b"\x00" * (20 * LIMIT)), encoding)


class Broken:
    """An input whose client is gone or sends nonsense."""

    def read(self, size):
        raise OSError("bad chunk size")


def test_a_body_that_cannot_be_read_is_the_clients_fault():
    with pytest.raises(BadRequest, match="could not be read: bad chunk size"):
        read(b"abc", **{"wsgi.input": Broken()})


# ----------------------------------------------------------------- read_object


def test_an_object_is_read():
    assert read_object(b'\n{"a": [1]}') == {"a": [1]}


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"[]", "an array"),
        (b'"x"', "a string"),
        (b"1", "a number"),
        (b"1.5", "a number"),
        (b"true", "true or false"),
        (b"null", "null"),
    ],
)
def test_anything_else_is_named(body, kind):
    with pytest.raises(BadRequest, match=f"must be a JSON object, not {kind}"):
        read_object(body)


@pytest.mark.parametrize("body", [b"", b"  \n"])
def test_an_empty_body_is_called_empty(body):
    with pytest.raises(BadRequest, match="it is empty"):
        read_object(body)


@pytest.mark.parametrize(
    "body", [b"{", b"{'a': 1}", b'{"a": NaN}', b'{"a": 1,}', b'{"a": "\xff"}', b"a=1"]
)
def test_broken_json_is_refused_with_its_place(body):
    with pytest.raises(BadRequest, match=r"not valid JSON: .*line 1"):
        read_object(body)


def test_a_body_of_nothing_but_brackets_is_refused_before_it_is_read():
    with pytest.raises(BadRequest, match="too many arrays and objects"):
        read_object(b"[" + b"[]," * 300_000 + b"[]]")


@pytest.mark.parametrize("value", [b"1", b"1.5", b'"a"', b"null"])
def test_a_body_of_nothing_but_values_is_refused_before_it_is_read(value):
    with pytest.raises(BadRequest, match="too many values: more than 1000000"):
        read_object(b'{"prompt":[' + b"%b," % value * 1_000_001 + b"1]}")


def test_a_deep_body_is_refused():
    with pytest.raises(BadRequest, match="not valid JSON"):
        read_object(b'{"a":' * 5000 + b"1" + b"}" * 5000)


def test_chunks_gunicorn_cannot_read_are_the_clients_fault():
    class Input:
        def read(self, size):
            raise InvalidChunkSize(b"zz")

    with pytest.raises(BadRequest, match="could not be read"):
        read_body(
            {"wsgi.input": Input(), "wsgi.input_terminated": True}, ServerSettings()
        )


@pytest.mark.parametrize("blank", [b"", b" ", b"\t", b"\n", b"\r", b"  "])
def test_a_body_of_nothing_but_keys_is_refused_before_it_is_read(blank):
    with pytest.raises(BadRequest, match="too many keys"):
        read_object(b"{" + b'"a"%b:' % blank * 300_001)


def test_colons_in_a_text_are_no_keys():
    assert read_object(b'{"a": "%b"}' % (b"a:b" * 300_001))


@pytest.mark.parametrize(
    ("field", "entries"),
    [
        (b"messages", b'{"role":"user","content":"hello"}'),
        (b"input", b"[1]" + b" " * 30),
        (b"tools", b"null" + b" " * 30),
    ],
)
def test_a_crowd_of_entries_is_refused(field, entries):
    body = b'{"%b":[%b]}' % (field, b",".join([entries] * 20_001))
    with pytest.raises(BadRequest, match="20001 entries") as caught:
        read_object(body)
    assert caught.value.param == field.decode()


def test_a_crowd_within_one_entry_is_refused():
    part = b'{"type":"text","text":"hello there"}'
    content = b",".join([part] * 20_000)
    with pytest.raises(BadRequest, match="20001 entries"):
        read_object(b'{"messages":[{"role":"user","content":[%b]}]}' % content)


@pytest.mark.parametrize("item", [b"12345", b'"hello"'])
def test_tokens_and_texts_are_no_crowd(item):
    body = b'{"input":[%b]}' % b",".join([item] * 120_000)
    assert len(read_object(body)["input"]) == 120_000


def test_more_items_than_anybody_means_are_refused():
    body = b'{"prompt":[%b]}' % b",".join([b"1"] * ((1 << 18) + 1))
    with pytest.raises(BadRequest, match="262145 items") as caught:
        read_object(body)
    assert caught.value.param == "prompt"
