import pytest

from proxyapp.backends.openai.lane import Lane

HEAD = b'{"choices":[{"index":0,"delta":{"content":'
TAIL = b'}}],"created":1}'


def chunk(literal, head=HEAD, tail=TAIL):
    return head + literal + tail


def event(data):
    return b"data: " + data + b"\n\n"


def taught(data=b"", text="Hi"):
    lane = Lane(b"content")
    lane.learn(data or chunk(b'"Hi"'), text)
    return lane


def test_an_untaught_lane_knows_nothing():
    assert Lane(b"content").text(event(chunk(b'"Hi"'))) is None


@pytest.mark.parametrize(
    "literal",
    [
        b'"Hi"',
        b'" "',
        b'"\\""',
        b'"\\\\"',
        b'"\\u00e9\\n\\/"',
        '"é😀\u2028"'.encode(),
        b'"}}],\\"created\\":1}"',
        b'"' + b"a" * 70_000 + b'"',
    ],
)
def test_the_text_of_a_chunk_of_the_same_shape_is_found(literal):
    assert taught().text(event(chunk(literal))) == literal


@pytest.mark.parametrize(
    "literal",
    [
        b'""',
        b'"a',
        b'a"',
        b'"a"b"',
        b'"a","x":"b"',
        b'"a\\"',
        b'"\\x"',
        b'"\\u12"',
        b'"\\u12G4"',
        b'"\n"',
        b'"\x00"',
        b"null",
        b"1",
        b'["a"]',
        b'"\xff"',
        b'"\xed\xa0\x80"',
        b'"\\ud83d"',
        b'"\\uDE00"',
        b'"\\ud83d\\ude00"',
    ],
)
def test_anything_but_one_plain_string_goes_the_long_way(literal):
    assert taught().text(event(chunk(literal))) is None


@pytest.mark.parametrize(
    "data",
    [
        chunk(b'"Hi"', head=HEAD.replace(b'"index":0', b'"index":1')),
        chunk(b'"Hi"', tail=b'}}],"created":2}'),
        chunk(b'"Hi"', tail=b'},"finish_reason":"stop"}],"created":1}'),
        HEAD + TAIL,
        HEAD[:-1] + TAIL,
        b"",
        b"[DONE]",
    ],
)
def test_a_chunk_of_another_shape_goes_the_long_way(data):
    assert taught().text(event(data)) is None


def test_overlapping_ends_are_not_taken_for_a_text():
    lane = taught(b'{"content":"a"a"}', "a")
    assert lane.text(event(b'{"content":"a"}')) is None


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b'{"text":"Hi"}', "Hi"),
        (b'{"content": "Hi"}', "Hi"),
        (b'{"content":"Hi","x":{"content":"Hi"}}', "Hi"),
        (b'{"content":"H\xc3', "H"),
        (b'{"content":"no","delta":{"content": "Hi"}}', "Hi"),
    ],
)
def test_a_shape_in_doubt_is_not_learned(data, text):
    lane = taught(data, text)
    assert lane.text(event(data)) is None


def test_a_new_shape_replaces_the_old_one():
    lane = taught()
    newer = chunk(b'"b"', tail=b'}}],"created":2}')
    lane.learn(newer, "b")
    assert (lane.text(event(newer)), lane.text(event(chunk(b'"Hi"')))) == (b'"b"', None)


def test_a_closed_lane_has_forgotten_its_shape():
    lane = taught()
    lane.close()
    assert lane.text(event(chunk(b'"Hi"'))) is None


def test_events_that_came_together_are_one_text():
    together = event(chunk(b'"a"')) + event(chunk(b'"\\n"')) + event(chunk(b'"b"'))
    assert taught().text(together) == b'"a\\nb"'


@pytest.mark.parametrize("other", [b": ping\n\n", event(b"[DONE]"), b"data: "])
def test_something_else_among_events_sends_all_the_long_way(other):
    first = event(chunk(b'"a"'))
    assert (taught().text(first + other), taught().text(other + first)) in (
        (None, None),
        (None, b'"a"'),
    )


def test_a_part_of_an_event_goes_the_long_way():
    whole = event(chunk(b'"a"'))
    assert (taught().text(whole[:-1]), taught().text(whole[1:])) == (None, None)


def test_a_long_string_without_an_end_costs_no_more_than_its_length():
    assert taught().text(event(HEAD + b'"' + b"a\\n" * 300_000 + TAIL)) is None
