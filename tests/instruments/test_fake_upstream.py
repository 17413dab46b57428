"""The scripted upstream does on the wire what its script says."""

import json
import threading
from typing import Any

import pytest
import requests

from tests import oracles
from tests.fakes.answers import Script
from tests.fakes.upstream import Chunk
from tests.fakes.upstream import Cut
from tests.fakes.upstream import Delta
from tests.fakes.upstream import Done
from tests.fakes.upstream import Error
from tests.fakes.upstream import FakeUpstream
from tests.fakes.upstream import Finish
from tests.fakes.upstream import Hang
from tests.fakes.upstream import NoDone
from tests.fakes.upstream import NoRole
from tests.fakes.upstream import Pause
from tests.fakes.upstream import Raw
from tests.fakes.upstream import Reasoning
from tests.fakes.upstream import Role
from tests.fakes.upstream import Text
from tests.fakes.upstream import Timings
from tests.fakes.upstream import ToolCall
from tests.fakes.upstream import Usage
from tests.fakes.upstream import Wait

CHAT = "/v1/chat/completions"
ASKED = {"model": "m", "messages": [], "stream": True}
EVERYTHING = (
    Reasoning("hm"),
    Text("Hi"),
    ToolCall("call_0", "ls", {"path": "/"}, fragments=3),
    ToolCall("call_1", "pwd"),
    Finish("tool_calls"),
    Usage(10, 4, cached=3, reasoning=1),
)


def post(
    up: FakeUpstream, path: str = CHAT, body: Any = ASKED, **options: Any
) -> requests.Response:
    return requests.post(up.url + path, json=body, timeout=5, **options)


def opened(up: FakeUpstream) -> requests.Response:
    return post(up, stream=True)


def events(raw: bytes) -> list[Any]:
    lines = raw.decode().split("\n\n")[:-1]
    return [
        json.loads(one.removeprefix("data: ")) for one in lines if "[DONE]" not in one
    ]


def test_a_script_is_a_good_stream(upstream: FakeUpstream) -> None:
    upstream.script(*EVERYTHING)
    raw = post(upstream).content
    assert oracles.openai_chat_stream(raw, include_usage=True) == []
    assert oracles.stream_matches("chat_chunk", raw) == []


def test_a_script_reads_the_same_streamed_and_whole(upstream: FakeUpstream) -> None:
    upstream.script(*EVERYTHING)
    streamed = oracles.read("openai", post(upstream).content)
    whole = oracles.read("openai", post(upstream, body={"model": "m"}).json())
    assert oracles.differences(streamed, whole) == []
    assert streamed.thinking == "hm"
    assert [call.name for call in streamed.calls] == ["ls", "pwd"]


def test_chunks_have_llama_servers_key_order(upstream: FakeUpstream) -> None:
    upstream.script(Text("Hi"), Finish(), Usage(1, 2), Timings())
    first, _, _, last = events(post(upstream).content)
    envelope = ["choices", "created", "id", "model", "system_fingerprint", "object"]
    assert list(first) == envelope
    assert list(first["choices"][0]) == ["finish_reason", "index", "delta"]
    assert first["choices"][0]["delta"] == {"role": "assistant", "content": None}
    assert list(last) == [*envelope, "usage", "timings"]


def test_completions_carry_usage_in_the_finish_chunk(upstream: FakeUpstream) -> None:
    upstream.script(Text("Hi"), Finish(), Usage(1, 2), Timings())
    first, last = events(post(upstream, "/v1/completions").content)
    assert first["choices"][0]["text"] == "Hi"
    assert last["choices"][0]["finish_reason"] == "stop"
    assert list(last)[-3:] == ["usage", "id", "timings"]


def test_usage_with_manners_waits_to_be_asked(upstream: FakeUpstream) -> None:
    upstream.script(Text("Hi"), Finish(), Usage(1, 2, when_asked=True))
    asked = {**ASKED, "stream_options": {"include_usage": True}}
    assert b'"usage"' not in post(upstream).content
    assert b'"usage"' in post(upstream, body=asked).content


