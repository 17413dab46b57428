import pytest

from proxyapp.backends.copilot.client import CopilotClient
from proxyapp.errors import ProxyError


def test_a_question_is_answered(start):
    client = CopilotClient(start())
    assert client.ask("ping", {"a": 1}, 5)["told"] == {"a": 1}


def test_a_failure_is_told_in_the_gateways_words(start):
    client = CopilotClient(start())
    with pytest.raises(ProxyError, match="it is network"):
        client.ask("chat.stream", {"model": {"id": "fail:network"}}, 5)


def test_a_refused_token_is_the_callers(start):
    params = {"model": {"id": "fail:auth"}, "auth": {"mode": "token", "token": "t"}}
    with pytest.raises(ProxyError) as refused:
        CopilotClient(start()).ask("chat.stream", params, 5)
    assert refused.value.status == 401


def test_silence_and_a_broken_connection_are_failures_too(start):
    client = CopilotClient(start())
    with pytest.raises(ProxyError, match="was not answered"):
        client.ask("chat.stream", {"model": {"id": "watch"}}, 0.1)
    with pytest.raises(ProxyError, match="closed the connection"):
        client.ask("chat.stream", {"model": {"id": "close"}}, 5)
