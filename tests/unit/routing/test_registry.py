import threading

import pytest

from proxyapp.backends.base import ModelInfo
from proxyapp.backends.echo import EchoBackend
from proxyapp.errors import Forbidden
from proxyapp.errors import UnknownModel
from proxyapp.errors import UpstreamBusy
from proxyapp.errors import UpstreamInvalid
from proxyapp.errors import UpstreamTimeout
from proxyapp.errors import UpstreamUnreachable
from proxyapp.neutral.record import Caller
from proxyapp.neutral.scope import Access
from proxyapp.routing.registry import Registry
from proxyapp.settings.schema import ModelSettings

DOWN = UpstreamUnreachable("it is down")


class Served:
    """A backend that lists models, or fails, and counts how often it is asked."""

    def __init__(self, name, *models, failure=None):
        self.name = name
        self.listed = [self.model(m) if isinstance(m, str) else m for m in models]
        self.failure = failure
        self.asked = 0

    def model(self, name, **fields):
        return ModelInfo(name, self.name, f"/m/{name}.gguf", **fields)

    def models(self):
        self.asked += 1
        if self.failure is not None:
            raise self.failure
        return self.listed


class Account(Served):
    """A backend whose callers have models of their own."""

    def models_of(self, caller):
        own = {"mine": ["new", "old"]}.get(caller.credential, [])
        return [self.model(name) for name in own]


class Clock:
    def __init__(self):
        self.now = 50.0

    def __call__(self):
        return self.now


def registry(*backends, clock=None, stand_in=None, own_backends=False, **settings):
    return Registry(
        backends,
        ModelSettings(**settings),
        stand_in=stand_in,
        personal=next((b for b in backends if isinstance(b, Account)), None),
        own_backends=own_backends,
        clock=clock or Clock(),
    )


def resolved(found, name):
    target = found.resolve(name)
    return f"{target.backend.name}:{target.model.id}"


def ids(found):
    return [model.id for model in found.models()]


A = Served("a", "qwen", ModelInfo("phi", "a", "phi", ("small",), ("/m/phi.gguf",)))
B = Served("b", "llama", "qwen")


# ------------------------------------------------------------------ resolution


@pytest.mark.parametrize(
    ("name", "target"),
    [
        ("qwen", "a:qwen"),
        ("qwen:latest", "a:qwen"),
        ("phi", "a:phi"),
        ("small", "a:phi"),
        ("/m/phi.gguf", "a:phi"),
        ("llama", "b:llama"),
        ("b/qwen", "b:b/qwen"),
        ("a/qwen", "a:qwen"),
        ("a/small", "a:phi"),
        ("a/qwen:latest", "a:qwen"),
        ("b/llama", "b:llama"),
        ("fast", "b:llama"),
        ("fast:latest", "b:llama"),
        ("twice", "b:llama"),
        ("full", "b:b/qwen"),
        ("claude-opus", "a:qwen"),
        ("claude-special", "a:phi"),
    ],
)
def test_a_name_leads_to_the_model_it_names(name, target):
    aliases = {
        "claude-special": "phi",
        "claude-*": "qwen",
        "fast": "llama",
        "twice": "fast",
        "full": "b/qwen",
        "qwen": "llama",
    }
    assert resolved(registry(A, B, aliases=aliases), name) == target


@pytest.mark.parametrize(
    "name", ["qwe", "QWEN", "b/phi", "c/qwen", "qwen/", "x:latest"]
)
def test_a_name_that_names_no_model_is_unknown(name):
    with pytest.raises(UnknownModel):
        registry(A, B).resolve(name)


@pytest.mark.parametrize(
    "aliases",
    [
        {"x": "x"},
        {"x": "y", "y": "x"},
        {"x": "nothing"},
        {"*": "nothing"},
        {"a": "b", "b": "c", "c": "d", "d": "e", "e": "f", "f": "qwen", "x": "a"},
    ],
)
def test_aliases_that_lead_nowhere_do_not_lead_in_circles(aliases):
    with pytest.raises(UnknownModel):
        registry(A, B, aliases=aliases).resolve("x")


def test_the_default_serves_unknown_names():
    found = registry(A, B, default="llama")
    assert (resolved(found, "gpt-4o"), resolved(found, "phi")) == ("b:llama", "a:phi")


def test_a_default_that_is_not_served_serves_nothing():
    with pytest.raises(UnknownModel):
        registry(A, B, default="gone").resolve("gpt-4o")


