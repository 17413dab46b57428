import inspect
import re

import pytest

from proxyapp import errors
from proxyapp.errors import BadRequest
from proxyapp.errors import ContextOverflow
from proxyapp.errors import MethodNotAllowed
from proxyapp.errors import ProxyError
from proxyapp.errors import UnknownModel
from proxyapp.errors import UpstreamBusy
from proxyapp.errors import UpstreamError

CLASSES = {
    name: kind
    for name, kind in vars(errors).items()
    if inspect.isclass(kind) and issubclass(kind, ProxyError)
}
DRAWN = re.findall(r"(\w+)  +(\d{3})  (\w+)$", errors.__doc__ or "", re.MULTILINE)


def test_the_drawn_tree_names_every_error():
    assert {name for name, _, _ in DRAWN} == set(CLASSES)


@pytest.mark.parametrize(("name", "status", "code"), DRAWN)
def test_the_drawn_tree_tells_the_truth(name, status, code):
    kind = CLASSES[name]
    assert (str(kind.status), kind.code) == (status, code)


@pytest.mark.parametrize("kind", CLASSES.values())
def test_only_failures_of_a_server_may_be_retried(kind):
    assert kind.status >= 429 or not kind.retryable


def test_an_error_that_quotes_too_much_says_what_to_do_nonetheless():
    error = BadRequest(f"The type {'x' * 10_000} is unknown; leave it out.")
    assert error.message.startswith("The type xxx")
    assert error.message.endswith("xxx is unknown; leave it out.")
    assert len(error.message) < 5_000


def test_an_error_is_its_message():
    assert str(ProxyError("It broke; mend it.")) == "It broke; mend it."


def test_an_error_carries_nothing_it_was_not_given():
    error = BadRequest("No.")
    assert (error.param, error.retry_after, error.headers) == (None, None, {})


def test_a_code_of_its_own_overrides_the_class():
    assert UpstreamError("No.", code="status_418").code == "status_418"


def test_headers_and_retry_after_travel_with_the_error():
    error = UpstreamBusy("Wait.", retry_after="7")
    refused = MethodNotAllowed("No.", headers={"Allow": "GET"})
    assert (error.retry_after, refused.headers) == ("7", {"Allow": "GET"})


def test_an_overflow_tells_both_counts():
    error = ContextOverflow(5033, 2048)
    assert (error.tokens, error.limit, error.param) == (5033, 2048, "messages")
    assert "5033" in error.message
    assert "2048" in error.message


def test_an_unknown_model_is_told_with_its_near_names():
    error = UnknownModel("qwen", ["qwen3", "qwen2"])
    assert "model 'qwen' not found. Near names: qwen3, qwen2." in error.message
    assert (error.param, error.near) == ("model", ["qwen3", "qwen2"])


def test_an_unknown_model_without_near_names_says_nothing_of_them():
    assert "Near" not in UnknownModel("qwen", []).message
