import itertools

import pytest

from proxyapp.errors import ProxyError
from proxyapp.errors import ShuttingDown
from proxyapp.errors import UpstreamBusy
from proxyapp.errors import UpstreamError
from proxyapp.errors import UpstreamIncomplete
from proxyapp.errors import UpstreamInvalid
from proxyapp.neutral.events import MessageEnd
from proxyapp.neutral.events import MessageStart
from proxyapp.neutral.events import TextDelta
from proxyapp.neutral.record import Record
from proxyapp.neutral.usage import Usage
from proxyapp.relay import reply as relay
from proxyapp.relay.reply import collect
from proxyapp.relay.reply import Pace
from proxyapp.relay.reply import Source
from proxyapp.relay.reply import stream
from proxyapp.runtime import ClientGone

START, END = MessageStart("", "m"), MessageEnd("stop")
SILENCE = ()
PACE = Pace(commit_after=1.5, heartbeat=10.0)


def text(piece):
    return TextDelta(0, b'"' + piece.encode() + b'"')


class Clock:
    """A clock that a test moves."""

    def __init__(self):
        self.now = 1000.0

    def monotonic(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(relay, "time", clock)
    return clock


class Backend:
    """Batches from a script: a batch, seconds that pass in silence, or a failure."""

    def __init__(self, *script, clock=None):
        self.script = script
        self.clock = clock
        self.told = []
        self.closed = False

    def __iter__(self):
        return self.batches()

    def batches(self):
        try:
            for act in self.script:
                self.told.append(act)
                if isinstance(act, BaseException):
                    raise act
                if isinstance(act, int | float):
                    self.clock.now += act
                    yield SILENCE
                else:
                    yield act
        finally:
            self.closed = True


class Words:
    """An encoder that writes words a test can read."""

    def __init__(self, start=b"start "):
        self.start = start

    def events(self, batch):
        table = {MessageStart: self.start, MessageEnd: b"end "}
        return b"".join(table.get(type(e)) or self.text(e) for e in batch)

    def text(self, event):
        return b"" if isinstance(event, MessageStart) else event.quoted[1:-1] + b" "

    def end(self):
        return b"[DONE]"

    def heartbeat(self):
        return b"~"

    def error(self, error):
        return f"!{error.code}".encode()


def sent(backend, *, stages=(), encoder=None, pace=PACE):
    """Give the pieces that go to the client of a streamed reply."""
    source = Source(iter(backend), stages)
    return list(stream(source, encoder or Words(), pace))


# ---------------------------------------------------------------------- Source


def test_a_source_ends_with_its_reply():
    backend = Backend([START, text("a")], [END])
    assert list(Source(iter(backend)).read()) == [[START, text("a")], [END]]
    assert backend.closed


def test_a_source_that_ends_too_early_is_incomplete():
    backend = Backend([START, text("a")])
    with pytest.raises(UpstreamIncomplete):
        list(Source(iter(backend)).read())
    assert backend.closed


def test_silence_is_passed_on():
    assert list(Source(iter([SILENCE, [START, END]])).read()) == [SILENCE, [START, END]]


def test_stages_change_batches_in_their_order():
    def twice(batch):
        return [event for event in batch for _ in range(2 if event is not END else 1)]

    def without_start(batch):
        return [event for event in batch if event is not START]

    source = Source(iter([[START, text("a")], [END]]), [twice, without_start])
    assert list(source.read()) == [[text("a"), text("a")], [END]]


def test_the_backend_may_finish_behind_the_end():
    backend = Backend([START], [END], SILENCE, SILENCE)
    assert list(Source(iter(backend)).read()) == [[START], [END]]
    assert len(backend.told) == 4


@pytest.mark.parametrize("failure", [UpstreamError("x"), ShuttingDown("x")])
def test_a_failure_behind_the_end_is_not_told(failure):
    assert list(Source(iter(Backend([START], [END], failure))).read()) == [
        *([START], [END]),
    ]


def test_a_stage_may_end_the_reply_and_with_it_the_work():
    backend = Backend([START], [text("a")], [text("b")], [END])
    ending = [lambda batch: [*batch, END] if batch == [text("a")] else batch]
    assert list(Source(iter(backend), ending).read()) == [[START], [text("a"), END]]
    assert (backend.closed, len(backend.told)) == (True, 2)


def test_a_closed_source_closes_its_backend():
    backend = Backend([START], [END])
    reading = Source(iter(backend)).read()
    next(reading)
    reading.close()
    assert backend.closed


# --------------------------------------------------------------------- collect


def test_a_whole_reply_is_folded():
    backend = Backend([START], SILENCE, [text("a")], [text("b"), END])
    assert collect(Source(iter(backend))).choices[0].text == "ab"


def test_a_failure_of_a_whole_reply_is_raised():
    backend = Backend([START], [text("a")], UpstreamBusy("full"))
    with pytest.raises(UpstreamBusy):
        collect(Source(iter(backend)))
    assert backend.closed


# ---------------------------------------------------------------------- stream


def test_a_stream_ends_with_the_terminator():
    assert sent(Backend([START, text("a")], [text("b")], [END])) == [
        *(b"start a ", b"b ", b"end [DONE]"),
    ]


def test_a_reply_that_comes_at_once_goes_at_once():
    assert sent(Backend([START, text("a"), END])) == [b"start a end [DONE]"]


def test_a_start_and_the_first_text_go_together():
    assert sent(Backend([START], SILENCE, [text("a")], [END]))[0] == b"start a "


def test_a_batch_is_written_as_one_piece():
    assert sent(Backend([START], [text(c) for c in "abc"], [END]))[0] == b"start a b c "


@pytest.mark.parametrize(
    "script",
    [
        [UpstreamBusy("full")],
        [[START], UpstreamBusy("full")],
        [SILENCE, [START], SILENCE, UpstreamBusy("full")],
    ],
)
def test_a_failure_before_the_first_word_is_raised(script):
    backend = Backend(*script)
    with pytest.raises(UpstreamBusy):
        sent(backend)
    assert backend.closed


def test_an_empty_reply_is_raised():
    with pytest.raises(UpstreamIncomplete):
        sent(Backend(SILENCE))


@pytest.mark.parametrize(
    ("failure", "told"),
    [
        (UpstreamBusy("full"), b"!upstream_busy"),
        (ShuttingDown("bye"), b"!server_shutdown"),
        (ProxyError("x", code="own"), b"!own"),
        (ZeroDivisionError(), b"!internal_error"),
    ],
)
def test_a_failure_after_the_first_word_is_told_in_the_stream(failure, told):
    backend = Backend([START, text("a")], failure)
    assert sent(backend) == [b"start a ", told]
    assert backend.closed


def test_a_reply_that_is_cut_off_is_an_error_in_the_stream():
    assert sent(Backend([START, text("a")]))[-1] == b"!upstream_incomplete"


def test_nothing_follows_the_terminator():
    pieces = sent(Backend([START, text("a")], [END], UpstreamError("late")))
    assert pieces == [b"start a ", b"end [DONE]"]


def test_an_unexpected_failure_before_the_first_word_is_raised():
    with pytest.raises(ZeroDivisionError):
        sent(Backend([START], ZeroDivisionError()))


# ----------------------------------------------------------------- commitment


def test_silence_commits_with_a_heartbeat(clock):
    backend = Backend(1.0, 0.5, 1.0, [START, text("a")], [END], clock=clock)
    assert sent(backend) == [b"~", b"start a ", b"end [DONE]"]


def test_silence_after_the_start_commits_with_the_start(clock):
    backend = Backend([START], 1.5, 1.0, [text("a")], [END], clock=clock)
    assert sent(backend) == [b"start ", b"a ", b"end [DONE]"]


def test_a_start_without_words_commits_with_a_heartbeat(clock):
    backend = Backend([START], 1.5, 1.0, [text("a")], [END], clock=clock)
    assert sent(backend, encoder=Words(start=b""))[:2] == [b"~", b"a "]


def test_a_failure_before_the_commitment_is_raised(clock):
    with pytest.raises(UpstreamBusy):
        sent(Backend(1.4, UpstreamBusy("full"), clock=clock))


def test_a_failure_after_the_commitment_is_told_in_the_stream(clock):
    backend = Backend(1.5, UpstreamBusy("full"), clock=clock)
    assert sent(backend) == [b"~", b"!upstream_busy"]


def test_nothing_is_read_ahead_of_the_client(clock):
    backend = Backend([START, text("a")], [text("b")], [END], clock=clock)
    chunks = stream(Source(iter(backend)), Words(), PACE)
    assert len(backend.told) == 1
    next(chunks)
    assert len(backend.told) == 1
    chunks.close()


# ------------------------------------------------------------------ heartbeats


def beats(clock, *silences):
    backend = Backend([START, text("a")], *silences, [END], clock=clock)
    return sent(backend)[1:-1]


def test_a_long_silence_is_filled_with_heartbeats(clock):
    assert beats(clock, *itertools.repeat(0.25, 4 * 35)) == [b"~"] * 3


def test_a_short_silence_is_left_alone(clock):
    assert beats(clock, *itertools.repeat(0.25, 39)) == []


def test_a_word_starts_the_silence_anew(clock):
    quiet = list(itertools.repeat(0.25, 36))
    assert beats(clock, *quiet, [text("b")], *quiet) == [b"b "]


def test_a_batch_without_words_is_silence(clock):
    script = [act for _ in range(45) for act in (0.25, [])]
    assert beats(clock, *script) == [b"~"]


# ------------------------------------------------------------------- departure


def test_a_client_that_leaves_closes_the_backend():
    backend = Backend([START, text("a")], [text("b")], [END])
    chunks = stream(Source(iter(backend)), Words(), PACE)
    next(chunks)
    chunks.close()
    assert (backend.closed, len(backend.told)) == (True, 1)


def test_a_departure_before_the_first_word_closes_the_backend():
    backend = Backend(SILENCE, ClientGone())
    with pytest.raises(ClientGone):
        stream(Source(iter(backend)), Words(), PACE)
    assert backend.closed


def test_a_departure_in_the_stream_is_not_answered():
    chunks = stream(
        Source(iter(Backend([START, text("a")], ClientGone()))), Words(), PACE
    )
    assert next(chunks) == b"start a "
    with pytest.raises(ClientGone):
        next(chunks)


def test_failures_in_the_stream_are_put_on_record(monkeypatch):
    logged = []
    monkeypatch.setattr(relay, "log_failure", logged.append)
    failures = [UpstreamBusy("full"), ZeroDivisionError()]
    records = [Record(), Record()]
    for record, failure in zip(records, failures, strict=True):
        source = Source(iter(Backend([START, text("a")], failure)), record=record)
        list(stream(source, Words(), PACE))
    assert [(r.ending, r.failed, r.failure) for r in records] == [
        ("upstream_busy", True, "full"),
        ("internal_error", True, "The gateway failed; its log says why."),
    ]
    assert logged == failures[1:]


def test_a_stream_has_its_first_moment_on_record():
    record = Record()
    list(
        stream(
            Source(iter(Backend([START, text("a")], [END])), record=record),
            Words(),
            PACE,
        )
    )
    assert record.stream
    assert record.first > 0
    assert (record.ending, record.failed) == ("stop", False)


def test_the_first_moment_is_that_of_the_first_word(clock):
    record = Record()
    script = ([START], 2.0, 3.0, [text("a")], 4.0, [text("b")], [END])
    backend = Backend(*script, clock=clock)
    started = clock.now
    list(stream(Source(iter(backend), record=record), Words(), PACE))
    assert record.first - started == 5


def test_what_was_written_before_a_departure_counts():
    record = Record()
    source = Source(
        iter(Backend([START, text("a" * 40)], ClientGone())), (), record, lambda: 400
    )
    chunks = stream(source, Words(), PACE)
    next(chunks)
    with pytest.raises(ClientGone):
        next(chunks)
    assert record.usage == Usage(100, 10, estimated=True)
    assert record.ending == ""


def test_events_that_were_dropped_are_counted_in_the_log(monkeypatch):
    logged = []
    monkeypatch.setattr(relay, "log_trouble", lambda *a, **facts: logged.append(facts))
    sent(Backend([START, text("a")], [MessageEnd("stop", dropped=3)]))
    sent(Backend([START, text("a")], [END]))
    assert logged == [{"backend": "", "count": 3}]


def test_a_whole_reply_without_an_end_is_given_up():
    long = text("x" * (1 << 20))
    backend = Backend([START], *[[long]] * 40)
    with pytest.raises(UpstreamInvalid, match="does not end"):
        collect(Source(iter(backend)))
    assert backend.closed
