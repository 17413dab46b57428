from proxyapp.backends.echo import EchoBackend
from proxyapp.dialects.listing import listed
from proxyapp.routing.registry import Registry
from proxyapp.settings.schema import ModelSettings


def test_models_come_first_and_aliases_after_them():
    aliases = {"parrot": "echo", "claude-*": "echo", "dead": "nothing"}
    registry = Registry([EchoBackend()], ModelSettings(aliases=aliases))
    assert [name for name, _ in listed(registry)] == ["echo", "parrot"]


def test_an_alias_comes_with_its_model():
    registry = Registry([EchoBackend()], ModelSettings(aliases={"parrot": "echo"}))
    assert {model.id for _, model in listed(registry)} == {"echo"}
