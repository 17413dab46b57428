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
    assert Lane(b"content").run(event(chunk(b'"Hi"'))) is None


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
    assert taught().run(event(chunk(literal))) == (
        literal,
        len(event(chunk(literal))),
    )


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
    assert taught().run(event(chunk(literal))) is None


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
    assert taught().run(event(data)) is None


def test_overlapping_ends_are_not_taken_for_a_text():
    lane = taught(b'{"content":"a"a"}', "a")
    assert lane.run(event(b'{"content":"a"}')) is None


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
    assert lane.run(event(data)) is None


def test_a_new_shape_replaces_the_old_one():
    lane = taught()
    newer = chunk(b'"b"', tail=b'}}],"created":2}')
    lane.learn(newer, "b")
    assert lane.run(event(newer)) == (b'"b"', len(event(newer)))
    assert lane.run(event(chunk(b'"Hi"'))) is None


def test_a_closed_lane_has_forgotten_its_shape():
    lane = taught()
    lane.close()
    assert lane.run(event(chunk(b'"Hi"'))) is None


def texts(*literals):
    return b"".join(event(chunk(literal)) for literal in literals)


@pytest.mark.parametrize("before", [b"", b"data: [DONE]\n\n"])
@pytest.mark.parametrize(
    "behind",
    [
        b"",
        b": ping\n\n",
        event(b"[DONE]"),
        event(chunk(b"null")),
        event(chunk(b'"a', tail=b"")),
        b"data: ",
        event(chunk(b'"c"'))[:-1],
        event(chunk(b'"c"'))[: len(HEAD) + 8],
        texts(b'"\\ud83d"', b'"c"'),
        texts(b'"c\\"', b'"n"'),
        texts(b'"c"d"', b'"e"'),
    ],
)
def test_events_that_came_together_are_one_text(before, behind):
    run = texts(b'"a"', b'"\\n"', b'""', b'"b"')
    found = taught().run(before + run + behind, len(before))
    assert found == (b'"a\\nb"', len(before + run))


@pytest.mark.parametrize(
    "first", [b": ping\n\n", event(b"[DONE]"), b"data: ", texts(b'"\\ud83d"'), b"\n"]
)
def test_something_else_before_them_goes_the_long_way(first):
    assert taught().run(first + texts(b'"a"', b'"b"')) is None


def test_no_escape_sequence_is_made_of_two_halves():
    assert taught().run(texts(b'"a\\"', b'"n"')) is None


def test_a_line_end_in_a_string_goes_the_long_way():
    assert taught().run(texts(b'"a\nb"', b'"c"')) is None


@pytest.mark.parametrize("empty", [1, 2])
def test_events_without_text_go_the_long_way(empty):
    assert taught().run(texts(*[b'""'] * empty)) is None


def test_a_part_of_an_event_goes_the_long_way():
    whole = event(chunk(b'"a"'))
    assert (taught().run(whole[:-1]), taught().run(whole[1:])) == (None, None)


def test_a_long_string_without_an_end_costs_no_more_than_its_length():
    assert taught().run(event(HEAD + b'"' + b"a\\n" * 300_000 + TAIL)) is None
