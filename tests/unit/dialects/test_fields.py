import pytest

from proxyapp.dialects import fields
from proxyapp.errors import BadRequest


def test_absent_and_null_are_the_same():
    assert fields.optional({"a": None}, "a", str) == fields.optional({}, "a", str)


@pytest.mark.parametrize(
    ("kind", "value", "words"),
    [
        (str, 1, "a string"),
        (bool, 1, "true or false"),
        (list, {}, "an array"),
        (dict, [], "an object"),
        ((int, float), True, "a number"),
    ],
)
def test_a_wrong_kind_is_named(kind, value, words):
    with pytest.raises(BadRequest, match=words) as refusal:
        fields.optional({"a": value}, "a", kind, "b")
    assert refusal.value.param == "b.a"


@pytest.mark.parametrize("value", [None, "", 3])
def test_a_required_text_is_there(value):
    with pytest.raises(BadRequest):
        fields.text({"a": value}, "a")


@pytest.mark.parametrize(("value", "read"), [(3, 3), (3.0, 3), (None, None)])
def test_a_whole_number_is_read(value, read):
    assert fields.integer({"a": value}, "a") == read


@pytest.mark.parametrize("value", [1.5, -1, 11, 1e308, True, "1"])
def test_any_other_number_is_refused(value):
    with pytest.raises(BadRequest):
        fields.integer({"a": value}, "a", low=0, high=10)


@pytest.mark.parametrize(
    ("value", "read"),
    [("x", ("x",)), (["x", ""], ("x",)), ("", ()), (None, ()), ([], ())],
)
def test_stop_strings_are_one_or_several(value, read):
    assert fields.stops({"stop": value}, "stop") == read


def test_a_stop_that_is_no_text_is_refused():
    with pytest.raises(BadRequest):
        fields.stops({"stop": [1]}, "stop")


def test_an_effort_nobody_knows_is_refused():
    assert fields.effort({"e": "low"}, "e") == "low"
    with pytest.raises(BadRequest, match="minimal"):
        fields.effort({"e": "much"}, "e")


def test_sampling_holds_what_was_given():
    given = fields.sampling({"temperature": 0, "top_p": None}, 5, ("x",))
    assert (given.max_tokens, given.stop, given.fields) == (
        *(5, ("x",), {"temperature": 0}),
    )


def test_sampling_of_a_wrong_kind_is_refused():
    with pytest.raises(BadRequest, match="temperature"):
        fields.sampling({"temperature": "hot"}, None, ())


def test_flags_have_a_default():
    assert (fields.flag({}, "a", True), fields.flag({"a": False}, "a", True)) == (
        *(True, False),
    )


@pytest.mark.parametrize(
    ("value", "meant"),
    [("a", "a"), (5, "5"), (None, ""), ([], ""), ({"a": 1}, ""), ([["a"]], "")],
)
def test_a_word_is_a_text_or_a_number(value, meant):
    assert fields.word(value) == meant
