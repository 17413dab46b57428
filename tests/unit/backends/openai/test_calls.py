import pytest

from proxyapp.backends.openai import calls as calls_module
from proxyapp.backends.openai.calls import CallAssembler
from proxyapp.backends.openai.calls import stable_id
from proxyapp.errors import UpstreamInvalid
from proxyapp.neutral.events import ToolCallDelta
from proxyapp.neutral.events import ToolCallStart


def delta(index=None, call_id=None, name=None, arguments=None):
    """Write one entry of ``tool_calls``, without what is None."""
    function = {"name": name, "arguments": arguments}
    entry = {"index": index, "id": call_id, "function": function}
    return {key: value for key, value in entry.items() if value is not None}


def calls(*deltas):
    """Give the calls that the deltas make, as (name, arguments)."""
    assembler = CallAssembler(0)
    events = []
    block = 0
    for entry in deltas:
        assembler.add(entry)
        told = assembler.events(block)
        block = max([block, *(event.index + 1 for event in told)])
        events += told
    return folded(events + assembler.events(block, final=True))


def folded(events):
    made = {}
    for event in events:
        if isinstance(event, ToolCallStart):
            made[event.index] = [event.name, ""]
        else:
            made[event.index][1] += event.json
    return [tuple(call) for call in made.values()]


def test_a_call_without_an_end_is_given_up():
    assembler = CallAssembler(0)
    assembler.add(delta(0, "a", "look", '{"a":"'))
    long = delta(0, arguments="x" * (15 << 20))
    assembler.add(long)
    with pytest.raises(UpstreamInvalid, match="without an end"):
        assembler.add(long)


def test_text_amid_a_call_has_its_arguments_read_once(monkeypatch):
    assembler = CallAssembler(0)
    assembler.add(delta(0, "a", "look", '{"a":'))
    assembler.events(0)
    read = []
    monkeypatch.setattr(calls_module, "_is_json", lambda text: bool(read.append(text)))
    assert [assembler.settled() for _ in range(9)] == [False] * 9
    assert read == ['{"a":']


BOTH = [("look", '{"a":1}'), ("read", '{"b":2}')]


@pytest.mark.parametrize(
    "deltas",
    [
        pytest.param(
            [delta(0, "a", "look", '{"a":1}'), delta(1, "b", "read", '{"b":2}')],
            id="whole",
        ),
        pytest.param(
            [
                *(delta(0, "a", "look", ""), delta(0, arguments='{"a"')),
                *(delta(0, arguments=":1}"), delta(1, "b", "read", '{"b":2}')),
            ],
            id="in pieces",
        ),
        pytest.param(
            [delta(1, "a", "look", '{"a":1}'), delta(2, "b", "read", '{"b":2}')],
            id="counted from one",
        ),
        pytest.param(
            [
                *(delta(0, "a", "look", '{"a"'), delta(1, "b", "read", '{"b"')),
                *(delta(0, arguments=":1}"), delta(1, arguments=":2}")),
            ],
            id="interleaved",
        ),
        pytest.param(
            [
                *(delta(0, "a", "look"), delta(1, "b", "read")),
                *(delta(1, arguments='{"b":2}'), delta(0, arguments='{"a":1}')),
            ],
            id="names first, arguments in the other order",
        ),
        pytest.param(
            [delta(0, "a", "look", '{"a":1}'), delta(0, "b", "read", '{"b":2}')],
            id="one index for both",
        ),
        pytest.param(
            [delta(None, "a", "look", '{"a":1}'), delta(None, "b", "read", '{"b":2}')],
            id="no index",
        ),
        pytest.param(
            [
                *(delta(None, "a", "look", '{"a"'), delta(arguments=":1}")),
                *(delta(None, "b", "read", '{"b"'), delta(arguments=":2}")),
            ],
            id="no index, in pieces",
        ),
        pytest.param(
            [
                delta(name="look", arguments='{"a":1}'),
                delta(name="read", arguments='{"b":2}'),
            ],
            id="neither index nor id",
        ),
        pytest.param(
            [
                delta(0, name="look", arguments='{"a":1}'),
                delta(0, name="read", arguments='{"b":2}'),
            ],
            id="one index for both and no id",
        ),
        pytest.param(
            [
                delta(name="look", arguments={"a": 1}),
                delta(name="read", arguments={"b": 2}),
            ],
            id="arguments as objects",
        ),
        pytest.param(
            [
                *(delta(0, "a", "look", '{"a"'), delta(0, "a", "look", ":1}")),
                *(delta(1, "b", "read", '{"b"'), delta(1, "b", "read", ":2}")),
            ],
            id="all repeated in every fragment",
        ),
        pytest.param(
            [
                *(
                    delta(name="look", arguments='{"a"'),
                    delta(name="look", arguments=":1}"),
                ),
                *(
                    delta(name="read", arguments='{"b"'),
                    delta(name="read", arguments=":2}"),
                ),
            ],
            id="only the name, in every fragment",
        ),
        pytest.param(
            [
                *(delta(0, "a", "look", '{"a"'), delta(0, "a2", None, ":1}")),
                *(delta(1, "b", "read", '{"b"'), delta(1, "b2", None, ":2}")),
            ],
            id="a new id in every fragment",
        ),
        pytest.param(
            [
                *(delta(None, "a", "look", '{"a"'), delta(None, "a2", None, ":1}")),
                *(delta(None, "b", "read", '{"b"'), delta(None, "b2", None, ":2}")),
            ],
            id="a new id in every fragment, and no index",
        ),
        pytest.param(
            [
                *(delta(0, "a", "lo"), delta(0, None, "ok", '{"a":1}')),
                *(delta(1, "b", "re"), delta(1, None, "ad", '{"b":2}')),
            ],
            id="split names",
        ),
    ],
)
def test_upstreams_write_the_same_calls_in_many_ways(deltas):
    assert calls(*deltas) == BOTH


