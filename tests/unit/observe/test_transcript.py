import pytest

from proxyapp.observe.transcript import Transcript


def heard(request=b"", reply=(), secrets=()):
    transcript = Transcript()
    transcript.asked(request)
    assert list(transcript.told(reply)) == list(reply)
    return transcript.shown(secrets)


def test_both_sides_are_shown():
    assert heard(b'{"model": "a"}', [b"data: 1\n\n", b"data: 2\n\n"]) == {
        "request_body": '{"model": "a"}',
        "reply_body": "data: 1\n\ndata: 2\n\n",
    }


def test_a_side_that_said_nothing_is_left_out():
    assert heard(reply=[b"ok"]) == {"reply_body": "ok"}
    assert heard() == {}


def test_no_side_is_shown_at_length():
    shown = heard(b"a b " * 50_000, [b"c d "] * 50_000)
    assert {len(side) for side in shown.values()} == {4096 + 3}
    assert all(side.endswith("...") for side in shown.values())


@pytest.mark.reliability("R-045")
def test_secrets_are_hidden_on_both_sides():
    shown = heard(b"Bearer abcdef", [b"sk-abc", b"def123"], ())
    assert shown == {"request_body": "[hidden]", "reply_body": "[hidden]"}
    assert heard(b"open sesame", secrets=("sesame",))["request_body"] == "open [hidden]"


@pytest.mark.reliability("R-045")
@pytest.mark.parametrize("length", [1 << 14, 1 << 16])
def test_a_secret_that_was_cut_in_two_is_not_shown(monkeypatch, length):
    monkeypatch.setattr("proxyapp.observe.transcript._SHOWN", 1 << 20)
    body = "a " * (length // 2 - 3) + "sk-abcdefghijkl " + "b " * 100
    assert "sk" not in heard(body.encode())["request_body"]


def test_what_follows_an_image_is_shown():
    body = b'{"image": "' + b"A" * 40_000 + b'", "text": "Hello"}'
    shown = heard(body)["request_body"]
    assert shown == f'{{"image": "{"A" * 24}...(40000 characters)", "text": "Hello"}}'


def test_bytes_that_are_no_text_are_shown_as_far_as_they_are():
    assert heard(b"a\xffb")["request_body"] == "a\ufffdb"