def test_free_steps_go_out_as_they_are(upstream: FakeUpstream) -> None:
    upstream.script(
        NoRole(), Delta({"x": 1}, finish="eos"), Chunk([1]), Raw(b": hi\n\n"), NoDone()
    )
    raw = post(upstream).content
    assert raw.endswith(b"data: [1]\n\n: hi\n\n")
    assert events(raw[:-16])[0]["choices"][0]["delta"] == {"x": 1}


def test_an_error_step_ends_the_stream_as_llama_server_does(
    upstream: FakeUpstream,
) -> None:
    upstream.script(Text("Hi"), Error("no", 500))
    raw = post(upstream).content
    error = {"code": 500, "message": "no", "type": "server_error"}
    assert events(raw)[-1] == {"error": error}
    assert b"[DONE]" not in raw


def test_done_may_be_followed_by_more(upstream: FakeUpstream) -> None:
    upstream.script(Text("a"), Done(), Text("b"))
    raw = post(upstream).content
    assert raw.index(b"[DONE]") < raw.index(b'"b"')


@pytest.mark.parametrize("framing", [True, False, "length"])
def test_every_framing_carries_the_same_bytes(
    upstream: FakeUpstream, framing: bool | str
) -> None:
    upstream.script(Text("\u4f60\u597d"), Finish(), chunked=framing, split=3)
    answer = post(upstream)
    assert oracles.text_of("openai", answer.content) == "\u4f60\u597d"
    assert ("Content-Length" in answer.headers) is (framing == "length")
    assert ("Transfer-Encoding" in answer.headers) is (framing is True)


def test_split_makes_chunks_of_so_many_bytes(upstream: FakeUpstream) -> None:
    upstream.script(Text("Hi"), Finish(), split=5)
    pieces = list(opened(upstream).raw.read_chunked())
    assert {len(piece) for piece in pieces[:20]} == {5}


@pytest.mark.parametrize("how", ["fin", "rst"])
def test_a_cut_breaks_the_framing(upstream: FakeUpstream, how: str) -> None:
    upstream.script(Text("Hi"), Pause(0.05), Cut(how, mid_chunk=True))
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        post(upstream)


def test_a_script_waits_for_an_event(upstream: FakeUpstream) -> None:
    gate = Wait()
    upstream.script(Text("first"), gate, Text("second"), Finish())
    answer = opened(upstream)
    lines = answer.iter_lines(chunk_size=1)
    assert b"assistant" in next(lines)
    assert next(lines) == b""
    assert b"first" in next(lines)
    assert not upstream.requests[0].completed.is_set()
    gate.event.set()
    assert b"second" in b"".join(lines)
    assert upstream.requests[0].completed.wait(20)


def test_a_silence_at_the_beginning_comes_before_the_head(
    upstream: FakeUpstream,
) -> None:
    gate = Wait()
    upstream.script(gate, Text("Hi"), Finish())
    with pytest.raises(requests.exceptions.ReadTimeout):
        requests.post(upstream.url + CHAT, json=ASKED, timeout=0.1)
    upstream.reset()
    upstream.script(Role(), gate, Text("Hi"), Finish())
    with opened(upstream) as answer:
        assert answer.status_code == 200


@pytest.mark.parametrize("step", [Hang(), Pause(10), Wait()])
def test_the_peer_leaving_is_recorded(upstream: FakeUpstream, step: Any) -> None:
    upstream.script(Text("Hi"), step)
    answer = opened(upstream)
    pieces = answer.iter_content(10)
    next(pieces)
    [request] = upstream.requests
    assert request.wait_closed(0.05) is None
    answer.close()
    moment = request.wait_closed(2)
    assert moment is not None
    assert moment >= request.arrived_at
    assert not request.completed.is_set()