@pytest.mark.parametrize(
    ("name", "target"),
    [
        ("claude-3-5-haiku-latest", "a:phi"),
        ("anthropic/claude-haiku", "a:phi"),
        ("claude-sonnet", "b:llama"),
        ("my-haiku", "b:llama"),
    ],
)
def test_the_small_model_serves_side_tasks(name, target):
    assert resolved(registry(A, B, small="phi", default="llama"), name) == target


def test_an_unknown_name_is_told_with_its_near_ones():
    with pytest.raises(UnknownModel) as caught:
        registry(A, B).resolve("qwem")
    assert caught.value.near[0] == "qwen"


def test_where_nothing_is_near_some_names_are_told():
    with pytest.raises(UnknownModel) as caught:
        registry(A, B).resolve("zzzzzz")
    assert caught.value.near == ["qwen", "phi", "llama"]


# ------------------------------------------------------------------- any name


ONE = Served("one", "qwen")


def test_with_one_model_and_no_configuration_any_name_is_accepted():
    assert resolved(registry(ONE), "gpt-4o") == "one:qwen"


@pytest.mark.parametrize("options", [{"own_backends": True}, {"unknown": "reject"}])
def test_an_owner_who_configured_gets_no_guesses(options):
    with pytest.raises(UnknownModel):
        registry(ONE, **options).resolve("gpt-4o")


def test_the_only_model_answers_to_claude_all_the_same():
    assert resolved(registry(ONE, own_backends=True), "claude-opus-4") == "one:qwen"


def test_an_owner_may_accept_any_name():
    assert resolved(registry(A, B, unknown="accept"), "gpt-4o") == "a:qwen"


def test_a_name_is_sent_to_the_only_server_while_it_cannot_be_reached():
    target = registry(Served("one", failure=DOWN)).resolve("gpt-4o")
    assert (target.backend.name, target.model.upstream_id) == ("one", "gpt-4o")


@pytest.mark.parametrize("options", [{"own_backends": True}, {"unknown": "reject"}])
def test_a_backend_that_might_have_known_the_name_tells_its_failure(options):
    with pytest.raises(UpstreamUnreachable):
        registry(Served("one", failure=DOWN), **options).resolve("gpt-4o")


def test_a_failing_backend_does_not_hide_the_others():
    found = registry(Served("bad", failure=UpstreamBusy("full")), B)
    assert resolved(found, "llama") == "b:llama"
    with pytest.raises(UpstreamBusy):
        found.resolve("gpt-4o")


# -------------------------------------------------------------------- stand-in


def test_while_nothing_can_be_reached_the_stand_in_is_listed():
    found = registry(Served("one", failure=DOWN), stand_in=EchoBackend())
    assert ids(found) == ["echo"]
    assert resolved(found, "echo") == "echo:echo"


@pytest.mark.parametrize("failure", [UpstreamBusy("x"), UpstreamInvalid("x")])
def test_a_server_that_answers_at_all_needs_no_stand_in(failure):
    assert ids(registry(Served("one", failure=failure), stand_in=EchoBackend())) == []


def test_the_stand_in_vanishes_when_a_server_answers():
    backend, clock = Served("one", failure=DOWN), Clock()
    found = registry(backend, stand_in=EchoBackend(), clock=clock)
    assert ids(found) == ["echo"]
    backend.failure, backend.listed = None, [backend.model("qwen")]
    clock.now += 1.0
    assert ids(found) == ["qwen"]


def test_without_a_stand_in_nothing_is_listed():
    assert ids(registry(Served("one", failure=DOWN))) == []


# --------------------------------------------------------------------- listing


def test_models_are_listed_in_the_backends_order():
    assert ids(registry(A, B)) == ["qwen", "phi", "llama", "b/qwen"]


def test_the_second_of_one_name_loses_its_aliases():
    twin = Served("b", ModelInfo("qwen", "b", "q", ("small",), ("/m/q",)))
    found = registry(A, twin)
    assert found.aliases() == {"small": "phi"}
    with pytest.raises(UnknownModel):
        found.resolve("/m/q")


def test_aliases_that_lead_to_a_model_are_listed_with_it():
    aliases = {
        "fast": "llama",
        "full": "b/qwen",
        "twice": "fast",
        "tiny": "small",
        "gone": "nothing",
        "claude-*": "qwen",
        "phi": "qwen",
    }
    assert registry(A, B, aliases=aliases).aliases() == {
        "small": "phi",
        "fast": "llama",
        "full": "b/qwen",
        "twice": "llama",
        "tiny": "phi",
    }


def test_a_model_is_described_under_the_name_that_was_asked_for():
    model = registry(A, B).model("small")
    assert (model.id, model.upstream_id) == ("small", "phi")


