from proxyapp.dialects.responses.clients import counts_events
from proxyapp.dialects.responses.clients import drops_hosted
from proxyapp.dialects.responses.clients import is_codex

CODEX = "codex_exec/0.169.0 (Debian 12.0.0; x86_64) xterm (codex_exec; 0.169.0)"


def test_codex_is_known_by_its_user_agent():
    assert is_codex(CODEX)
    assert not is_codex("OpenAI/Python 3.52.0")


def test_hosted_tools_are_dropped_for_codex_only():
    assert drops_hosted("auto", CODEX)
    assert not drops_hosted("auto", "OpenAI/Python 3.52.0")


def test_the_owners_word_about_hosted_tools_goes_first():
    assert drops_hosted("drop", "OpenAI/Python 3.52.0")
    assert not drops_hosted("reject", CODEX)


def test_only_codex_waits_for_events():
    assert counts_events(CODEX)
    assert not counts_events("OpenAI/Python 3.52.0")
