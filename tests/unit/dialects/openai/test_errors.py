import pytest

from proxyapp.dialects.openai.errors import error_body
from proxyapp.dialects.openai.errors import error_status
from proxyapp.errors import BadRequest
from proxyapp.errors import NotSupported
from proxyapp.errors import UpstreamRateLimited
from proxyapp.errors import UpstreamUnreachable
from tests import oracles

VSCODE = "GitHubCopilotChat/0.42.0"


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (BadRequest("no", param="n"), "invalid_request_error"),
        (UpstreamRateLimited("slow"), "rate_limit_error"),
        (NotSupported("no"), "not_supported_error"),
        (UpstreamUnreachable("gone"), "server_error"),
    ],
)
def test_an_error_has_all_four_keys(error, kind):
    body = error_body(error)
    assert oracles.openai_error(error.status, body) == []
    assert body["error"]["type"] == kind


@pytest.mark.parametrize(
    ("error", "agent", "status"),
    [
        (UpstreamUnreachable("gone"), VSCODE, 424),
        (UpstreamUnreachable("gone"), "curl/8", 502),
        (BadRequest("no"), VSCODE, 400),
        (UpstreamRateLimited("slow"), VSCODE, 429),
    ],
)
def test_a_status_is_true_unless_it_would_hide_the_words(error, agent, status):
    assert error_status(error, agent) == status
