import json
import shlex
from dataclasses import replace

from proxyapp.backends.base import Finding
from proxyapp.backends.base import ModelInfo
from proxyapp.backends.echo import EchoBackend
from proxyapp.cli.drawing import ASCII
from proxyapp.cli.drawing import columns
from proxyapp.cli.drawing import WIDTH
from proxyapp.cli.summary import next_command
from proxyapp.cli.summary import summary
from proxyapp.settings.schema import AuthSettings
from proxyapp.settings.schema import ServerSettings
from proxyapp.settings.schema import Settings
from proxyapp.settings.schema import StateSettings

URL = "http://127.0.0.1:11434"
GOOD = Finding(True, "llama", "http://127.0.0.1:11433 answers")
MODEL = ModelInfo("qwen3", "llama", "qwen3", context_length=32768)


def drawn(findings=(GOOD,), models=(MODEL,), settings=None):
    return "\n".join(summary(settings or Settings(), findings, models, ASCII))


def test_the_next_command_asks_for_a_key_where_one_is_needed(tmp_path):
    state = StateSettings(directory=str(tmp_path))
    assert "YOUR-KEY" not in drawn(settings=Settings(state=state))
    (tmp_path / "keys.json").touch()
    assert "YOUR-KEY" in drawn(settings=Settings(state=state))


def test_each_dialect_has_its_address():
    box = drawn()
    assert f"| OpenAI    {URL}/v1 " in box
    assert f"| Ollama    {URL} " in box


def test_an_address_for_everyone_is_shown_as_this_machine_reaches_it():
    server = ServerSettings(listen_host="0.0.0.0", listen_port=8080)
    assert "http://127.0.0.1:8080/v1" in drawn(settings=Settings(server=server))


def test_an_upstream_that_answers_takes_one_line():
    more = Finding(True, "llama", "tools can be used")
    box = drawn([GOOD, more])
    assert "llama: http://127.0.0.1:11433 answers" in box
    assert "tools can be used" not in box


def test_a_fault_is_shown_with_its_remedy():
    box = drawn([GOOD, Finding(False, "llama", "tools fail", "Use --jinja.")])
    assert "llama: tools fail" in box
    assert "-> Use --jinja." in box


def test_a_model_is_shown_with_its_context():
    assert "| Models    qwen3  32,768 tokens  completion" in drawn()


def test_of_many_models_the_first_are_shown():
    many = [replace(MODEL, id=f"model-{number:02}") for number in range(15)]
    box = drawn(models=many)
    assert "model-11" in box
    assert "model-12" not in box
    assert "and 3 more: python -m proxyapp models" in box


def test_the_model_that_comes_with_the_gateway_is_explained():
    assert "echo is built in" in drawn(models=EchoBackend().models())
    assert "echo is built in" not in drawn()


def test_without_models_the_box_says_so():
    assert "| Models    none" in drawn(models=[])


def test_the_frame_fits_a_terminal():
    words = Finding(False, "llama", "much is wrong " * 20, "do a lot " * 20)
    lines = summary(Settings(), [words], [MODEL], ASCII)
    assert max(columns(line) for line in lines if line[0] in "|+") <= WIDTH


def test_the_command_survives_the_shell():
    words = shlex.split(next_command(URL, [replace(MODEL, id="it's")], with_key=False))
    assert words[:3] == ["curl", f"{URL}/v1/chat/completions", "-d"]
    assert json.loads(words[3])["model"] == "it's"


def test_the_command_names_a_model_that_chats():
    embedder = replace(MODEL, id="embed", capabilities=frozenset({"embedding"}))
    assert '"model":"qwen3"' in next_command(URL, [embedder, MODEL], with_key=False)


def test_the_command_has_a_place_for_a_key_where_one_is_needed():
    settings = Settings(auth=AuthSettings(keys=("0a" * 32,)))
    assert "-H 'Authorization: Bearer YOUR-KEY'" in drawn(settings=settings)


def test_without_a_model_that_chats_the_doctor_is_next():
    assert next_command(URL, [], with_key=False) == "python -m proxyapp doctor"
