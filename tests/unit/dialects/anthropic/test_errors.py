import pytest

from proxyapp.dialects.anthropic.errors import write_error
from proxyapp.errors import BadRequest
from proxyapp.errors import BodyTooLarge
from proxyapp.errors import ContextOverflow
from proxyapp.errors import Forbidden
from proxyapp.errors import MethodNotAllowed
from proxyapp.errors import NotFound
from proxyapp.errors import NotSupported
from proxyapp.errors import ProxyError
from proxyapp.errors import Unauthorized
from proxyapp.errors import UpstreamBusy
from proxyapp.errors import UpstreamError
from proxyapp.errors import UpstreamRateLimited
from proxyapp.errors import UpstreamTimeout
from tests.oracles import anthropic_error


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (BadRequest("x"), "invalid_request_error"),
        (Unauthorized("x"), "authentication_error"),
        (Forbidden("x"), "permission_error"),
        (NotFound("x"), "not_found_error"),
        (MethodNotAllowed("x"), "invalid_request_error"),
        (BodyTooLarge("x"), "invalid_request_error"),
        (UpstreamRateLimited("x"), "rate_limit_error"),
        (ProxyError("x"), "api_error"),
        (NotSupported("x"), "api_error"),
        (UpstreamError("x"), "api_error"),
        (UpstreamBusy("x"), "overloaded_error"),
        (UpstreamTimeout("x"), "timeout_error"),
    ],
)
def test_the_type_of_an_error_follows_its_status(error, kind):
    body = write_error(error, "req_1")
    assert body["error"] == {"type": kind, "message": "x"}
    assert body["request_id"] == "req_1"
    assert anthropic_error(error.status, body) == []


def test_an_overflow_has_the_words_that_make_clients_compact():
    body = write_error(ContextOverflow(5033, 2048), "req_1")
    told = body["error"]["message"]
    assert told == "prompt is too long: 5033 tokens > 2048 maximum"
