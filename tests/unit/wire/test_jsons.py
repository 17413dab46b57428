import orjson
import pytest

from proxyapp.wire import jsons


def test_json_is_written_compact_and_in_its_own_order():
    assert (
        jsons.dumps({"b": [1, 2.5, None], "a": "é"})
        == '{"b":[1,2.5,null],"a":"é"}'.encode()
    )


def test_json_text_is_the_same_as_characters():
    assert jsons.text({"a": "é"}) == '{"a":"é"}'


@pytest.mark.parametrize("data", [b'{"a":1}', '{"a":1}'])
def test_bytes_and_text_are_read_alike(data):
    assert jsons.loads(data) == {"a": 1}


@pytest.mark.reliability("R-051")
@pytest.mark.parametrize(
    "data",
    [
        *("NaN", "Infinity", "1e999", "[1,]", "{'a':1}", "", "{", "// a", "01", "+1"),
        '{"a":1}{',
        '"\t"',
        "\ufeff{}",
        "[" * 2000 + "]" * 2000,
    ],
)
def test_anything_but_strict_json_is_refused(data):
    with pytest.raises(orjson.JSONDecodeError):
        jsons.loads(data)


@pytest.mark.parametrize("data", [b"\xff", b'"\xed\xa0\x80"'])
def test_bytes_that_are_not_utf8_are_refused(data):
    with pytest.raises(orjson.JSONDecodeError):
        jsons.loads(data)


@pytest.mark.reliability("R-052")
@pytest.mark.parametrize(
    ("data", "value"),
    [
        (r'"\ud83d\ude00"', "😀"),
        (r'"a\ud83d"', "a\ufffd"),
        (r'"\ude00b"', "\ufffdb"),
        (r'"\ud83d\ud83d\ude00"', "\ufffd😀"),
        (r'"\uD83Dx\uDE00"', "\ufffdx\ufffd"),
        (r'"\\ud83d\ud83d"', "\\ud83d\ufffd"),
        (r'"\\\ud83d"', "\\\ufffd"),
        (r'{"\ude00":"\n"}', {"\ufffd": "\n"}),
    ],
)
def test_half_a_surrogate_pair_becomes_the_replacement_character(data, value):
    assert jsons.loads(data) == value
    assert jsons.loads(data.encode()) == value


def test_a_bare_half_in_text_is_replaced_too():
    assert jsons.loads('"a\ud83d"') == "a?"


def test_broken_json_with_half_a_pair_is_still_refused():
    with pytest.raises(orjson.JSONDecodeError):
        jsons.loads(r'["\ud83d",]')


@pytest.mark.parametrize("number", [2**63, 2**64, -(2**65)])
def test_a_number_too_large_is_read_as_near_as_it_goes(number):
    assert float(jsons.loads(str(number))) == float(number)


def test_what_cannot_be_written_is_an_error():
    with pytest.raises(TypeError):
        jsons.dumps({"a": object()})


def test_a_value_too_deep_to_be_written_is_known():
    value = jsons.loads("[" * 1_000 + "]" * 1_000)
    with pytest.raises(jsons.TooDeep):
        jsons.dumps(value)


@pytest.mark.parametrize("values", [[], [1], [[0.5], {"a": "é"}], ["x" * 50_000] * 3])
@pytest.mark.parametrize("members", [{}, {"model": "m", "n": 1}])
def test_a_long_list_is_written_in_pieces(members, values):
    pieces = list(jsons.in_pieces(members, "data", iter(values)))
    assert orjson.loads(b"".join(pieces)) == {**members, "data": values}
    assert len(pieces) == 1 + len(b"".join(pieces)) // 100_000