def test_a_model_that_is_not_listed_is_not_described():
    with pytest.raises(UnknownModel):
        registry(ONE).model("gpt-4o")


# ------------------------------------------------------------------- freshness


def test_nothing_is_asked_before_the_first_use():
    backend = Served("one", "qwen")
    registry(backend)
    assert backend.asked == 0


@pytest.mark.parametrize(("passed", "asked"), [(9.9, 1), (10.0, 2)])
def test_a_list_is_kept_for_some_time(passed, asked):
    backend, clock = Served("one", "qwen"), Clock()
    found = registry(backend, clock=clock, refresh_seconds=10.0)
    found.models()
    clock.now += passed
    found.models()
    found.models()
    assert backend.asked == asked


@pytest.mark.parametrize(("passed", "asked"), [(0.9, 1), (1.0, 2)])
def test_a_failure_is_kept_for_a_moment_only(passed, asked):
    backend, clock = Served("one", failure=DOWN), Clock()
    found = registry(backend, clock=clock, refresh_seconds=10.0)
    found.models()
    clock.now += passed
    found.models()
    assert backend.asked == asked


def test_a_model_that_is_gone_is_listed_no_more():
    backend, clock = Served("one", "qwen", "phi"), Clock()
    found = registry(backend, clock=clock)
    found.models()
    backend.listed = backend.listed[:1]
    clock.now += 60
    assert ids(found) == ["qwen"]


def test_while_one_caller_asks_the_others_get_the_old_list():
    backend, clock = Served("one", "qwen"), Clock()
    found = registry(backend, clock=clock)
    found.models()
    clock.now += 60
    asking, answer = threading.Event(), threading.Event()

    def slowly():
        asking.set()
        assert answer.wait(5)
        return [backend.model("phi")]

    backend.models = slowly
    caller = threading.Thread(target=found.models)
    caller.start()
    assert asking.wait(5)
    assert ids(found) == ["qwen"]
    answer.set()
    caller.join(5)
    assert ids(found) == ["phi"]


def test_all_backends_are_asked_at_once():
    together = threading.Barrier(2)

    class Meeting(Served):
        def models(self):
            together.wait(5)
            return super().models()

    assert ids(registry(Meeting("a", "x"), Meeting("b", "y"))) == ["x", "y"]


def test_a_backend_that_does_not_answer_in_time_has_failed(monkeypatch):
    class Never:
        def __init__(self, call, discard):
            pass

        def wait(self, seconds):
            return False

    monkeypatch.setattr("proxyapp.routing.snapshot.Task", Never)
    with pytest.raises(UpstreamTimeout):
        registry(ONE, unknown="reject").resolve("qwen")


# ------------------------------------------------------------ a caller's own models


def test_a_caller_sees_the_models_of_their_own_account():
    whole = registry(A, Account("account", "old", "gone"))
    mine = whole.seen_by(Caller(credential="mine"))
    assert ids(mine) == ["qwen", "phi", "new", "old"]
    assert resolved(mine, "new") == "account:new"
    assert ids(whole) == ["qwen", "phi", "old", "gone"]


@pytest.mark.parametrize("credential", ["", "another"])
def test_everybody_else_sees_what_is_listed_for_all(credential):
    whole = registry(A, Account("account", "old"))
    assert whole.seen_by(Caller(credential=credential)) is whole


def test_a_model_that_only_the_account_knows_is_named_with_its_backend():
    found = registry(A, Account("account", "old"))
    assert resolved(found, "account/unlisted") == "account:unlisted"


def test_a_backend_that_lists_nothing_is_as_good_as_not_there():
    found = registry(Served("one", "qwen"), Account("account"))
    assert resolved(found, "anything") == "one:qwen"


def test_the_stand_in_is_listed_beside_a_backend_that_lists_nothing():
    down = Served("one", failure=DOWN)
    found = registry(down, Account("account"), stand_in=EchoBackend())
    assert ids(found) == ["echo"]


# --------------------------------------------------------------- what a caller may use


def seen(*patterns, backends=(), whole=None):
    whole = whole or registry(A, B, aliases={"fast": "phi"})
    return whole.seen_by(Caller(access=Access(patterns, backends)))


def test_a_caller_without_bounds_sees_the_very_same_registry():
    whole = registry(A, B)
    assert whole.seen_by(Caller()) is whole


