import pytest

from proxyapp.observe.journal import Journal
from proxyapp.observe.ledger import Ledger
from proxyapp.observe.transcript import Transcript
from proxyapp.runtime import ClientGone
from proxyapp.web.edge import Edge
from proxyapp.web.edge import leaves_body
from proxyapp.web.edge import RECORD
from proxyapp.web.edge import STATUS
from proxyapp.web.edge import stop_watching
from proxyapp.web.edge import STREAM_BY_DEFAULT
from proxyapp.web.edge import watch

JOURNAL = Journal(Ledger())


def served(path, *, method="POST", accept="", as_sse=False):
    """Give the environment that the application behind the edge sees."""
    seen = {}

    def app(environ, start_response):
        seen.update(environ)
        return [b"x"]

    environ = {"REQUEST_METHOD": method, "PATH_INFO": path, "HTTP_ACCEPT": accept}
    body = Edge(app, JOURNAL, ollama_as_sse=as_sse)(environ, None)
    assert list(body) == [b"x"]
    body.close()
    return seen


@pytest.mark.parametrize(
    ("path", "seen"),
    [
        ("//api/tags", "/api/tags"),
        ("/v1///models", "/v1/models"),
        ("", ""),
        ("/a", "/a"),
    ],
)
def test_slashes_are_collapsed(path, seen):
    assert served(path)["PATH_INFO"] == seen


@pytest.mark.parametrize(
    ("path", "options", "seen"),
    [
        ("/api/chat", {"accept": "text/event-stream"}, "/v1/chat/completions"),
        ("/api/generate", {"as_sse": True}, "/v1/completions"),
        ("/api/chat", {}, "/api/chat"),
        ("/api/tags", {"accept": "text/event-stream"}, "/api/tags"),
        ("/api/chat", {"accept": "text/event-stream", "method": "GET"}, "/api/chat"),
    ],
)
def test_who_wants_events_gets_openais_stream(path, options, seen):
    environ = served(path, **options)
    assert environ["PATH_INFO"] == seen
    assert bool(environ.get(STREAM_BY_DEFAULT)) == (path != seen)


def test_the_body_is_closed_with_the_reply():
    closed = []

    def chunks():
        try:
            yield b"a"
            yield b"b"
        finally:
            closed.append(True)

    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/"}
    body = Edge(lambda *_: chunks(), JOURNAL, ollama_as_sse=False)(environ, None)
    assert next(iter(body)) == b"a"
    body.close()
    assert closed == [True]


def test_a_client_that_left_ends_the_request_quietly():
    def app(environ, start_response):
        raise ClientGone

    edge = Edge(app, JOURNAL, ollama_as_sse=False)
    with pytest.raises(ClientGone):
        edge({"REQUEST_METHOD": "POST", "PATH_INFO": "/"}, None)


class Told(list):
    """A journal that keeps what it is told, and listens if it has an ear."""

    ear = None

    def transcript(self):
        return self.ear

    def close(self, record, environ, status, transcript):
        assert transcript is self.ear
        self.append((record, environ["PATH_INFO"], status))


def told(app, path="/v1/chat/completions", method="POST", error=None):
    """Serve one request and give what the journal was told of it.

    ``error`` is what came up while the reply was written.
    """
    journal = Told()
    edge = Edge(
        app, journal, ollama_as_sse=False, dialects={"/v1/chat/completions": "openai"}
    )
    environ = {"REQUEST_METHOD": method, "PATH_INFO": path}
    try:
        body = edge(environ, None)
        assert journal == []
        try:
            if error is not None:
                raise error
        finally:
            body.close()
    except (ClientGone, OSError):
        pass
    ((record, path, status),) = journal
    return record, path, status


def answering(status, ending="", *, gone=False):
    class Gone:
        gone = True

        def stop(self):
            pass

    def app(environ, start_response):
        environ[STATUS] = status
        environ[RECORD].ending = ending
        if gone:
            environ["proxyapp.departure"] = Gone()
        return [b""]

    return app


def leaving(environ, start_response):
    raise ClientGone


def test_the_journal_is_told_of_a_request_when_its_reply_is_closed():
    record, path, status = told(answering(200, "stop"))
    assert (path, status, record.dialect) == ("/v1/chat/completions", 200, "openai")
    assert record.id.startswith("req_")
    assert record.started > 0


@pytest.mark.parametrize(
    ("path", "method", "dialect"),
    [
        ("/v1/chat/completions", "POST", "openai"),
        ("/v1/chat/completions/", "POST", "openai"),
        ("/v1/chat/completions", "GET", ""),
        ("/v1/models", "POST", ""),
    ],
)
def test_a_path_that_generates_has_its_dialect_on_record(path, method, dialect):
    assert told(answering(200), path, method)[0].dialect == dialect


@pytest.mark.parametrize(
    ("app", "status"),
    [
        (answering(200, gone=True), 499),
        (answering(200, "stop", gone=True), 200),
        (answering(200, "upstream_busy", gone=True), 200),
        (answering(404), 404),
        (leaving, 499),
    ],
)
def test_a_client_that_left_before_the_end_is_told_apart(app, status):
    assert told(app)[2] == status


@pytest.mark.parametrize("error", [BrokenPipeError(), ConnectionResetError()])
@pytest.mark.parametrize(("ending", "status"), [("", 499), ("stop", 200)])
def test_a_client_that_cannot_be_written_to_has_left(error, ending, status):
    assert told(answering(200, ending), error=error)[2] == status


@pytest.mark.parametrize(
    ("environ", "left"),
    [
        ({}, False),
        ({"CONTENT_LENGTH": ""}, False),
        ({"CONTENT_LENGTH": "0"}, False),
        ({"CONTENT_LENGTH": "3"}, True),
        ({"HTTP_TRANSFER_ENCODING": "chunked"}, True),
    ],
)
def test_a_body_is_left_until_somebody_reads_it(environ, left):
    assert leaves_body(environ) is left
    watch(environ)
    stop_watching(environ)
    assert not leaves_body(environ)


@pytest.mark.reliability("R-039")
@pytest.mark.parametrize(
    ("proxies", "address"), [((), "127.0.0.1"), (("127.0.0.0/8",), "192.0.2.7")]
)
def test_a_client_is_whom_a_trusted_proxy_names(proxies, address):
    seen = []

    def app(environ, start_response):
        seen.append(environ["REMOTE_ADDR"])
        return []

    environ = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": "/",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_X_FORWARDED_FOR": "192.0.2.7",
    }
    Edge(app, JOURNAL, ollama_as_sse=False, proxies=proxies)(environ, None).close()
    assert seen == [address]


def test_a_journal_that_listens_hears_the_reply():
    journal = Told()
    journal.ear = Transcript()
    edge = Edge(lambda *_: [b"a", b"b"], journal, ollama_as_sse=False)
    body = edge({"REQUEST_METHOD": "GET", "PATH_INFO": "/"}, None)
    assert list(body) == [b"a", b"b"]
    body.close()
    assert journal.ear.shown(()) == {"reply_body": "ab"}