def test_the_same_call_made_twice_without_ids_is_two_calls():
    one = delta(name="look", arguments='{"a":1}')
    assert calls(one, one) == [BOTH[0], BOTH[0]]


@pytest.mark.parametrize("junk", [None, "call", 7, []])
def test_what_is_no_object_is_passed_over(junk):
    assert calls(junk, delta(0, "a", "look", '{"a":1}')) == BOTH[:1]


@pytest.mark.parametrize("function", [None, "look", []])
def test_an_entry_without_a_function_adds_nothing_to_its_call(function):
    entry = {"index": 0, "function": function}
    assert calls(delta(0, "a", "look", '{"a":1}'), entry) == BOTH[:1]


def test_an_index_that_is_no_number_counts_as_none():
    deltas = [delta(True, "a", "look", '{"a"'), delta("0", arguments=":1}")]
    assert calls(*deltas) == BOTH[:1]


def test_a_call_without_arguments_is_told_at_the_end():
    assembler = CallAssembler(0)
    assembler.add(delta(0, "a", "look"))
    assert assembler.events(0) == []
    assert assembler.events(0, final=True) == [ToolCallStart(0, "a", "look")]


def test_a_call_without_a_name_is_an_error():
    assembler = CallAssembler(0)
    assembler.add(delta(0, "a", None, "{}"))
    with pytest.raises(UpstreamInvalid, match="without a name"):
        assembler.events(0)


def test_arguments_stream_as_they_come():
    assembler = CallAssembler(2)
    assembler.add(delta(0, "a", "look", "{"))
    first = assembler.events(5)
    assembler.add(delta(0, arguments='"a":1}'))
    assert first == [ToolCallStart(5, "a", "look", 2), ToolCallDelta(5, "{", 2)]
    assert assembler.events(6) == [ToolCallDelta(5, '"a":1}', 2)]


def test_a_second_call_waits_for_the_first_to_be_complete():
    assembler = CallAssembler(0)
    assembler.add(delta(0, "a", "look", "{"))
    assembler.add(delta(1, "b", "read", "{}"))
    waiting = assembler.events(0)
    assembler.add(delta(0, arguments="}"))
    assert [event.index for event in waiting] == [0, 0]
    assert assembler.events(1) == [
        ToolCallDelta(0, "}"),
        ToolCallStart(1, "b", "read"),
        ToolCallDelta(1, "{}"),
    ]


def test_an_incomplete_call_does_not_hold_up_the_end():
    deltas = [delta(0, "a", "look", '{"a"'), delta(1, "b", "read", "{}")]
    assert calls(*deltas) == [("look", '{"a"'), ("read", "{}")]


def test_two_calls_of_one_id_get_two_ids():
    assembler = CallAssembler(0)
    assembler.add(delta(0, "a", "look", "{}"))
    assembler.add(delta(1, "a", "read", "{}"))
    ids = [event.id for event in assembler.events(0, final=True)[::2]]
    assert ids[0] == "a"
    assert ids[1].startswith("call_")


def test_an_assembler_is_true_once_there_is_a_call():
    assembler = CallAssembler(0)
    assert not assembler
    assembler.add(delta(0, "a", "look"))
    assert assembler


@pytest.mark.parametrize(
    ("deltas", "settled"),
    [
        ([], True),
        ([delta(0, "a", "look")], False),
        ([delta(0, "a", "look", "{")], False),
        ([delta(0, "a", "look", "{}")], True),
        ([delta(0, "a", "look", "{}"), delta(1, "b", "read", "{")], False),
    ],
)
def test_calls_are_settled_when_all_are_complete(deltas, settled):
    assembler = CallAssembler(0)
    for entry in deltas:
        assembler.add(entry)
    assembler.events(0)
    assert assembler.settled() is settled


@pytest.mark.parametrize("given", ["a", "call_1-B", "x" * 64])
def test_an_id_that_every_client_accepts_is_kept(given):
    assert stable_id(given) == given


@pytest.mark.parametrize("given", ["call 1", "x" * 65, "functions.look:0", "é", "a\n"])
def test_any_other_id_is_replaced_always_by_the_same(given):
    assert stable_id(given) == stable_id(given)
    assert stable_id(given) != given
    assert stable_id(stable_id(given)) == stable_id(given)


def test_an_empty_id_becomes_a_new_one_each_time():
    assert stable_id("") != stable_id("")
    assert stable_id("").startswith("call_")
