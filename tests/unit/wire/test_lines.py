import pytest

from proxyapp.wire.lines import LineSplitter


def split(*portions, limit=100):
    splitter = LineSplitter(limit)
    return [line for portion in portions for line in splitter.feed(portion)]


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_each_of_the_three_line_ends_ends_a_line(end):
    assert split(b"a" + end + b"b" + end) == [b"a", b"b"]


def test_line_ends_may_be_mixed():
    assert split(b"a\rb\nc\r\nd\n\re\n") == [b"a", b"b", b"c", b"d", b"", b"e"]


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_two_ends_in_a_row_make_an_empty_line(end):
    assert split(b"a" + end + end) == [b"a", b""]


def test_a_line_without_an_end_is_held():
    assert split(b"a\nb") == [b"a"]


def test_a_held_line_is_joined_with_its_rest():
    assert split(b"a", b"b", b"", b"c\nd") == [b"abc"]


def test_a_carriage_return_ends_its_line_at_once():
    assert split(b"a\r") == [b"a"]


@pytest.mark.parametrize(
    "portions",
    [
        (b"a\r", b"\nb\n"),
        (b"a\r", b"", b"\nb\n"),
        (b"a\r", b"\n", b"b\n"),
        (b"a", b"\r", b"\n", b"b", b"\n"),
    ],
)
def test_a_pair_cut_in_two_is_one_line_end(portions):
    assert split(*portions) == [b"a", b"b"]


def test_a_carriage_return_after_a_cut_pair_counts_by_itself():
    assert split(b"a\r", b"\n\r", b"\nb\r") == [b"a", b"", b"b"]


@pytest.mark.parametrize("other", ["\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\x1e"])
def test_no_other_character_ends_a_line(other):
    line = f"a{other}b".encode()
    assert split(line + b"\n") == [line]


def test_a_line_over_the_limit_is_refused_as_it_grows():
    with pytest.raises(ValueError, match="longer than 4 bytes"):
        split(b"abc", b"de", limit=4)


def test_the_limit_is_for_one_line_and_not_for_all():
    assert split(b"abc\n", b"def\n", b"ghi\n", limit=4) == [b"abc", b"def", b"ghi"]


def test_the_length_of_a_told_line_is_forgotten():
    assert split(b"abc", b"d\nabc", b"d\n", limit=4) == [b"abcd", b"abcd"]


@pytest.mark.parametrize(
    ("fed", "empty"),
    [(b"", True), (b"a", False), (b"a\n", True), (b"a\r", False), (b"a\r\n", True)],
)
def test_it_is_empty_when_nothing_waits(fed, empty):
    splitter = LineSplitter()
    splitter.feed(fed)
    assert splitter.empty is empty