def test_requests_are_recorded(upstream: FakeUpstream) -> None:
    post(upstream, CHAT + "?a=1", headers={"X-Mark": "yes"})
    requests.get(upstream.url + "/props", timeout=5)
    first, second = upstream.requests
    assert (first.method, first.path, first.query) == ("POST", CHAT, "a=1")
    assert first.headers["x-mark"] == "yes"
    assert first.json == ASKED
    assert first.streams
    assert (second.method, second.json) == ("GET", {})
    assert upstream.generations == [first]
    assert upstream.requests_to("/props") == [second]


def test_a_chunked_request_body_is_read(upstream: FakeUpstream) -> None:
    parts = iter([b'{"stream"', b":true}"])
    requests.post(upstream.url + CHAT, data=parts, timeout=5)
    assert upstream.requests[0].json == {"stream": True}


def test_each_answer_is_given_once_and_the_last_repeats(upstream: FakeUpstream) -> None:
    upstream.script(Text("one"), Finish())
    upstream.reply(429, {"error": {"message": "slow"}}, headers={"Retry-After": "7"})
    upstream.script(Text("two"), Finish())
    answers = [post(upstream) for _ in range(4)]
    assert [one.status_code for one in answers] == [200, 429, 200, 200]
    assert answers[1].headers["Retry-After"] == "7"
    assert oracles.text_of("openai", answers[3].content) == "two"


def test_a_new_answer_replaces_one_already_given(upstream: FakeUpstream) -> None:
    upstream.script(Text("one"), Finish())
    post(upstream)
    post(upstream)
    upstream.script(Text("two"), Finish())
    assert oracles.text_of("openai", post(upstream).content) == "two"


def test_an_answer_may_depend_on_the_request(upstream: FakeUpstream) -> None:
    upstream.respond(lambda request: Script((Text(request.json["model"]), Finish())))
    answer = post(upstream, body={**ASKED, "model": "x"})
    assert oracles.text_of("openai", answer.content) == "x"


def test_an_answer_may_be_for_another_path(upstream: FakeUpstream) -> None:
    upstream.reply(500, "no", path="/v1/models")
    assert requests.get(upstream.url + "/v1/models", timeout=5).status_code == 500
    assert post(upstream).status_code == 200


def test_bytes_can_be_played_on_the_bare_socket(upstream: FakeUpstream) -> None:
    upstream.play(b"HTTP/1.1 299 Odd\r\nContent-Length: 2\r\n\r\n", Pause(0.01), b"ok")
    answer = post(upstream)
    assert (answer.status_code, answer.reason, answer.text) == (299, "Odd", "ok")


def test_it_can_go_down_and_come_back_on_the_same_port(upstream: FakeUpstream) -> None:
    url = upstream.url
    upstream.refuse()
    with pytest.raises(requests.exceptions.ConnectionError):
        post(upstream)
    upstream.accept()
    assert upstream.url == url
    assert post(upstream).status_code == 200


def test_connections_are_kept_and_counted(upstream: FakeUpstream) -> None:
    with requests.Session() as session:
        for _ in range(3):
            session.post(upstream.url + CHAT, json=ASKED, timeout=5)
        assert [r.number for r in upstream.requests] == [1, 2, 3]
        assert upstream.connections == upstream.active == 1
    assert upstream.requests[-1].wait_closed(2) is not None


def test_parallel_requests_are_answered_apart(upstream: FakeUpstream) -> None:
    upstream.respond(
        lambda r: Script((Text(r.json["model"]), Pause(0.02), Text("!"), Finish()))
    )
    texts: dict[str, str] = {}

    def ask(name: str) -> None:
        answer = post(upstream, body={**ASKED, "model": name})
        texts[name] = oracles.text_of("openai", answer.content)

    threads = [threading.Thread(target=ask, args=(f"m{n}",)) for n in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert texts == {f"m{n}": f"m{n}!" for n in range(12)}


def test_a_broken_script_fails_the_test_that_wrote_it() -> None:
    def broken(request: Any) -> Any:
        raise ZeroDivisionError

    def use() -> None:
        with FakeUpstream() as up:
            up.respond(broken)
            with pytest.raises(requests.exceptions.ConnectionError):
                post(up)

    with pytest.raises(ZeroDivisionError):
        use()