def test_what_a_caller_may_not_use_is_not_listed():
    assert ids(seen(("qwen", "phi"))) == ["qwen", "phi", "b/qwen"]
    assert ids(seen(("!b/qwen",))) == ["qwen", "phi", "llama"]
    assert ids(seen(("!qwen",))) == ["phi", "llama"]
    assert ids(seen(backends=("b",))) == ["llama", "b/qwen"]
    assert seen(("!phi",)).aliases() == {}


def test_asked_for_by_name_it_is_refused():
    with pytest.raises(Forbidden, match="may not use the model 'phi'"):
        seen(("!phi",)).resolve("phi")
    with pytest.raises(Forbidden):
        seen(("!phi",)).resolve("fast")
    assert resolved(seen(("!phi",)), "llama") == "b:llama"


def test_near_names_tell_nothing_of_what_is_hidden():
    with pytest.raises(UnknownModel) as unknown:
        seen(("!phi",)).resolve("phi3")
    assert "phi" not in unknown.value.near
    with pytest.raises(UnknownModel) as unknown:
        seen(("!phi",)).model("phi3")
    assert "phi" not in unknown.value.near


def test_a_model_that_is_hidden_is_not_described():
    with pytest.raises(Forbidden, match="may not use the model 'phi'"):
        seen(("!phi",)).model("phi")
    assert seen(("!phi",)).model("llama").backend == "b"


@pytest.mark.parametrize("settings", [{"default": "llama"}, {"unknown": "accept"}])
def test_no_model_takes_the_place_of_one_that_is_hidden(settings):
    whole = registry(A, B, **settings)
    with pytest.raises(Forbidden):
        seen(("!phi",), whole=whole).resolve("phi")
    assert resolved(seen(("!phi",), whole=whole), "llama") == "b:llama"


def test_a_name_that_nobody_knows_never_leads_to_a_hidden_model():
    whole = registry(A, B, unknown="accept")
    assert resolved(seen(("!qwen",), whole=whole), "anything") == "a:phi"
    with pytest.raises(Forbidden):
        seen(("none",), whole=whole).resolve("anything")


def test_without_a_list_of_models_no_name_is_taken_on_trust():
    down = registry(Served("one", "qwen", failure=DOWN))
    assert down.resolve("anything").backend.name == "one"
    with pytest.raises(UpstreamUnreachable):
        seen(("!qwen",), whole=down).resolve("anything")


def test_the_failure_of_a_backend_that_is_hidden_is_not_told():
    whole = registry(A, Served("secret", failure=DOWN))
    with pytest.raises(UpstreamUnreachable):
        seen(("qwen",), whole=whole).resolve("other")
    with pytest.raises(UnknownModel):
        seen(backends=("a",), whole=whole).resolve("other")


def test_an_account_is_not_trusted_with_names_that_no_list_holds():
    whole = registry(A, Account("account", "old"))
    assert resolved(seen(backends=("account",), whole=whole), "account/x")
    with pytest.raises(Forbidden):
        seen(backends=("a",), whole=whole).resolve("account/x")
    with pytest.raises(UnknownModel):
        seen(("!new",), whole=whole).resolve("account/x")
    with pytest.raises(Forbidden):
        seen(("!new",), whole=whole).resolve("account/NEW")


def test_a_view_follows_what_is_served():
    clock = Clock()
    backend = Served("one", "qwen", "phi")
    whole = registry(backend, clock=clock)
    caller = Caller(access=Access((("!phi",),)))
    view = whole.seen_by(caller)
    assert ids(view) == ["qwen"]
    backend.listed = [backend.model("phi"), backend.model("llama")]
    clock.now += 100
    assert ids(view) == ["llama"]
    assert whole.seen_by(caller) is view


def test_views_are_kept_up_to_a_number():
    whole = registry(A)
    for number in range(600):
        assert ids(seen((f"!{number}",), whole=whole)) == ["qwen", "phi"]
    assert len(whole._views) <= 256


def test_the_stand_in_is_bound_as_any_model_is():
    down = registry(Served("one", failure=DOWN), stand_in=EchoBackend())
    assert ids(seen(("echo",), whole=down)) == ["echo"]
    assert ids(seen(("!echo",), whole=down)) == []


def test_the_one_model_there_is_may_be_forbidden_too():
    alone = registry(Served("one", "qwen"))
    with pytest.raises(Forbidden):
        seen(("!qwen",), whole=alone).resolve("anything")


def test_bounds_hold_for_a_callers_own_models():
    whole = registry(A, Account("account", "old"))
    caller = Caller(credential="mine", access=Access((("!old",),)))
    assert ids(whole.seen_by(caller)) == ["qwen", "phi", "new"]
