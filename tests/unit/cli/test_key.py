import io

from proxyapp.auth.ring import KeyRing
from proxyapp.cli.key import run
from proxyapp.cli.terminal import Terminal
from proxyapp.settings.load import load_settings


def shown():
    output = io.StringIO()
    assert run(Terminal(output, output, {})) == 0
    return output.getvalue()


def test_the_shown_lines_are_settings_that_admit_the_shown_key(tmp_path):
    text = shown()
    key = next(line.strip() for line in text.splitlines() if "pxa-" in line)
    (tmp_path / "config.toml").write_text(text[text.index("  [auth]") :], "utf-8")
    settings = load_settings({}, tmp_path)
    KeyRing(settings.auth.keys).check({"x-api-key": key})


def test_every_key_is_another():
    assert shown() != shown()
