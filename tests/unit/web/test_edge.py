import pytest

from proxyapp.runtime import ClientGone
from proxyapp.web.edge import Edge
from proxyapp.web.edge import STREAM_BY_DEFAULT


def served(path, *, method="POST", accept="", as_sse=False):
    """Give the environment that the application behind the edge sees."""
    seen = {}

    def app(environ, start_response):
        seen.update(environ)
        return [b"x"]

    environ = {"REQUEST_METHOD": method, "PATH_INFO": path, "HTTP_ACCEPT": accept}
    body = Edge(app, ollama_as_sse=as_sse)(environ, None)
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
    body = Edge(lambda *_: chunks(), ollama_as_sse=False)(environ, None)
    assert next(iter(body)) == b"a"
    body.close()
    assert closed == [True]


def test_a_client_that_left_ends_the_request_quietly():
    def app(environ, start_response):
        raise ClientGone

    edge = Edge(app, ollama_as_sse=False)
    with pytest.raises(ClientGone):
        edge({"REQUEST_METHOD": "POST", "PATH_INFO": "/"}, None)
