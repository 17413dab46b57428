"""Gateways that run for the whole session, and one upstream that is new for each test.

A gateway is started when the first test wants it. They all speak to the same
upstream, so ``upstream.generations`` is what the test's own requests became.
"""

from collections.abc import Iterator

import anthropic
import openai
import pytest

from proxyapp.auth.ring import key_digest
from tests.fakes.upstream import FakeUpstream
from tests.servers import running_gateway
from tests.servers import RunningGateway

KEY = "pxa-the-key-of-a-client"
UPSTREAM_KEY = "the-key-of-the-gateway"
QUICK = {
    "PROXYAPP_STREAM__COMMIT_AFTER": 0.3,
    "PROXYAPP_STREAM__HEARTBEAT": 0.3,
    "PROXYAPP_UPSTREAM__IDLE_TIMEOUT": 5,
    "PROXYAPP_SERVER__MAX_BODY_MB": 2,
}
SERVED = """
[models]
unknown = "reject"
aliases = {{ "claude-local" = "tiny", "gpt-*" = "tiny" }}

[[backends]]
name = "first"
url = "{url}"
models = ["tiny"]

[[backends]]
name = "second"
kind = "openai"
url = "{url}"
key_env = "SECOND_KEY"
models = ["org/coder:7b"]
endpoints = ["rerank"]
compat = {{ supports_n = false, supports_audio = false, supports_images = false }}
"""


@pytest.fixture(scope="session")
def only_upstream() -> Iterator[FakeUpstream]:
    """Run the upstream; tests use ``upstream``."""
    with FakeUpstream() as fake:
        yield fake


@pytest.fixture
def upstream(only_upstream: FakeUpstream) -> Iterator[FakeUpstream]:
    """Give the upstream, fresh; a broken script fails its own test."""
    only_upstream.reset()
    yield only_upstream
    errors, only_upstream.errors = only_upstream.errors, []
    assert errors == []


@pytest.fixture(scope="session")
def gateway(only_upstream: FakeUpstream) -> Iterator[RunningGateway]:
    """Run a gateway as it is with ``UPSTREAM`` set, only less patient."""
    with running_gateway(only_upstream.url, **QUICK) as running:
        yield running


@pytest.fixture(scope="session")
def served(only_upstream: FakeUpstream) -> Iterator[RunningGateway]:
    """Run a gateway with two backends, aliases and a fixed set of models."""
    config = SERVED.format(url=only_upstream.url)
    with running_gateway(config=config, SECOND_KEY=UPSTREAM_KEY, **QUICK) as running:
        yield running


@pytest.fixture(scope="session")
def keyed(only_upstream: FakeUpstream) -> Iterator[RunningGateway]:
    """Run a gateway that asks for a key, see ``KEY``."""
    keys = f"sha256:{key_digest(KEY)}"
    with running_gateway(only_upstream.url, PROXYAPP_AUTH__KEYS=keys, **QUICK) as it:
        yield it


@pytest.fixture(scope="session")
def bereft() -> Iterator[RunningGateway]:
    """Run a gateway whose upstream refuses connections."""
    with FakeUpstream() as fake:
        gone = fake.url
    with running_gateway(gone, **QUICK) as running:
        yield running


@pytest.fixture
def sdk(gateway: RunningGateway) -> Iterator[openai.OpenAI]:
    """Give OpenAI's SDK, strict, without retries."""
    with strict_openai(gateway) as client:
        yield client


@pytest.fixture
def loose_sdk(gateway: RunningGateway) -> Iterator[openai.OpenAI]:
    """Give OpenAI's SDK as people use it; strictness breaks its embeddings."""
    url = f"{gateway.url}/v1"
    with openai.OpenAI(base_url=url, api_key="none", max_retries=0) as client:
        yield client


def strict_openai(gateway: RunningGateway, key: str = "none") -> openai.OpenAI:
    """Make OpenAI's SDK check what it reads."""
    return openai.OpenAI(
        base_url=f"{gateway.url}/v1",
        api_key=key,
        max_retries=0,
        timeout=20,
        _strict_response_validation=True,
    )


def strict_anthropic(gateway: RunningGateway, key: str = "none") -> anthropic.Anthropic:
    """Make Anthropic's SDK check what it reads."""
    return anthropic.Anthropic(
        base_url=gateway.url,
        api_key=key,
        max_retries=0,
        timeout=20,
        _strict_response_validation=True,
    )
