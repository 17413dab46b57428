"""The stand-in for VS Code's reader loses what the real one loses."""

import pytest

from tests.instruments import samples as s
from tests.oracles import vscode
from tests.oracles.vscode import vscode_reads


def test_text_and_usage_are_read() -> None:
    reading = vscode_reads(s.sse(s.ROLE, s.TEXT, s.STOP, s.COUNT))
    assert (reading.text, reading.finish, reading.failure) == ("Hi", "stop", None)
    assert reading.usage == s.USAGE
    assert reading.logged == 0


def test_comments_are_skipped_and_other_lines_are_logged() -> None:
    raw = b": ping\n\n" + b"event: x\n" + s.sse(s.ROLE, s.TEXT, s.STOP)
    reading = vscode_reads(raw)
    assert (reading.text, reading.logged) == ("Hi", 1)


def test_a_blank_after_the_colon_is_optional() -> None:
    raw = s.sse(s.ROLE, s.TEXT, s.STOP).replace(b"data: ", b"data:")
    assert vscode_reads(raw).text == "Hi"


def test_the_last_line_is_lost_without_its_newline() -> None:
    raw = s.sse(s.ROLE, s.TEXT, s.STOP, done=False).rstrip(b"\n")
    assert vscode_reads(raw).failure == vscode.NO_CHOICES


@pytest.mark.parametrize(
    ("finish", "failure"),
    [
        (None, vscode.NO_CHOICES),
        ("eos", vscode.NO_CHOICES),
        ("length", "Response too long."),
        ("content_filter", "Response got filtered."),
        ("error", "Server error. Stream terminated"),
    ],
)
def test_some_finish_reasons_lose_the_answer(finish: str | None, failure: str) -> None:
    raw = s.sse(s.ROLE, s.TEXT, s.chunk({}, finish))
    assert vscode_reads(raw).failure == failure


@pytest.mark.parametrize("usage", [{}, {"prompt_tokens": 1}, {"prompt_tokens": "1"}])
def test_incomplete_usage_crashes(usage: dict[str, object]) -> None:
    raw = s.sse(s.ROLE, s.TEXT, s.STOP, {**s.COUNT, "usage": usage})
    assert vscode_reads(raw).failure == vscode.USAGE_CRASH


def test_an_empty_list_of_calls_loses_the_content_beside_it() -> None:
    raw = s.sse(s.ROLE, s.chunk({"content": "Hi", "tool_calls": []}), s.STOP)
    assert vscode_reads(raw).failure == vscode.EMPTY


def test_a_call_is_put_together_from_its_fragments() -> None:
    raw = s.sse(
        s.ROLE, s.call(0), s.fragment(0, '{"a"'), s.fragment(0, ":1}"), s.CALLED
    )
    reading = vscode_reads(raw)
    assert reading.calls == (vscode.Call("call_0", "ls", {"a": 1}),)
    assert reading.failure is None


def test_interleaved_fragments_without_ids_destroy_both_calls() -> None:
    raw = s.sse(
        s.ROLE,
        s.call(0, arguments='{"a"'),
        s.call(1, arguments='{"b"'),
        s.fragment(0, ":1}"),
        s.fragment(1, ":2}"),
        s.CALLED,
    )
    assert vscode_reads(raw).failure == vscode.EMPTY


def test_interleaved_fragments_with_ids_are_told_apart() -> None:
    raw = s.sse(
        s.ROLE,
        s.call(0, arguments='{"a"'),
        s.call(1, arguments='{"b"'),
        s.fragment(0, ":1}", id="call_0"),
        s.fragment(1, ":2}", id="call_1"),
        s.CALLED,
    )
    assert [call.arguments for call in vscode_reads(raw).calls] == [{"a": 1}, {"b": 2}]


def test_a_call_with_broken_arguments_is_lost() -> None:
    raw = s.sse(s.ROLE, s.TEXT, s.call(0, arguments='{"a"'), s.CALLED)
    reading = vscode_reads(raw)
    assert (reading.text, reading.calls) == ("Hi", ())


def test_a_call_is_lost_at_length() -> None:
    raw = s.sse(s.ROLE, s.call(0, arguments="{}"), s.chunk({}, "length"))
    assert vscode_reads(raw).calls == ()


def test_content_that_is_no_text_crashes() -> None:
    raw = s.sse(s.ROLE, s.chunk({"content": [{"type": "text"}]}), s.STOP)
    assert vscode_reads(raw).failure == vscode.CONTENT_CRASH


def test_thinking_has_another_name_in_the_older_reader() -> None:
    older_name = s.sse(s.ROLE, s.chunk({"reasoning_text": "hm"}), s.TEXT, s.STOP)
    newer_name = s.sse(s.ROLE, s.chunk({"reasoning_content": "hm"}), s.TEXT, s.STOP)
    both = s.chunk({"reasoning_content": "hm", "reasoning_text": "hm"})
    assert vscode_reads(older_name).thinking == "hm"
    assert vscode_reads(newer_name).thinking == ""
    assert vscode_reads(newer_name, newer=True).thinking == "hm"
    assert vscode_reads(s.sse(s.ROLE, both, s.STOP), newer=True).thinking == "hm"


def test_thinking_alone_is_no_answer() -> None:
    raw = s.sse(s.ROLE, s.chunk({"reasoning_text": "hm"}), s.STOP)
    assert vscode_reads(raw).failure == vscode.EMPTY


def test_an_error_is_shown_before_content() -> None:
    failure = vscode_reads(s.sse(s.ROLE, s.ERROR)).failure
    assert failure is not None
    assert "upstream broke off" in failure


def test_an_error_after_content_is_shown_only_behind_a_finish_reason() -> None:
    lost = vscode_reads(s.sse(s.ROLE, s.TEXT, s.ERROR))
    shown = vscode_reads(s.sse(s.ROLE, s.TEXT, s.chunk({}, "error"), s.ERROR))
    assert lost.failure == vscode.NO_CHOICES
    assert "upstream broke off" in str(shown.failure)


def test_an_error_beside_choices_or_as_text_is_not_read() -> None:
    beside = s.sse(s.ROLE, {**s.ERROR, "choices": []})
    text = s.sse(s.ROLE, {"error": "broke off"})
    assert vscode_reads(beside).failure == vscode.NO_CHOICES
    assert vscode_reads(text).failure == vscode.NO_CHOICES


def test_a_json_body_is_no_stream() -> None:
    assert vscode_reads(b'{"choices":[]}\n').failure == vscode.NO_CHOICES
