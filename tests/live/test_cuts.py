"""A recorded stream, cut at every byte: a part of it never passes for the whole."""

import json

import openai
import pytest

from proxyapp.app import create_app
from proxyapp.settings.load import load_settings
from tests import oracles
from tests.fakes.upstream import FakeUpstream
from tests.fakes.upstream import GOLDEN
from tests.fakes.upstream import NoDone
from tests.fakes.upstream import Raw
from tests.speakers import CHATS

pytestmark = pytest.mark.live

TOOLS = json.loads((GOLDEN / "chat_stream_tools_required.json").read_text("utf-8"))[
    "request"
]["body"]["tools"]
USER = {"role": "user", "content": "hi"}
NAMES = {tool["function"]["name"]: tool["function"]["parameters"] for tool in TOOLS}


def recording(name):
    """Give the body of a recorded stream."""
    golden = json.loads((GOLDEN / f"{name}.json").read_text("utf-8"))
    return golden["body"].encode()


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    """Run the application on threads, in this process: thousands of cuts are quick."""
    with FakeUpstream() as upstream:
        environ = {"UPSTREAM": upstream.url, "PROXYAPP_MODELS__REFRESH_SECONDS": "3600"}
        app = create_app(load_settings(environ, tmp_path_factory.mktemp("home")))
        yield upstream, app.test_client()


def answered(stage, speaker, raw):
    """Ask, while the upstream's whole body is these bytes; give status and body."""
    upstream, client = stage
    upstream.reset()
    upstream.script(Raw(raw), NoDone())
    tools = NAMES if speaker.calls else {}
    body = speaker.body("hi", tools, stream=True)
    headers = {**speaker.headers, "Host": "localhost"}
    reply = client.post(speaker.path, json=body, headers=headers)
    return reply.status_code, reply.data


def truncation(stage, speaker, raw, whole):
    """Name what is wrong with the reply to a cut stream, if anything."""
    status, body = answered(stage, speaker, raw)
    if status != 200:
        return speaker.error_violations(status, json.loads(body))
    view = speaker.view(body)
    failed = view.failure is not None
    found = speaker.stream_violations(body, failed=failed)
    if not failed:
        # An upstream that finished may lose its usage and its mark.
        found += [d for d in oracles.differences(view, whole) if "usage" not in d]
    return found


def every_byte(raw):
    """Cut everywhere near both ends; events in the middle are all alike."""
    length = len(raw)
    return sorted({*range(1, length, 19), *range(1, 700), *range(length - 600, length)})


def every_so_often(raw):
    return list(range(1, len(raw), 37))


CHAT, *OTHERS = CHATS
RECORDED = ("chat_stream_tools_required", "think_stream_tools")
CUTS = [
    pytest.param(CHAT, "chat_stream", every_byte, id="text"),
    pytest.param(CHAT, "chat_stream_tools_required", every_byte, id="calls"),
    pytest.param(CHAT, "think_stream_tools", every_so_often, id="reasoning"),
    *(
        pytest.param(speaker, name, every_so_often, id=f"{speaker.name}-{name}")
        for speaker in OTHERS
        for name in RECORDED
    ),
]


@pytest.mark.reliability("R-003", "R-018")
@pytest.mark.parametrize(("speaker", "name", "cuts"), CUTS)
def test_wherever_a_stream_is_cut_the_client_knows(stage, speaker, name, cuts):
    raw = recording(name)
    whole = speaker.view(answered(stage, speaker, raw)[1])
    assert whole.failure is None
    found = {
        cut: wrong
        for cut in cuts(raw)
        if 0 < cut < len(raw)
        and (wrong := truncation(stage, speaker, raw[:cut], whole))
    }
    assert found == {}


def fraction(raw, tenths):
    return raw[: max(1, len(raw) * tenths // 10)]


@pytest.mark.reliability("R-003")
@pytest.mark.parametrize("tenths", range(10))
def test_the_sdk_raises_for_a_cut_stream(gateway, upstream, tenths):
    raw = recording("chat_stream_tools_required")
    upstream.script(Raw(fraction(raw, tenths)), NoDone())
    url = f"{gateway.url}/v1"
    with openai.OpenAI(base_url=url, api_key="none", max_retries=0) as client:
        create = client.chat.completions.create
        with pytest.raises(openai.APIError):
            list(create(model="tiny", messages=[USER], tools=TOOLS, stream=True))


@pytest.mark.reliability("R-003")
@pytest.mark.parametrize("tenths", range(0, 10, 3))
def test_the_sdk_raises_for_a_cut_reply(gateway, upstream, tenths):
    raw = recording("chat_stream_tools_required")
    upstream.script(Raw(fraction(raw, tenths)), NoDone())
    reply = CHATS[0].post(gateway, "hi", NAMES)
    assert reply.status_code == 502
    assert oracles.openai_error(502, reply.json()) == []
