from pathlib import Path

from proxyapp.backends.copilot.start import told_at_start
from proxyapp.settings.schema import CopilotSettings


def test_the_enterprises_hosts_may_be_asked():
    settings = CopilotSettings(enterprise_domain="acme.ghe.com", hosts=("relay.x",))
    assert told_at_start(settings, Path("/s"))["hosts"] == [
        "acme.ghe.com",
        "api.acme.ghe.com",
        "copilot-api.acme.ghe.com",
        "relay.x",
    ]


def test_a_relay_is_told_only_if_there_is_one():
    assert "egress" not in told_at_start(CopilotSettings(), Path("/s"))
    relayed = CopilotSettings(egress="http://127.0.0.1:9")
    assert told_at_start(relayed, Path("/s"))["egress"] == "http://127.0.0.1:9"


def test_the_login_is_kept_in_the_state_directory():
    assert told_at_start(CopilotSettings(), Path("/s"))["store"] == "/s/copilot.json"
